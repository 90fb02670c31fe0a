package lab

import (
	"math"

	"kolm/internal/source"
)

// tableModel is a binary Markov model without learning: the probability of a
// one after each context of order symbols, the newest in the lowest digit.
type tableModel struct {
	order int
	one   []float64
}

// contextCounts counts what follows each context, where the context is whole.
func contextCounts(x []int, order int) [][2]int {
	n := make([][2]int, 1<<order)
	c := 0
	for i, s := range x {
		if i >= order {
			n[c][s]++
		}
		c = (2*c + s) % len(n)
	}
	return n
}

// fit is the empirical risk minimiser: frequencies. A context that was never
// seen has one half.
func fit(x []int, order int) tableModel {
	m := tableModel{order, make([]float64, 1<<order)}
	for c, n := range contextCounts(x, order) {
		m.one[c] = .5
		if sum := n[0] + n[1]; sum > 0 {
			m.one[c] = float64(n[1]) / float64(sum)
		}
	}
	return m
}

// bestUnder is the model of an order that is nearest to a source: its own
// probabilities given that many symbols.
func bestUnder(s *source.Chain, order int) tableModel {
	m := tableModel{order, make([]float64, 1<<order)}
	for c := range m.one {
		x := contextSymbols(c, order)
		one := math.Exp2(-s.Bits(append(x, 1)))
		m.one[c] = one / (one + math.Exp2(-s.Bits(append(x, 0))))
	}
	return m
}

// contextSymbols spells a context, oldest first.
func contextSymbols(c, order int) []int {
	x := make([]int, order, order+1)
	for i := range x {
		x[i] = c >> (order - 1 - i) & 1
	}
	return x
}

func (m tableModel) bits(context, symbol int) float64 {
	p := m.one[context]
	if symbol == 0 {
		p = 1 - p
	}
	return -math.Log2(p)
}

// underSource is the cross-entropy to a stationary source, bits a symbol: the
// sum over all contexts and symbols, no sample.
func (m tableModel) underSource(s *source.Chain) float64 {
	ce := 0.0
	for c := range m.one {
		x := contextSymbols(c, m.order)
		for symbol := range 2 {
			ce += math.Exp2(-s.Bits(append(x, symbol))) * m.bits(c, symbol)
		}
	}
	return ce
}

// onSample is the cross-entropy on a sample, bits a symbol with a whole context.
func (m tableModel) onSample(x []int) float64 {
	sum, total := 0.0, 0
	for c, n := range contextCounts(x, m.order) {
		for symbol, k := range n {
			if k > 0 {
				sum += float64(k) * m.bits(c, symbol)
			}
			total += k
		}
	}
	return sum / float64(total)
}

// empiricalEntropy is the entropy of a sample's symbols given their contexts,
// from its block frequencies alone.
func empiricalEntropy(x []int, order int) float64 {
	h, total := 0.0, float64(len(x)-order)
	for _, n := range contextCounts(x, order) {
		sum := float64(n[0] + n[1])
		for _, k := range n {
			if k > 0 {
				h -= float64(k) / total * math.Log2(float64(k)/sum)
			}
		}
	}
	return h
}
