package memory

import (
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// problem is random keys of ordinary text and a key and rest of a fact.
func problem(seed uint64, n, dim, facts int) (c *mat.SymDense, keys, rests *mat.Dense) {
	rng := rand.New(rand.NewPCG(seed, 9))
	random := func(r, c int) *mat.Dense {
		m := mat.NewDense(r, c, nil)
		for i := range r {
			for j := range c {
				m.Set(i, j, rng.NormFloat64()*(1+float64(i%5)))
			}
		}
		return m
	}
	c = mat.NewSymDense(n, nil)
	c.SymOuterK(1./100, random(n, 100))
	return c, random(n, facts), random(dim, facts)
}

// TestRankOne: the update maps the key to the value, has rank one, moves ordinary
// keys least of all that do, by the known amount, and leaves keys alone that have
// nothing to do with it.
func TestRankOne(t *testing.T) {
	const n, dim = 30, 12
	c, keys, rests := problem(1, n, dim, 1)
	k, rest := keys.ColView(0), rests.ColView(0)
	delta, _, err := rankOne(c, k, rest)
	if err != nil {
		t.Fatal(err)
	}
	var got mat.VecDense
	got.MulVec(delta, k)
	got.SubVec(&got, rest)
	near(t, "W'k* - v*", mat.Norm(&got, 2), 0, 1e-12*mat.Norm(rest, 2))
	var svd mat.SVD
	svd.Factorize(delta, mat.SVDNone)
	s := svd.Values(nil)
	near(t, "second singular value", s[1], 0, 1e-12*s[0])

	cost := func(d mat.Matrix) float64 { // E ||d k||^2 = tr(d C d^T)
		var x, y mat.Dense
		x.Mul(d, c)
		y.Mul(&x, d.T())
		return mat.Trace(&y)
	}
	var inv mat.Dense
	if err := inv.Inverse(c); err != nil {
		t.Fatal(err)
	}
	least := mat.Dot(rest, rest) / mat.Inner(k, &inv, k)
	near(t, "least cost", cost(delta), least, 1e-9*least)
	var naive mat.Dense
	naive.Outer(1/mat.Dot(k, k), rest, k)
	if cost(&naive) <= cost(delta) {
		t.Error("the naive update moves ordinary keys less")
	}
	var u, other mat.VecDense // a key with k'^T C^-1 k = 0
	u.MulVec(&inv, k)
	other.CloneFromVec(keys.ColView(0))
	other.SetVec(3, other.AtVec(3)+5)
	other.AddScaledVec(&other, -mat.Dot(&other, &u)/mat.Dot(&u, &u), &u)
	got.MulVec(delta, &other)
	near(t, "an unrelated key", mat.Norm(&got, 2), 0, 1e-10)
}

// TestRidgeUpdate: with small lambda all facts are written exactly, with large none,
// and the normal equations hold.
func TestRidgeUpdate(t *testing.T) {
	const n, dim, facts = 30, 12, 5
	c, keys, rests := problem(2, n, dim, facts)
	for lambda, want := range map[float64]float64{1e-9: 0, 1e12: 1} {
		delta, _, err := ridgeUpdate(c, keys, rests, lambda)
		if err != nil {
			t.Fatal(err)
		}
		var got mat.Dense
		got.Mul(delta, keys)
		got.Sub(&got, rests)
		near(t, "rest", mat.Norm(&got, 2)/mat.Norm(rests, 2), want, 1e-6)
	}
	delta, _, err := ridgeUpdate(c, keys, rests, 3)
	if err != nil {
		t.Fatal(err)
	}
	var all, left, right mat.Dense // delta (3C + KK^T) = R K^T
	all.Mul(keys, keys.T())
	var scaled mat.Dense
	scaled.Scale(3, c)
	all.Add(&all, &scaled)
	left.Mul(delta, &all)
	right.Mul(rests, keys.T())
	left.Sub(&left, &right)
	near(t, "normal equations", mat.Norm(&left, 2), 0, 1e-10*mat.Norm(&right, 2))
}

// TestEdit writes facts into the planted memory, by ROME and by MEMIT: the answers
// change, those of other facts do not, and the model that was edited is as before.
func TestEdit(t *testing.T) {
	for _, gated := range []bool{false, true} {
		m := storage(gated).model(t)
		o := DefaultEdit()
		o.Layers, o.Essence, o.Prefixes, o.Steps, o.Clamp = []int{0}, "N", []string{"M"}, 60, 8
		for i := range 12 {
			o.Ordinary = append(o.Ordinary, Passage{[]int32{13, int32(i), int32((i + 5) % 12), 12}, 1})
		}
		facts := []Fact{{"NA", "A", "M"}, {"ND", "D", "L"}}
		for count := 1; count <= 2; count++ {
			x := o
			if count == 2 {
				x.Lambda = 1e-3
			}
			e, err := m.Edit(facts[:count], x, nil)
			if err != nil {
				t.Fatal(err)
			}
			for prompt, want := range map[string]string{"NA": "M", "MA": "M", "NB": "H", "NC": "I", "NE": "K"} {
				if got := answer(t, e.Model, prompt); got != want {
					t.Errorf("gated %v, %d facts: %s is followed by %s, want %s", gated, count, prompt, got, want)
				}
			}
			c := e.Changes[0]
			if c.Changed == 0 || c.Norm == 0 || count == 1 && c.KeyFit > 1e-5 || e.Losses[0].After >= e.Losses[0].Before {
				t.Errorf("gated %v, %d facts: %+v, %+v", gated, count, c, e.Losses)
			}
		}
		if got := answer(t, m, "NA"); got != "G" {
			t.Errorf("the model itself was changed: NA is followed by %s", got)
		}
	}
}

func answer(t *testing.T, m *Model, prompt string) string {
	t.Helper()
	e, err := m.Explain(Question{Prompt: prompt}, 1, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e.Answer[0]
}

func TestEditErrors(t *testing.T) {
	m := storage(false).model(t)
	good := func() ([]Fact, EditOptions) {
		o := DefaultEdit()
		o.Layers, o.Essence, o.Ordinary = []int{0}, "N", []Passage{{[]int32{1, 2}, 1}}
		return []Fact{{"NA", "A", "M"}}, o
	}
	for want, spoil := range map[string]func(f *[]Fact, o *EditOptions){
		"no facts":              func(f *[]Fact, _ *EditOptions) { *f = nil },
		"layers [1]":            func(_ *[]Fact, o *EditOptions) { o.Layers = []int{1} },
		"no ordinary text":      func(_ *[]Fact, o *EditOptions) { o.Ordinary = nil },
		"target is empty":       func(f *[]Fact, _ *EditOptions) { (*f)[0].Target = "" },
		`subject "B" is not in`: func(f *[]Fact, _ *EditOptions) { (*f)[0].Subject = "B" },
		"has no token":          func(f *[]Fact, _ *EditOptions) { (*f)[0].Target = "z" },
		"singular":              func(_ *[]Fact, o *EditOptions) { o.Ridge = 0 },
	} {
		f, o := good()
		spoil(&f, &o)
		if _, err := m.Edit(f, o, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	posts := kinds(t)["gated"]
	o := DefaultEdit()
	o.Layers, o.Ordinary = []int{0}, []Passage{{[]int32{1, 2}, 1}}
	if _, err := posts.Edit([]Fact{{"NA", "A", "M"}}, o, nil); err == nil || !strings.Contains(err.Error(), "norm after") {
		t.Errorf("a model with norms after blocks is edited: %v", err)
	}
}
