package model

import (
	"slices"

	"kolm/internal/kernel"
)

// Model is a model ready to run. It is read only: any number of goroutines may
// use it, each with its own State.
type Model struct {
	c          Config
	embed      Matrix // int8
	layers     []block
	outputNorm []float32
	output     Matrix // int8; see AdaptiveHead
	rope       *kernel.RopeTable
	weights    *Weights // what all of this was made of
}

// block is one transformer layer. Matrices that read the same row are one
// matrix, their outputs side by side.
type block struct {
	attnNorm, qNorm, kNorm, ffnNorm []float32
	qkv, o, gateUp, down            *kernel.I8
}

// New checks the weights, rounds those that are float32 to int8 (see Quantize)
// and packs them. It keeps w, which must not be changed afterwards.
func New(c Config, w *Weights) (*Model, error) {
	if err := w.Validate(c); err != nil {
		return nil, err
	}
	m := &Model{
		c:          c,
		weights:    w,
		embed:      w.Embed.Int8(),
		output:     w.Output.Int8(),
		outputNorm: w.OutputNorm,
		rope:       kernel.NewRopeTable(c.HeadDim, c.RopeBase),
	}
	for _, l := range w.Layers {
		m.layers = append(m.layers, block{
			attnNorm: l.AttnNorm, qNorm: l.QNorm, kNorm: l.KNorm, ffnNorm: l.FFNNorm,
			qkv:    pack(l.Q, l.K, l.V),
			o:      pack(l.O),
			gateUp: pack(l.Gate, l.Up),
			down:   pack(l.Down),
		})
	}
	return m, nil
}

// pack puts matrices of equal row length on top of each other.
func pack(ms ...Matrix) *kernel.I8 {
	rows := 0
	for _, m := range ms {
		rows += m.Rows
	}
	p, at := kernel.NewI8(rows, ms[0].Cols), 0
	for _, m := range ms {
		m = m.Int8()
		for r := range m.Rows {
			p.SetRow(at, m.row(r), m.Scale[r])
			at++
		}
	}
	return p
}

// Copy returns a model with the output table of m and a body of its own, to be
// filled by SetLayer and SetEmbed. It has no gains before the matrices of its
// layers: these belong into the columns of the matrices.
func (m *Model) Copy() *Model {
	c := *m
	c.embed.Q, c.embed.Scale = slices.Clone(m.embed.Q), slices.Clone(m.embed.Scale)
	c.layers = slices.Clone(m.layers)
	for i := range c.layers {
		l := &c.layers[i]
		l.qkv, l.o, l.gateUp, l.down = l.qkv.Clone(), l.o.Clone(), l.gateUp.Clone(), l.down.Clone()
		l.qNorm, l.kNorm = slices.Clone(l.qNorm), slices.Clone(l.kNorm)
		l.attnNorm, l.ffnNorm = nil, nil
	}
	return &c
}

// Update holds new float32 weights of one layer: the matrices that read one row
// on top of each other, row-major, the gains before them in their columns.
type Update struct {
	QKV, O, GateUp, Down []float32
	QNorm, KNorm         []float32
}

// SetLayer replaces the weights of layer i of a Copy. Each row is rounded by
// kernel.QuantizeS8.
func (m *Model) SetLayer(i int, u Update) {
	l := &m.layers[i]
	requantize(l.qkv, u.QKV)
	requantize(l.o, u.O)
	requantize(l.gateUp, u.GateUp)
	requantize(l.down, u.Down)
	copy(l.qNorm, u.QNorm)
	copy(l.kNorm, u.KNorm)
}

func requantize(dst *kernel.I8, w []float32) {
	q := make([]int8, dst.Cols)
	for r := range dst.Rows {
		dst.SetRow(r, q, kernel.QuantizeS8(q, row(w, r, dst.Cols)))
	}
}

// SetEmbed replaces row r of the input table of a Copy, rounded likewise.
func (m *Model) SetEmbed(r int, w []float32) {
	m.embed.Scale[r] = kernel.QuantizeS8(m.embed.row(r), w)
}

// row is row r of an int8 matrix.
func (m *Matrix) row(r int) []int8 { return m.Q[r*m.Cols:][:m.Cols] }

// HugePages asks for large pages of memory, which pay where long texts are read.
func (m *Model) HugePages() {
	for i := range m.layers {
		l := &m.layers[i]
		for _, w := range []*kernel.I8{l.qkv, l.o, l.gateUp, l.down} {
			kernel.HugePages(w.Data)
		}
	}
}

// Weights returns what New was given. It must not be changed.
func (m *Model) Weights() *Weights { return m.weights }

// Config returns the sizes of the model.
func (m *Model) Config() Config { return m.c }
