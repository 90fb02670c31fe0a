package lm

import "fmt"

// Linear is a matrix with an optional bias (Rows).
type Linear struct {
	*Matrix
	Bias []float32
}

// Norm holds the vectors of a norm. Bias belongs to LayerNorm and may be nil.
// Without a Gain there is no norm.
type Norm struct{ Gain, Bias []float32 }

// FFN is a feed-forward part, or one expert. A plain one has no Gate.
type FFN struct {
	Gate, Up Linear // (FFN, Dim)
	Down     Linear // (Dim, FFN)
}

// Layer holds the weights of one transformer block.
type Layer struct {
	AttnNorm     Norm      // (Dim)
	Q            Linear    // (Heads*HeadDim, Dim)
	K, V         Linear    // (KVHeads*HeadDim, Dim)
	QNorm, KNorm []float32 // (HeadDim), or nil
	O            Linear    // (Dim, Heads*HeadDim)
	AttnPost     Norm      // (Dim), optional

	FFNNorm Norm // (Dim)
	FFN          // where there are no experts
	Router  *Matrix
	Experts []FFN
	FFNPost Norm // (Dim), optional
}

// Weights holds all weights of a model. Matrices may be shared, as Embed and
// Output are in many models, and among models: an edited model is a copy of
// Weights and its Layers with another Matrix in one place.
type Weights struct {
	Embed     *Matrix // (Vocab, Dim)
	Positions *Matrix // learned positions (Context, Dim), or nil
	Layers    []Layer
	FinalNorm Norm    // (Dim)
	Output    *Matrix // (Vocab, Dim)
}

// Validate checks that the weights have the shapes that c asks for.
func (w *Weights) Validate(c *Config) error {
	if len(w.Layers) != c.Layers {
		return fmt.Errorf("%d layers of weights, want %d", len(w.Layers), c.Layers)
	}
	v := &shapes{}
	v.matrix("input table", w.Embed, c.Vocab, c.Dim)
	if w.Positions != nil {
		v.matrix("positions", w.Positions, c.Context, c.Dim)
	}
	for i := range w.Layers {
		v.layer = i + 1
		v.block(c, &w.Layers[i])
	}
	v.layer = 0
	v.norm("final norm", w.FinalNorm, c.Dim, true)
	v.matrix("output table", w.Output, c.Vocab, c.Dim)
	return v.err
}

// shapes collects the first shape that is wrong.
type shapes struct {
	layer int // counted from 1; 0 outside of layers
	err   error
}

func (v *shapes) fail(name, format string, args ...any) {
	if v.err != nil {
		return
	}
	if v.layer > 0 {
		name = fmt.Sprintf("layer %d: %s", v.layer-1, name)
	}
	v.err = fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
}

func (v *shapes) block(c *Config, l *Layer) {
	v.norm("attention norm", l.AttnNorm, c.Dim, true)
	v.linear("query", l.Q, c.qWidth(), c.Dim)
	v.linear("key", l.K, c.kvWidth(), c.Dim)
	v.linear("value", l.V, c.kvWidth(), c.Dim)
	v.vector("query norm", l.QNorm, c.HeadDim)
	v.vector("key norm", l.KNorm, c.HeadDim)
	v.linear("attention output", l.O, c.Dim, c.qWidth())
	v.norm("norm after attention", l.AttnPost, c.Dim, false)
	v.norm("feed-forward norm", l.FFNNorm, c.Dim, true)
	v.norm("norm after feed-forward", l.FFNPost, c.Dim, false)
	if c.Experts == 0 {
		v.ffn(c, &l.FFN)
		return
	}
	v.matrix("router", l.Router, c.Experts, c.Dim)
	if len(l.Experts) != c.Experts {
		v.fail("experts", "%d, want %d", len(l.Experts), c.Experts)
	}
	for i := range l.Experts {
		v.ffn(c, &l.Experts[i])
	}
}

func (v *shapes) ffn(c *Config, f *FFN) {
	if f.Gate.Matrix != nil {
		v.linear("gate", f.Gate, c.FFN, c.Dim)
	}
	v.linear("up", f.Up, c.FFN, c.Dim)
	v.linear("down", f.Down, c.Dim, c.FFN)
}

func (v *shapes) matrix(name string, m *Matrix, rows, cols int) {
	if m == nil {
		v.fail(name, "is missing")
	} else if m.Rows != rows || m.Cols != cols {
		v.fail(name, "%d rows of %d, want %d of %d", m.Rows, m.Cols, rows, cols)
	}
}

func (v *shapes) linear(name string, l Linear, rows, cols int) {
	v.matrix(name, l.Matrix, rows, cols)
	v.vector(name+" bias", l.Bias, rows)
}

// vector checks the length of a vector that may be missing.
func (v *shapes) vector(name string, x []float32, n int) {
	if x != nil && len(x) != n {
		v.fail(name, "%d numbers, want %d", len(x), n)
	}
}

func (v *shapes) norm(name string, n Norm, dim int, need bool) {
	if need && n.Gain == nil {
		v.fail(name, "is missing")
	}
	v.vector(name, n.Gain, dim)
	v.vector(name+" bias", n.Bias, dim)
}
