package mdl

import "math"

// Predictor is a code that reads a sequence from its beginning: it gives the
// probability of each possible next symbol, then is told which one came.
type Predictor interface {
	// Next returns the probability num/den of the symbol, num <= den < 2^32. It
	// is zero only for what a deterministic model excludes.
	Next(symbol int) (num, den uint64)
	// Update appends the symbol to the past.
	Update(symbol int)
}

// counts are the symbols seen in one context, predicted as
// (2 count + add) / (2 sum + add * alphabet): add = 1 is Krichevsky and
// Trofimov's estimator, add = 2 Laplace's rule.
type counts struct {
	n   []uint32
	sum uint32
	add uint64
}

func newCounts(alphabet int, add uint64) counts {
	return counts{n: make([]uint32, alphabet), add: add}
}

func (c *counts) next(symbol int) (num, den uint64) {
	return 2*uint64(c.n[symbol]) + c.add, 2*uint64(c.sum) + c.add*uint64(len(c.n))
}

func (c *counts) update(symbol int) {
	c.n[symbol]++
	c.sum++
}

// KTLength is the code length in bits that the KT estimator gives to any one
// sequence with so many zeros and ones (Krichevsky and Trofimov, 1981).
func KTLength(zeros, ones int) float64 {
	// P = G(a+1/2) G(b+1/2) / (pi G(a+b+1))
	a, _ := math.Lgamma(float64(zeros) + 0.5)
	b, _ := math.Lgamma(float64(ones) + 0.5)
	n, _ := math.Lgamma(float64(zeros+ones) + 1)
	return (n + math.Log(math.Pi) - a - b) / math.Ln2
}

// LaplaceLength is the code length of Laplace's rule in bits: log2 (n+1) + log2 C(n, ones).
func LaplaceLength(zeros, ones int) float64 {
	n := zeros + ones
	return math.Log2(float64(n)+1) + logBinomial(n, ones)
}

// logBinomial is log2 of n over k.
func logBinomial(n, k int) float64 {
	a, _ := math.Lgamma(float64(n) + 1)
	b, _ := math.Lgamma(float64(k) + 1)
	c, _ := math.Lgamma(float64(n-k) + 1)
	return (a - b - c) / math.Ln2
}

// maxLikelihood is the code length, in bits, of a sequence of n symbols, k of
// them ones, under the Bernoulli parameter that suits it best.
func maxLikelihood(n, k int) float64 {
	return -xlog2(float64(k), float64(k)/float64(n)) - xlog2(float64(n-k), float64(n-k)/float64(n))
}

// xlog2 is x log2 p with 0 log 0 = 0.
func xlog2(x, p float64) float64 {
	if x == 0 {
		return 0
	}
	return x * math.Log2(p)
}

// NMLComplexity is the parametric complexity of the Bernoulli model, in bits:
// log2 of the sum over all x of max_p P_p(x) (Shtarkov, 1987). NML codes every
// sequence with exactly so many bits more than the best parameter does.
func NMLComplexity(n int) float64 {
	terms := make([]float64, n+1)
	for k := range terms {
		terms[k] = logBinomial(n, k) - maxLikelihood(n, k)
	}
	return logSum(terms)
}

// NMLLength is the NML code length in bits of a sequence with so many zeros and ones.
func NMLLength(zeros, ones int) float64 {
	return maxLikelihood(zeros+ones, ones) + NMLComplexity(zeros+ones)
}

// WorstRegret is the greatest number of bits by which a code, given as its
// length for a number of zeros and of ones, is longer than the best Bernoulli
// parameter on sequences of n symbols.
func WorstRegret(n int, length func(zeros, ones int) float64) float64 {
	worst := math.Inf(-1)
	for k := range n + 1 {
		worst = max(worst, length(n-k, k)-maxLikelihood(n, k))
	}
	return worst
}

// logSum is log2 of the sum of 2^v.
func logSum(v []float64) float64 {
	top := math.Inf(-1)
	for _, x := range v {
		top = max(top, x)
	}
	if math.IsInf(top, -1) {
		return top
	}
	sum := 0.0
	for _, x := range v {
		sum += math.Exp2(x - top)
	}
	return top + math.Log2(sum)
}
