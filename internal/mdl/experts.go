package mdl

import "math"

// FixedShare follows the best of several codes when the best one changes
// (Herbster and Warmuth, 1998): before every symbol but the first each code
// passes the fraction alpha of its weight to the others, in equal parts.
type FixedShare struct {
	codes  []Code
	weight []float64 // sums to one
	alpha  float64
	begun  bool
}

// NewFixedShare mixes two codes or more, all as likely at first.
func NewFixedShare(alpha float64, codes ...Code) *FixedShare {
	return &FixedShare{codes: codes, weight: Uniform(len(codes)), alpha: alpha}
}

// shared are the weights with which the next symbol is predicted.
func (f *FixedShare) shared() []float64 {
	if !f.begun {
		return f.weight
	}
	w := make([]float64, len(f.weight))
	for i, v := range f.weight {
		w[i] = (1-f.alpha)*v + f.alpha*(1-v)/float64(len(w)-1)
	}
	return w
}

func (f *FixedShare) Prob(symbol int) float64 {
	p := 0.0
	for i, w := range f.shared() {
		p += w * f.codes[i].Prob(symbol)
	}
	return p
}

func (f *FixedShare) Update(symbol int) {
	sum, next := 0.0, f.shared()
	for i, c := range f.codes {
		next[i] *= c.Prob(symbol)
		sum += next[i]
		c.Update(symbol)
	}
	for i := range next {
		next[i] /= sum
	}
	f.weight, f.begun = next, true
}

// FixedShareBound is how many bits fixed share needs at most above the best
// sequence of experts with so many switches on n symbols, if alpha is
// switches / (n-1).
func FixedShareBound(experts, switches, n int) float64 {
	steps, m := float64(n-1), float64(switches)
	return math.Log2(float64(experts)) + m*math.Log2(float64(experts-1)) + steps*BinaryEntropy(m/steps)
}

// BinaryEntropy is -p log2 p - (1-p) log2 (1-p).
func BinaryEntropy(p float64) float64 { return -xlog2(p, p) - xlog2(1-p, 1-p) }

// Switch mixes over the one time at which to change from one code to another,
// with the prior 1 / (t (t+1)) on changing before symbol t (van Erven, Grünwald
// and de Rooij, 2012). It removes the catch-up phenomenon: a simple model
// predicts better at first, a rich one later, and a mixture of the two must
// first make up for the time when the rich one was worse.
type Switch struct {
	from, to Code
	// Posterior of not having changed yet, and of having changed; their sum is one.
	stay, changed float64
	t             int // of the next symbol, from 1
}

// NewSwitch returns the mixture; both codes read the whole sequence.
func NewSwitch(from, to Code) *Switch { return &Switch{from: from, to: to, stay: 1, t: 1} }

// split moves to changed what changes just before the next symbol: of all that
// has not changed, 1/t, the share 1/(t(t+1)) takes 1/(t+1).
func (s *Switch) split() (stay, changed float64) {
	part := s.stay / float64(s.t+1)
	return s.stay - part, s.changed + part
}

func (s *Switch) Prob(symbol int) float64 {
	stay, changed := s.split()
	return (stay*s.from.Prob(symbol) + changed*s.to.Prob(symbol)) / (stay + changed)
}

func (s *Switch) Update(symbol int) {
	stay, changed := s.split()
	stay *= s.from.Prob(symbol)
	changed *= s.to.Prob(symbol)
	s.stay, s.changed = stay/(stay+changed), changed/(stay+changed)
	s.t++
	s.from.Update(symbol)
	s.to.Update(symbol)
}
