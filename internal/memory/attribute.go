package memory

import (
	"math"

	"kolm/internal/lm"
)

// Attribution divides the difference of two logits among the parts of the model.
type Attribution struct {
	Token  string       `json:"token"`
	Foil   string       `json:"foil"`
	Layers []LayerShare `json:"layers"`
	Parts  []Part       `json:"parts"`
	// Sum is that of all parts, Logits what the model computed, before a soft cap.
	Sum      float64 `json:"sum"`
	Logits   float64 `json:"logit_difference"`
	Residual float64 `json:"residual"` // Logits - Sum: rounding
	Absolute float64 `json:"sum_of_absolute_values"`
	neurons  [][]float64
	coefs    [][]float32
}

// Part is one contribution.
type Part struct {
	Kind  string  `json:"kind"`  // embedding, position, head, attention bias, neurons, ffn bias, norm bias
	Layer int     `json:"layer"` // -1 outside of layers
	Index int     `json:"index"` // of a head; else 0
	Value float64 `json:"value"`
}

// LayerShare sums the contributions of a layer.
type LayerShare struct {
	Layer     int     `json:"layer"`
	Attention float64 `json:"attention"`
	FFN       float64 `json:"ffn"`
}

// Attribute computes direct logit attribution at a position: how much each part
// speaks for token against foil, with the scale of the final norm, and of norms
// after attention and feed-forward, frozen.
func (r *Record) Attribute(pos int, token, foil int32) (*Attribution, error) {
	m := r.model
	c, w := &m.LM.Config, m.LM.Weights
	a := &Attribution{Token: m.Token(token), Foil: m.Token(foil)}
	diff, err := m.outputDifference(token, foil)
	if err != nil {
		return nil, err
	}
	dir, constant := m.freeze(&w.FinalNorm, r.Stream(c.Layers-1, pos)).pull(diff)
	if c.Norm == lm.LayerNorm {
		a.add("norm bias", -1, 0, constant)
	}
	if err := r.attributeEmbedding(a, dir, pos); err != nil {
		return nil, err
	}
	for l := range w.Layers {
		if err := r.attributeAttention(a, dir, l, pos); err != nil {
			return nil, err
		}
		if err := r.attributeFFN(a, dir, l, pos); err != nil {
			return nil, err
		}
	}
	hidden := r.Row(lm.Final, -1, pos)
	a.Logits = dot(diff, hidden)
	a.Residual = a.Logits - a.Sum
	return a, nil
}

// add appends a part, and adds it up.
func (a *Attribution) add(kind string, layer, index int, value float64) {
	a.Parts = append(a.Parts, Part{kind, layer, index, value})
	a.Sum += value
	a.Absolute += math.Abs(value)
}

// outputDifference is the difference of two rows of the output table.
func (m *Model) outputDifference(token, foil int32) ([]float64, error) {
	diff, row := make([]float64, m.LM.Config.Dim), make([]float32, m.LM.Config.Dim)
	for i, t := range []int32{token, foil} {
		if err := m.LM.Weights.Output.Row(row, int(t)); err != nil {
			return nil, err
		}
		for d, v := range row {
			diff[d] += float64(1-2*i) * float64(v)
		}
	}
	return diff, nil
}

func (r *Record) attributeEmbedding(a *Attribution, dir []float64, pos int) error {
	w := r.model.LM.Weights
	all := dot(dir, r.Row(lm.Embedding, -1, pos))
	if w.Positions == nil {
		a.add("embedding", -1, 0, all)
		return nil
	}
	row := make([]float32, len(dir))
	if err := w.Positions.Row(row, pos); err != nil {
		return err
	}
	p := dot(dir, row)
	a.add("embedding", -1, 0, all-p)
	a.add("position", -1, 0, p)
	return nil
}

// blockOutput computes what a matrix gives for one row, bias included: the input
// of a norm after the block.
func (m *Model) blockOutput(l *lm.Linear, x []float32) ([]float32, error) {
	out := make([]float32, l.Rows)
	if err := l.MatMul(out, x, 1, m.Threads); err != nil {
		return nil, err
	}
	for i, b := range l.Bias {
		out[i] += b
	}
	return out, nil
}

// before pulls a direction of the residual stream back to the input of the last
// matrix of a block, past the norm after it. The constant is the share of biases.
func (m *Model) before(l *lm.Linear, post *lm.Norm, x []float32, dir []float64) (pulled []float64, constant float64, err error) {
	if post.Gain != nil {
		out, err := m.blockOutput(l, x)
		if err != nil {
			return nil, 0, err
		}
		dir, constant = m.freeze(post, out).pull(dir)
	}
	if l.Bias != nil {
		constant += dot(dir, l.Bias)
	}
	pulled, err = through(l.Matrix, dir)
	return pulled, constant, err
}

func (r *Record) attributeAttention(a *Attribution, dir []float64, layer, pos int) error {
	c, l := &r.model.LM.Config, &r.model.LM.Weights.Layers[layer]
	heads := r.Row(lm.Heads, layer, pos)
	z, constant, err := r.model.before(&l.O, &l.AttnPost, heads, dir)
	if err != nil {
		return err
	}
	share := LayerShare{Layer: layer, Attention: constant}
	for h := range c.Heads {
		v := dot(z[h*c.HeadDim:][:c.HeadDim], heads[h*c.HeadDim:][:c.HeadDim])
		a.add("head", layer, h, v)
		share.Attention += v
	}
	if constant != 0 {
		a.add("attention bias", layer, 0, constant)
	}
	a.Layers = append(a.Layers, share)
	return nil
}

func (r *Record) attributeFFN(a *Attribution, dir []float64, layer, pos int) error {
	l := &r.model.LM.Weights.Layers[layer]
	coefs := r.Row(lm.Coefficients, layer, pos)
	z, constant, err := r.model.before(&l.Down, &l.FFNPost, coefs, dir)
	if err != nil {
		return err
	}
	total := 0.0
	for i, v := range coefs {
		z[i] *= float64(v)
		total += z[i]
		a.Absolute += math.Abs(z[i])
	}
	a.Absolute -= math.Abs(total) // of which add counts the sum
	a.add("neurons", layer, 0, total)
	if constant != 0 {
		a.add("ffn bias", layer, 0, constant)
	}
	a.Layers[layer].FFN = total + constant
	a.neurons, a.coefs = append(a.neurons, z), append(a.coefs, coefs)
	return nil
}

// Neuron returns the contribution and the coefficient of a neuron.
func (a *Attribution) Neuron(n Neuron) (contribution, coefficient float64) {
	return a.neurons[n.Layer][n.Index], float64(a.coefs[n.Layer][n.Index])
}

// Strongest returns the k neurons with the largest contributions of either sign,
// strongest first.
func (a *Attribution) Strongest(k int) []Neuron {
	return strongest(a.neurons, k)
}

// strongest returns the k places of the largest absolute values by layer, of equal
// ones the lower places.
func strongest(values [][]float64, k int) []Neuron {
	var h heap[Neuron]
	for l, row := range values {
		for i, v := range row {
			h.offer(entry[Neuron]{math.Abs(v), int64(l)<<32 | int64(i), Neuron{l, i}}, k)
		}
	}
	list := make([]Neuron, 0, len(h))
	for _, e := range h.sorted() {
		list = append(list, e.item)
	}
	return list
}
