package mdl

import (
	"math"
	"math/big"
	"testing"
)

func orders(t *testing.T, prior []*big.Rat) *Class {
	t.Helper()
	c, err := Orders(2, prior, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestGoldenWeighing(t *testing.T) {
	w := Weigh(orders(t, Halves(4)), bits("0010010010010110010010010010010010"))
	evidence := 21.434189079
	near(t, "evidence", w.Evidence(), evidence, 1e-9)
	for m, want := range []float64{35.727446, 33.728668, 27.681006, 21.453677} {
		near(t, "two-part", w.TwoPart(m), want, 5e-7)
		near(t, "two-part by the posterior", w.TwoPart(m), evidence-math.Log2(w.Posterior()[m]), 1e-8)
		near(t, "certain Q", w.NegELBO(Point(4, m)), w.TwoPart(m), 1e-9)
	}
	if w.MAP() != 3 {
		t.Errorf("the best two-part code is that of order %d, want 3", w.MAP())
	}
	near(t, "Q = posterior", w.NegELBO(w.Posterior()), evidence, 1e-9)
	for _, c := range []struct {
		q         []float64
		elbo, gap float64
	}{
		{Uniform(4), 27.647698889, 6.213509810},
		{Point(4, 2), 27.681005676, 6.246816597},
		{[]float64{.1, .1, .7, .1}, 27.110903312, 5.676714233},
	} {
		near(t, "-ELBO", w.NegELBO(c.q), c.elbo, 1e-9)
		near(t, "gap A", w.GapA(c.q), c.gap, 1e-9)
	}
}

// TestIdentities holds every class against the identities of its codes.
func TestIdentities(t *testing.T) {
	trees, err := Trees(3, nil)
	if err != nil {
		t.Fatal(err)
	}
	automata, err := Automata(3)
	if err != nil {
		t.Fatal(err)
	}
	x := random(2, 60, .4)
	for _, c := range []*Class{orders(t, Halves(5)), trees, automata} {
		w := Weigh(c, x)
		post, evidence := ExactPosterior(c, x)
		near(t, c.Name+": evidence", w.Evidence(), ratBits(evidence), 1e-9)
		sum := new(big.Rat)
		for m, p := range w.Posterior() {
			sum.Add(sum, post[m])
			exact, _ := post[m].Float64()
			near(t, c.Name+": posterior", p, exact, 1e-10)
		}
		if sum.Cmp(big.NewRat(1, 1)) != 0 {
			t.Errorf("%s: the posterior sums to %v", c.Name, sum)
		}
		mass, _ := c.Mass().Float64()
		near(t, c.Name+": mixture symbol by symbol", CodeLength(Mixture(c), x), w.Evidence()+math.Log2(mass), 1e-9)
		for _, q := range [][]float64{w.Posterior(), Uniform(len(c.Members)), Point(len(c.Members), w.MAP())} {
			near(t, c.Name+": evidence + gap A", w.Evidence()+w.GapA(q), w.NegELBO(q), 1e-9)
		}
	}
}

// TestClassNML: the NML code of a class satisfies Kraft with equality, and has
// the same regret on every sequence.
func TestClassNML(t *testing.T) {
	c := orders(t, Halves(3))
	const n = 8
	sum := 0.0
	Sequences(2, n, func(x []int) {
		w := Weigh(c, x)
		length, ok := w.NML(n)
		if !ok {
			t.Fatal("not defined")
		}
		sum += math.Exp2(-length)
	})
	near(t, "sum of 2^-length", sum, 1, 1e-12)
	if _, ok := ClassComplexity(c, 40); ok {
		t.Error("claims to have visited 2^40 sequences")
	}
}

func TestKraftRefused(t *testing.T) {
	over := []*big.Rat{big.NewRat(1, 2), big.NewRat(1, 2), big.NewRat(1, 1<<40)}
	for name, prior := range map[string][]*big.Rat{"over": over, "zero": {new(big.Rat)}, "none": nil} {
		if _, err := Orders(2, prior, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAutomata(t *testing.T) {
	c, err := Automata(3)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Members) != 746 {
		t.Errorf("%d automata, want 746", len(c.Members))
	}
	if c.Mass().Cmp(big.NewRat(3, 4)) != 0 {
		t.Errorf("mass %v, want 3/4", c.Mass())
	}
}
