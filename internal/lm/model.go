package lm

import (
	"fmt"
	"math"

	"kolm/internal/kernel"
)

// DefaultKeep is how many bytes of widened weights a model keeps unless told
// otherwise. Matrices beyond it are widened anew for each batch, which costs
// about as much as multiplying 50 to 120 more rows, by their type.
const DefaultKeep = 2 << 30

// Model is a model ready to run. It is read only: any number of goroutines may
// use it, each with its own Session.
type Model struct {
	Config  Config
	Weights *Weights
}

// New checks that the weights fit the configuration. keep is how many bytes of
// widened weights to keep in memory, counted over the matrices in order of use.
func New(c Config, w *Weights, keep int64) (*Model, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("%s model: %w", c.Arch, err)
	}
	if err := w.Validate(&c); err != nil {
		return nil, fmt.Errorf("%s model: %w", c.Arch, err)
	}
	for _, m := range w.products() {
		// Another model that shares the matrix may be running: no needless write.
		if keep -= 4 * int64(m.Rows) * int64(m.Cols); keep >= 0 && !m.keep {
			m.keep = true
		}
	}
	return &Model{Config: c, Weights: w}, nil
}

// products lists the matrices that rows are multiplied with.
func (w *Weights) products() []*Matrix {
	var list []*Matrix
	ffn := func(f *FFN) {
		for _, l := range []Linear{f.Gate, f.Up, f.Down} {
			if l.Matrix != nil {
				list = append(list, l.Matrix)
			}
		}
	}
	for i := range w.Layers {
		l := &w.Layers[i]
		list = append(list, l.Q.Matrix, l.K.Matrix, l.V.Matrix, l.O.Matrix)
		if l.Router != nil {
			list = append(list, l.Router)
		}
		ffn(&l.FFN)
		for e := range l.Experts {
			ffn(&l.Experts[e])
		}
	}
	return append(list, w.Output)
}

// Normalise writes the final norm of x (n, Dim) to dst (n, Dim), which may be x:
// of the Residual rows of the last layer it makes what Feed returns, bit for bit.
func (m *Model) Normalise(dst, x []float32, n int) {
	d := m.Config.Dim
	for i := range n {
		m.norm(dst[i*d:][:d], x[i*d:][:d], &m.Weights.FinalNorm)
	}
}

// Logits writes the logits (n, Vocab) of n rows that Feed or Normalise returned,
// by up to threads goroutines.
func (m *Model) Logits(dst, hidden []float32, n, threads int) error {
	c := &m.Config
	if err := m.Weights.Output.MatMul(dst, hidden, n, threads); err != nil {
		return err
	}
	if c.LogitCap == 0 {
		return nil
	}
	return split(n, 1, threads, func(i, _ int) error {
		softCap(dst[i*c.Vocab:][:c.Vocab], c.LogitCap)
		return nil
	})
}

// softCap replaces x by top * tanh(x/top).
func softCap(x []float32, top float32) {
	for i, v := range x {
		x[i] = top * float32(math.Tanh(float64(v/top)))
	}
}

// norm normalises one row.
func (m *Model) norm(dst, x []float32, n *Norm) {
	if m.Config.Norm == LayerNorm {
		layerNorm(dst, x, n, float64(m.Config.Eps))
		return
	}
	kernel.RMSNorm(dst, x, n.Gain, m.Config.Eps)
}

func layerNorm(dst, x []float32, n *Norm, eps float64) {
	var sum, squares float64
	for _, v := range x {
		sum += float64(v)
	}
	mean := sum / float64(len(x))
	for _, v := range x {
		d := float64(v) - mean
		squares += d * d
	}
	r := 1 / math.Sqrt(squares/float64(len(x))+eps)
	for i, v := range x {
		dst[i] = float32((float64(v)-mean)*r) * n.Gain[i]
	}
	if n.Bias != nil {
		kernel.Add(dst, n.Bias)
	}
}
