package model

import (
	"fmt"
	"math"
)

// Matrix is a weight matrix, row-major (Rows, Cols), as float32 numbers F or as
// int8 numbers Q with one Scale per row; exactly one of F and Q is set.
type Matrix struct {
	Rows, Cols int
	F          []float32
	Q          []int8
	Scale      []float32
}

// Layer holds the weights of one transformer block. H, G, hd stand for the
// configuration's Heads, KVHeads, HeadDim.
type Layer struct {
	AttnNorm []float32 // (Dim)
	Q        Matrix    // (H*hd, Dim)
	K, V     Matrix    // (G*hd, Dim)
	QNorm    []float32 // (hd), shared by the query heads
	KNorm    []float32 // (hd), shared by the key heads
	O        Matrix    // (Dim, H*hd)
	FFNNorm  []float32 // (Dim)
	Gate, Up Matrix    // (FFN, Dim)
	Down     Matrix    // (Dim, FFN)
}

// Weights holds all weights of a model.
type Weights struct {
	Embed      Matrix // input table (Vocab, Dim)
	Layers     []Layer
	OutputNorm []float32 // (Dim)
	Output     Matrix    // output table (Vocab, Dim); may share Embed's storage
}

// Int8 returns the matrix with int8 weights: itself if it has them already.
func (m Matrix) Int8() Matrix {
	if m.F == nil {
		return m
	}
	q, scale := Quantize(m.Rows, m.Cols, m.F)
	return Matrix{Rows: m.Rows, Cols: m.Cols, Q: q, Scale: scale}
}

// Floats returns the numbers of the matrix, those of int8 weights multiplied by
// their scale.
func (m Matrix) Floats() []float32 {
	if m.F != nil {
		return m.F
	}
	x := make([]float32, len(m.Q))
	for r, s := range m.Scale {
		dequantize(row(x, r, m.Cols), m.row(r), s)
	}
	return x
}

// Quantized returns the same weights with every matrix in int8. Vectors are
// shared with w.
func (w *Weights) Quantized() *Weights {
	out := *w
	out.Layers = append([]Layer(nil), w.Layers...)
	for _, m := range out.matrices() {
		*m.m = m.m.Int8()
	}
	return &out
}

// matrix and vector are places in Weights with the shapes they must have.
type matrix struct {
	name       string
	m          *Matrix
	rows, cols int
}

type vector struct {
	name string
	v    []float32
	n    int
}

func (w *Weights) matrices() []matrix { ms, _ := w.parts(Config{}); return ms }

// parts lists every matrix and vector with the shape that c asks for.
func (w *Weights) parts(c Config) ([]matrix, []vector) {
	ms := []matrix{
		{"input table", &w.Embed, c.Vocab, c.Dim},
		{"output table", &w.Output, c.Vocab, c.Dim},
	}
	vs := []vector{{"output norm", w.OutputNorm, c.Dim}}
	for i := range w.Layers {
		l := &w.Layers[i]
		name := func(s string) string { return fmt.Sprintf("layer %d %s", i, s) }
		ms = append(ms,
			matrix{name("query"), &l.Q, c.qWidth(), c.Dim},
			matrix{name("key"), &l.K, c.kvWidth(), c.Dim},
			matrix{name("value"), &l.V, c.kvWidth(), c.Dim},
			matrix{name("attention output"), &l.O, c.Dim, c.qWidth()},
			matrix{name("gate"), &l.Gate, c.FFN, c.Dim},
			matrix{name("up"), &l.Up, c.FFN, c.Dim},
			matrix{name("down"), &l.Down, c.Dim, c.FFN})
		vs = append(vs,
			vector{name("attention norm"), l.AttnNorm, c.Dim},
			vector{name("query norm"), l.QNorm, c.HeadDim},
			vector{name("key norm"), l.KNorm, c.HeadDim},
			vector{name("feed-forward norm"), l.FFNNorm, c.Dim})
	}
	return ms, vs
}

// Validate checks that w has the shapes that c asks for and only finite numbers.
func (w *Weights) Validate(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if len(w.Layers) != c.Layers {
		return fmt.Errorf("model: weights have %d layers, want %d", len(w.Layers), c.Layers)
	}
	ms, vs := w.parts(c)
	for _, p := range ms {
		if err := p.m.validate(p.rows, p.cols); err != nil {
			return fmt.Errorf("model: %s: %w", p.name, err)
		}
	}
	for _, p := range vs {
		if len(p.v) != p.n {
			return fmt.Errorf("model: %s has %d numbers, want %d", p.name, len(p.v), p.n)
		}
		if i := nonFinite(p.v); i >= 0 {
			return fmt.Errorf("model: %s: number %d is %v", p.name, i, p.v[i])
		}
	}
	return nil
}

func (m *Matrix) validate(rows, cols int) error {
	switch {
	case m.Rows != rows || m.Cols != cols:
		return fmt.Errorf("shape is %d x %d, want %d x %d", m.Rows, m.Cols, rows, cols)
	case (m.F == nil) == (m.Q == nil):
		return fmt.Errorf("want either float32 or int8 numbers")
	case m.F != nil && len(m.F) != rows*cols:
		return fmt.Errorf("%d numbers, want %d", len(m.F), rows*cols)
	case m.Q != nil && (len(m.Q) != rows*cols || len(m.Scale) != rows):
		return fmt.Errorf("%d numbers and %d scales, want %d and %d", len(m.Q), len(m.Scale), rows*cols, rows)
	}
	if i := nonFinite(m.F); i >= 0 {
		return fmt.Errorf("number %d is %v", i, m.F[i])
	}
	if i := nonFinite(m.Scale); i >= 0 {
		return fmt.Errorf("scale %d is %v", i, m.Scale[i])
	}
	return nil
}

// nonFinite is the index of the first infinity or NaN, or -1.
func nonFinite(x []float32) int {
	for i, v := range x {
		if math.Float32bits(v)&(0xff<<23) == 0xff<<23 {
			return i
		}
	}
	return -1
}
