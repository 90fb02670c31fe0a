package mdl

import (
	"fmt"
	"math/big"
	"slices"
)

// markov predicts from the last symbols, by counts of its own for each context.
type markov struct {
	alphabet int
	context  int // the last symbols as a number, the newest in the lowest digit
	mod      int // number of contexts
	table    []counts
	add      uint64
}

// Markov returns the KT estimator of order k over an alphabet. The symbols
// before the first are past, oldest first; those that are missing are zeros.
func Markov(alphabet, order int, past []int) Predictor {
	return newMarkov(alphabet, order, past, 1)
}

// Laplace is Markov with Laplace's rule.
func Laplace(alphabet, order int, past []int) Predictor {
	return newMarkov(alphabet, order, past, 2)
}

func newMarkov(alphabet, order int, past []int, add uint64) *markov {
	m := &markov{alphabet: alphabet, mod: 1, add: add}
	for range order {
		m.mod *= alphabet
	}
	m.table = make([]counts, m.mod)
	for _, s := range past {
		m.shift(s)
	}
	return m
}

func (m *markov) shift(symbol int) { m.context = (m.context*m.alphabet + symbol) % m.mod }

// here are the counts of the present context.
func (m *markov) here() *counts {
	c := &m.table[m.context]
	if c.n == nil {
		*c = newCounts(m.alphabet, m.add)
	}
	return c
}

func (m *markov) Next(symbol int) (num, den uint64) { return m.here().next(symbol) }

func (m *markov) Update(symbol int) {
	m.here().update(symbol)
	m.shift(symbol)
}

// Orders is the class of KT Markov chains of orders 0, 1, 2... over an
// alphabet, one for each weight of the prior.
func Orders(alphabet int, prior []*big.Rat, past []int) (*Class, error) {
	past = slices.Clone(past)
	var members []Member
	for k, w := range prior {
		members = append(members, Member{
			Name:  fmt.Sprintf("order %d", k),
			Prior: w,
			New:   func() Predictor { return Markov(alphabet, k, past) },
		})
	}
	return NewClass("Markov chains", alphabet, members)
}

// Halves is the prior 1/2, 1/4, ... over n members; the last weight is repeated,
// so that they sum to one.
func Halves(n int) []*big.Rat {
	var w []*big.Rat
	for i := 1; i < n; i++ {
		w = append(w, powerOfHalf(i))
	}
	return append(w, powerOfHalf(n-1))
}

// powerOfHalf is 2^-n.
func powerOfHalf(n int) *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), uint(n)))
}
