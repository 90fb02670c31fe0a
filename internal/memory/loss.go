package memory

import (
	"cmp"
	"math"
	"slices"

	"kolm/internal/lm"
)

// target is a function at one position of a record: the sum over tokens t of a
// weight times the natural logarithm of p_t.
type target struct {
	pos     int
	weights map[int32]float64 // of ln p
	pull    []float64         // of ln p, for all tokens; nil: none
}

// lossGradient returns the gradient of a sum of losses by the output of the final
// norm (tokens, Dim).
func (r *Record) lossGradient(targets []target) ([]float64, error) {
	m := r.model
	c := &m.LM.Config
	out := make([]float64, len(r.Tokens)*c.Dim)
	for _, t := range targets {
		logits, err := r.Logits(t.pos)
		if err != nil {
			return nil, err
		}
		dl, total, z := make([]float64, c.Vocab), 0.0, logSum(logits)
		for token, w := range t.weights {
			dl[token] += w
			total += w
		}
		for token, w := range t.pull {
			dl[token] += w
			total += w
		}
		for i, v := range logits {
			dl[i] -= total * math.Exp(float64(v)-z)
			if c.LogitCap > 0 {
				u := float64(v) / float64(c.LogitCap)
				dl[i] *= 1 - u*u
			}
		}
		back, err := through(m.LM.Weights.Output, dl)
		if err != nil {
			return nil, err
		}
		for d, v := range back {
			out[t.pos*c.Dim+d] += v
		}
	}
	return out, nil
}

// Promise is what the gradient says that a neuron is worth on a text.
type Promise struct {
	Neuron Neuron
	Bits   float64
}

// Promising returns the k neurons that the gradient holds most valuable on a text:
// the bits that zeroing would cost if they were linear in the coefficient.
func (m *Model) Promising(text []Passage, k int) ([]Promise, error) {
	c := &m.LM.Config
	worth := make([][]float64, c.Layers)
	for l := range worth {
		worth[l] = make([]float64, c.FFN)
	}
	for _, p := range text {
		r, err := m.Run(p.Tokens, nil)
		if err != nil {
			return nil, err
		}
		var targets []target
		for i := p.From; i < len(p.Tokens); i++ {
			targets = append(targets, target{pos: i - 1, weights: map[int32]float64{p.Tokens[i]: 1 / math.Ln2}})
		}
		dh, err := r.lossGradient(targets)
		if err != nil {
			return nil, err
		}
		g, err := r.backward(dh, 0)
		if err != nil {
			return nil, err
		}
		for l := range worth { // d(-bits)/da * a
			coefs := r.Rows(lm.Coefficients, l)
			for i, d := range g.Coefficients[l] {
				worth[l][i%c.FFN] += d * float64(coefs[i])
			}
		}
	}
	var list []Promise
	for l, row := range worth {
		for i, v := range row {
			list = append(list, Promise{Neuron{l, i}, v})
		}
	}
	slices.SortStableFunc(list, func(a, b Promise) int { return cmp.Compare(b.Bits, a.Bits) })
	return list[:max(0, min(k, len(list)))], nil
}
