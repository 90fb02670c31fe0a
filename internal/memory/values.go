package memory

import (
	"cmp"
	"math"
	"slices"

	"kolm/internal/lm"
)

// Vote is a token that something speaks for.
type Vote struct {
	Token       int32   `json:"token"`
	Text        string  `json:"text"`
	Logit       float64 `json:"logit"`
	Probability float64 `json:"probability"`
}

// top returns the k tokens with the largest sign*logits and their probability
// under softmax(sign*logits); of equal ones those of lower numbers.
func (m *Model) top(logits []float32, sign float64, k int) []Vote {
	order := make([]int32, len(logits))
	signed := make([]float32, len(logits))
	for i, v := range logits {
		order[i], signed[i] = int32(i), float32(sign)*v
	}
	total := logSum(signed)
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(signed[b], signed[a]), cmp.Compare(a, b))
	})
	list := make([]Vote, max(0, min(k, len(order))))
	for i := range list {
		t := order[i]
		list[i] = Vote{t, m.Token(t), float64(signed[t]), math.Exp(float64(signed[t]) - total)}
	}
	return list
}

// Value returns value v of a neuron (Dim), through the gain of a norm after the
// feed-forward part where the architecture has one.
func (m *Model) Value(n Neuron) ([]float32, error) {
	if err := m.Check(n); err != nil {
		return nil, err
	}
	l := &m.LM.Weights.Layers[n.Layer]
	v := make([]float32, m.LM.Config.Dim)
	if err := l.Down.Column(v, n.Index); err != nil {
		return nil, err
	}
	if g := l.FFNPost.Gain; g != nil {
		for i := range v {
			v[i] *= g[i]
		}
	}
	return v, nil
}

// Votes says what a neuron's value speaks for, E (g*v), and what its negative
// speaks for: with a gate, or GELU, coefficients have both signs.
type Votes struct {
	Norm  float64 `json:"value_norm"` // of the value
	Plus  []Vote  `json:"plus"`
	Minus []Vote  `json:"minus"`
}

// Votes returns the k strongest votes of both signs.
func (m *Model) Votes(n Neuron, k int) (*Votes, error) {
	v, err := m.Value(n)
	if err != nil {
		return nil, err
	}
	logits, err := m.directLogits(v)
	if err != nil {
		return nil, err
	}
	norm := 0.0
	for _, x := range v {
		norm += float64(x) * float64(x)
	}
	return &Votes{math.Sqrt(norm), m.top(logits, 1, k), m.top(logits, -1, k)}, nil
}

// directLogits returns E (g*x): the logits of a direction of the residual stream
// but for the scale and the bias of the final norm.
func (m *Model) directLogits(x []float32) ([]float32, error) {
	c, w := &m.LM.Config, m.LM.Weights
	mean := float32(0)
	if c.Norm == lm.LayerNorm {
		for _, v := range x {
			mean += v / float32(len(x))
		}
	}
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = (v - mean) * w.FinalNorm.Gain[i]
	}
	logits := make([]float32, c.Vocab)
	return logits, w.Output.MatMul(logits, y, 1, m.Threads)
}

// LensRow is what the model would say if it ended after a layer.
type LensRow struct {
	Layer       int     `json:"layer"` // -1: before the first
	Bits        float64 `json:"bits"`  // of the answer, still to come: over all of its tokens
	Probability float64 `json:"probability"`
	Rank        int     `json:"rank"` // of the token in question, from 1
	Top         []Vote  `json:"top"`
}

// Lens returns the logit lens after each layer: bits of the tokens from on, and
// the top k of what is predicted for token at.
func (r *Record) Lens(from, at, k int) ([]LensRow, error) {
	m, list := r.model, []LensRow(nil)
	logits := make([]float32, m.LM.Config.Vocab)
	hidden := make([]float32, m.LM.Config.Dim)
	for l := -1; l < m.LM.Config.Layers; l++ {
		row := LensRow{Layer: l}
		for i := from; i < len(r.Tokens); i++ {
			m.LM.Normalise(hidden, r.Stream(l, i-1), 1)
			if err := m.LM.Logits(logits, hidden, 1, m.Threads); err != nil {
				return nil, err
			}
			bits := bitsOf(logits, r.Tokens[i])
			row.Bits += bits
			if i == at {
				row.Top, row.Probability, row.Rank = m.top(logits, 1, k), math.Exp2(-bits), rank(logits, r.Tokens[i])
			}
		}
		list = append(list, row)
	}
	return list, nil
}

// rank is the place of a token among the logits, from 1.
func rank(logits []float32, token int32) int {
	n := 1
	for t, v := range logits {
		if v > logits[token] || v == logits[token] && int32(t) < token {
			n++
		}
	}
	return n
}

// valueNorms returns the lengths of the values of a layer, before a norm after the
// feed-forward part.
func (m *Model) valueNorms(layer int) ([]float32, error) {
	down := m.LM.Weights.Layers[layer].Down
	squares, row := make([]float64, down.Cols), make([]float32, down.Cols)
	for r := range down.Rows {
		if err := down.Row(row, r); err != nil {
			return nil, err
		}
		for i, v := range row {
			squares[i] += float64(v) * float64(v)
		}
	}
	norms := make([]float32, len(squares))
	for i, s := range squares {
		norms[i] = float32(math.Sqrt(s))
	}
	return norms, nil
}
