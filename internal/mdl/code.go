package mdl

import "math"

// Code is a sequential code in floating point, for those whose predictions are
// no ratios of small integers.
type Code interface {
	// Prob is the probability of the symbol as the next one.
	Prob(symbol int) float64
	// Update appends the symbol to the past.
	Update(symbol int)
}

// CodeLength is the code length of x under c, from its beginning, in bits.
func CodeLength(c Code, x []int) float64 {
	bits := 0.0
	for _, s := range x {
		bits -= math.Log2(c.Prob(s))
		c.Update(s)
	}
	return bits
}

type floating struct{ Predictor }

// Float makes a Code of a Predictor.
func Float(p Predictor) Code { return floating{p} }

func (f floating) Prob(symbol int) float64 {
	num, den := f.Next(symbol)
	return float64(num) / float64(den)
}

// mixture is a weighted sum of codes; its weights follow Bayes' rule.
type mixture struct {
	codes  []Code
	weight []float64 // log2 of w(m) p_m(past)
}

// Mixture returns the Bayes mixture of a class as a sequential code: the
// lengths of its predictions sum to the evidence, up to the mass of the prior
// where that is below one.
func Mixture(c *Class) Code {
	m := &mixture{}
	for i, member := range c.Members {
		m.codes = append(m.codes, Float(member.New()))
		m.weight = append(m.weight, -c.prior[i])
	}
	return m
}

// after are the weights when the symbol has come.
func (m *mixture) after(symbol int) []float64 {
	next := make([]float64, len(m.codes))
	for i, c := range m.codes {
		next[i] = m.weight[i] + math.Log2(c.Prob(symbol))
	}
	return next
}

func (m *mixture) Prob(symbol int) float64 {
	return math.Exp2(logSum(m.after(symbol)) - logSum(m.weight))
}

func (m *mixture) Update(symbol int) {
	m.weight = m.after(symbol)
	for _, c := range m.codes {
		c.Update(symbol)
	}
}

// GaussianKL is KL(N(mu, sigma^2) || N(0, prior^2)) in bits: what a weight costs net
// of bits back.
func GaussianKL(mu, sigma, prior float64) float64 {
	return math.Log2(prior/sigma) + (sigma*sigma+mu*mu-prior*prior)/(2*prior*prior*math.Ln2)
}
