package mdl

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// near fails unless got is within tolerance of want.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.12f, want %.12f ± %g", what, got, want, tolerance)
	}
}

// bits makes a sequence of a string of digits.
func bits(s string) []int {
	x := make([]int, len(s))
	for i := range s {
		x[i] = int(s[i] - '0')
	}
	return x
}

func random(seed uint64, n int, one float64) []int {
	r := rand.New(rand.NewPCG(seed, 0))
	x := make([]int, n)
	for i := range x {
		if r.Float64() < one {
			x[i] = 1
		}
	}
	return x
}

func TestKTExact(t *testing.T) {
	for _, c := range []struct {
		zeros, ones int
		num, den    int64
	}{
		{1, 0, 1, 2}, {2, 0, 3, 8}, {3, 0, 5, 16}, {1, 1, 1, 8}, {2, 1, 1, 16},
		{2, 2, 3, 128}, {3, 2, 3, 256}, {5, 5, 63, 262144},
	} {
		want := big.NewRat(c.num, c.den)
		if got := exactKT(c.zeros, c.ones); got.Cmp(want) != 0 {
			t.Errorf("KT of %d zeros and %d ones is %v, want %v", c.zeros, c.ones, got, want)
		}
		near(t, "closed form", KTLength(c.zeros, c.ones), ratBits(want), 1e-9)
	}
	x := random(1, 1000, .3)
	var n [2]int
	for _, s := range x {
		n[s]++
	}
	near(t, "KT one by one", Length(Markov(2, 0, nil), x), KTLength(n[0], n[1]), 1e-9)
	near(t, "Laplace one by one", Length(Laplace(2, 0, nil), x), LaplaceLength(n[0], n[1]), 1e-9)
}

// TestRegret: the parametric complexity of the Bernoulli model is the regret of
// NML on every sequence and less than the worst regret of KT and Laplace.
func TestRegret(t *testing.T) {
	for _, c := range []struct {
		n                int
		nml, kt, laplace float64
	}{
		{1, 1, 1, 1}, {2, 1.321928, 1.415037, 1.585}, {3, 1.530515, 1.678072, 2},
		{4, 1.686501, 1.870717, 2.322}, {5, 1.811635, 2.022720, 2.585},
		{10, 2.220397, 2.504738, 3.459}, {20, 2.653882, 2.995728, 4.392},
		{50, 3.254462, 3.651283, 5.672}, {100, 3.723554, 4.149480, 6.658},
		{1000, 5.332823, 5.808821, 9.967},
	} {
		near(t, "NML complexity", NMLComplexity(c.n), c.nml, 1e-6)
		near(t, "NML regret", WorstRegret(c.n, NMLLength), c.nml, 1e-6)
		near(t, "KT regret", WorstRegret(c.n, KTLength), c.kt, 1e-6)
		near(t, "Laplace regret", WorstRegret(c.n, LaplaceLength), c.laplace, 5e-4)
		if bound := .5*math.Log2(float64(c.n)) + 1; WorstRegret(c.n, KTLength) > bound+1e-9 {
			t.Errorf("n=%d: KT's regret is above its bound %f", c.n, bound)
		}
	}
}

func TestLargeAlphabet(t *testing.T) {
	p := Markov(5, 1, []int{3})
	sum := big.NewRat(0, 1)
	p.Update(2)
	p.Update(2)
	for s := range 5 {
		num, den := p.Next(s)
		sum.Add(sum, big.NewRat(int64(num), int64(den)))
	}
	if sum.Cmp(big.NewRat(1, 1)) != 0 {
		t.Errorf("probabilities sum to %v", sum)
	}
	if num, den := p.Next(2); big.NewRat(int64(num), int64(den)).Cmp(big.NewRat(3, 7)) != 0 {
		t.Errorf("after 2 2: %d/%d, want 3/7", num, den)
	}
}

func TestLZ78(t *testing.T) {
	for _, c := range []struct {
		x    string
		want int
	}{
		{"", 0},
		{"1", 0 + 1},
		{"11", 1 + 1 + 1},               // 1, 1 again: the known phrase ends the sequence
		{"0100011", 1 + 2 + 3 + 3 + 4},  // 0|1|00|01|1
		{"10110100", 1 + 2 + 3 + 3 + 4}, // 1|0|11|01|00
	} {
		if got := LZ78Length(2, bits(c.x)); got != c.want {
			t.Errorf("%q: %d bits, want %d", c.x, got, c.want)
		}
	}
}
