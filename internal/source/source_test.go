package source

import (
	"math"
	"slices"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.10f, want %.10f ± %g", what, got, want, tolerance)
	}
}

func TestRates(t *testing.T) {
	for _, c := range []struct {
		source    Source
		rate, tol float64
	}{
		{IID(.11), .499915958, 1e-9}, {Markov(), .572069420, 1e-9}, {Order2(), .529945614, 1e-9},
		{Tree(), .716415599, 1e-9}, {HMM(), .9098308285, 5e-8}, {Even(), 2. / 3, 1e-12},
		{GoldenMean(), 2. / 3, 1e-12}, {Zipf(1000), 7.489046, 5e-7}, {Dyck{.3}, .881291, 5e-7},
	} {
		near(t, c.source.Name(), c.source.Rate(), c.rate, c.tol)
	}
	for _, d := range []struct{ open, entropy, length, each float64 }{
		{.3, 2.203227, 1.5, 1.468818}, {.45, 9.927745, 9, 1.103083},
	} {
		s := Dyck{d.open}
		near(t, "entropy of a line of brackets", s.StringEntropy(), d.entropy, 5e-7)
		near(t, "mean brackets", s.MeanLength(), d.length, 1e-12)
		near(t, "entropy a bracket", s.StringEntropy()/s.MeanLength(), d.each, 5e-7)
	}
	near(t, "derivation entropy", Grammar{}.DerivationEntropy(), 6.804820, 5e-7)
	near(t, "mean letters", Grammar{}.MeanLength(), 3, 1e-12)
}

func TestSandwich(t *testing.T) {
	low, high := HMM().Sandwich(16)
	near(t, "low", low, .909830792, 1e-9)
	near(t, "high", high, .909830865, 1e-9)
	low, high = HMM().Sandwich(8)
	near(t, "low", low, .909645, 5e-7)
	near(t, "high", high, .909897, 5e-7)
	low, high = Markov().Sandwich(5)
	near(t, "low of a chain without hidden states", low, Markov().Rate(), 1e-12)
	near(t, "high of a chain without hidden states", high, Markov().Rate(), 1e-12)
}

// TestSamples: -log2 P of a sample a symbol is near the rate, the same seed
// gives the same sample, and another another.
func TestSamples(t *testing.T) {
	const n = 200000
	for _, s := range All() {
		x := s.Sample(1, n)
		if len(x) < n || !slices.Equal(x, s.Sample(1, n)) || slices.Equal(x, s.Sample(2, n)) {
			t.Errorf("%s: seeds do not give samples of their own", s.Name())
		}
		near(t, s.Name()+": bits a symbol of a sample", s.Bits(x)/float64(len(x)), s.Rate(), .02*s.Rate())
		for _, v := range x {
			if v < 0 || v >= s.Alphabet() {
				t.Fatalf("%s: symbol %d", s.Name(), v)
			}
		}
		if len(s.Text(x)) < len(x) {
			t.Errorf("%s: text shorter than the sample", s.Name())
		}
	}
}

// TestProbabilities: those of all sequences of a length sum to one.
func TestProbabilities(t *testing.T) {
	for _, s := range []*Chain{IID(.11), Markov(), Order2(), Tree(), HMM(), Even(), GoldenMean()} {
		total := 0.0
		for v := range 1 << 10 {
			x := make([]int, 10)
			for i := range x {
				x[i] = v >> i & 1
			}
			total += math.Exp2(-s.Bits(x))
		}
		near(t, s.Name()+": sum", total, 1, 1e-12)
	}
}

// inside is the probability of a sentence of the grammar by the inside algorithm.
func inside(x []int) float64 {
	n := len(x)
	p := make([][]float64, n)
	for i := range p {
		p[i] = make([]float64, n)
		p[i][i] = []float64{ruleA, ruleB}[x[i]]
	}
	for length := 2; length <= n; length++ {
		for i := 0; i+length <= n; i++ {
			for k := i; k < i+length-1; k++ {
				p[i][i+length-1] += ruleSplit * p[i][k] * p[k+1][i+length-1]
			}
		}
	}
	return p[0][n-1]
}

func TestGrammarProbability(t *testing.T) {
	for n := 1; n <= 8; n++ {
		for v := range 1 << n {
			x := make([]int, n)
			for i := range x {
				x[i] = v >> i & 1
			}
			near(t, "inside algorithm", Grammar{}.Bits(append(slices.Clone(x), newline)), -math.Log2(inside(x)), 1e-10)
		}
	}
	for _, x := range [][]int{{newline}, {0}, {0, newline, 1}} {
		if !math.IsInf(Grammar{}.Bits(x), 1) {
			t.Errorf("%v is no text of whole lines, but has %v bits", x, Grammar{}.Bits(x))
		}
	}
	for _, x := range [][]int{{1}, {0, newline}} {
		if !math.IsInf(Dyck{.3}.Bits(x), 1) {
			t.Errorf("%v is not balanced, but has %v bits", x, Dyck{.3}.Bits(x))
		}
	}
}

func TestStreams(t *testing.T) {
	for _, s := range Deterministic() {
		x := s.Sample(1, 1000)
		if s.Bits(x) != 0 || len(s.Text(x)) != 125 {
			t.Errorf("%s: %v bits, %d bytes", s.Name(), s.Bits(x), len(s.Text(x)))
		}
		x[999] ^= 1
		if !math.IsInf(s.Bits(x), 1) {
			t.Errorf("%s: another sequence has %v bits", s.Name(), s.Bits(x))
		}
	}
	if got := ThueMorse().Sample(0, 8); !slices.Equal(got, []int{0, 1, 1, 0, 1, 0, 0, 1}) {
		t.Errorf("thue-morse begins %v", got)
	}
}
