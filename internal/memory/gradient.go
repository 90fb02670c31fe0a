package memory

import (
	"math"
	"sync"

	"kolm/internal/lm"
)

// Gradients are the derivatives of a loss by what was at points of a record.
type Gradients struct {
	Coefficients [][]float64 // by layer: (tokens, FFN)
	Down         [][]float64 // by layer: by the output of Down, before a norm after it (tokens, Dim)
	Stream       [][]float64 // by layer: by the residual stream after it (tokens, Dim)
}

// backward carries gradients in float64 from the output of the final norm (tokens,
// Dim) down to layer lowest. What the forward pass computed in float32 is taken
// from the record, or computed again. Where a tap changed a row, the gradient is
// that by the changed row, and what lies below it is as if it had not been changed.
func (r *Record) backward(dHidden []float64, lowest int) (*Gradients, error) {
	m := r.model
	c, w := &m.LM.Config, m.LM.Weights
	g := &Gradients{make([][]float64, c.Layers), make([][]float64, c.Layers), make([][]float64, c.Layers)}
	b := &backprop{m: m, r: r, n: len(r.Tokens), dx: make([]float64, len(dHidden))}
	b.norm(&w.FinalNorm, r.Rows(lm.Residual, c.Layers-1), dHidden)
	for l := c.Layers - 1; l >= lowest; l-- {
		g.Stream[l] = append([]float64(nil), b.dx...)
		if err := b.feedForward(l, g); err != nil {
			return nil, err
		}
		if l == lowest {
			break
		}
		if err := b.attention(l); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// backprop is the gradient by the residual stream on its way down.
type backprop struct {
	m  *Model
	r  *Record
	n  int       // tokens
	dx []float64 // (n, Dim)
}

// norm adds to dx the gradient by the input x of a norm, given that by its output.
func (b *backprop) norm(norm *lm.Norm, x []float32, dy []float64) {
	d := b.m.LM.Config.Dim
	for i := range b.n {
		normBack(b.m.freeze(norm, x[i*d:][:d]), b.dx[i*d:][:d], x[i*d:][:d], dy[i*d:][:d])
	}
}

// normBack adds the gradient by the input x of one norm to dx.
func normBack(f *frozen, dx []float64, x []float32, dy []float64) {
	mean, meanX, along := 0.0, 0.0, 0.0
	if f.centre {
		for _, v := range x {
			meanX += float64(v) / float64(len(x))
		}
	}
	pulled := make([]float64, len(x)) // gradient by the normed x
	for i := range x {
		pulled[i] = dy[i] * float64(f.gain[i])
		mean += pulled[i] / float64(len(x))
		along += pulled[i] * (float64(x[i]) - meanX) * f.inv / float64(len(x))
	}
	if !f.centre {
		mean = 0
	}
	for i := range x {
		dx[i] += f.inv * (pulled[i] - mean - (float64(x[i])-meanX)*f.inv*along)
	}
}

// post carries a gradient back past the norm after a block, if it has one, whose
// last matrix got x.
func (b *backprop) post(l *lm.Linear, post *lm.Norm, x []float32, dy []float64) ([]float64, error) {
	if post.Gain == nil {
		return append([]float64(nil), dy...), nil
	}
	out, err := b.forward(l, x)
	if err != nil {
		return nil, err
	}
	dz, d := make([]float64, len(dy)), b.m.LM.Config.Dim
	for i := range b.n {
		normBack(b.m.freeze(post, out[i*d:][:d]), dz[i*d:][:d], out[i*d:][:d], dy[i*d:][:d])
	}
	return dz, nil
}

// forward computes what a matrix gives for all rows, bias included.
func (b *backprop) forward(l *lm.Linear, x []float32) ([]float32, error) {
	out := make([]float32, b.n*l.Rows)
	if err := l.MatMul(out, x, b.n, b.m.Threads); err != nil {
		return nil, err
	}
	for i := range out {
		if l.Bias != nil {
			out[i] += l.Bias[i%l.Rows]
		}
	}
	return out, nil
}

// through adds dy (n, Rows) times the matrix to dx (n, Cols).
func (b *backprop) through(l *lm.Matrix, dx, dy []float64) error {
	parts := min(b.m.Threads, b.n)
	errs := make([]error, parts)
	var wait sync.WaitGroup
	for p := range parts {
		wait.Go(func() {
			from, to := b.n*p/parts, b.n*(p+1)/parts
			row := make([]float32, l.Cols)
			for k := range l.Rows {
				if errs[p] = l.Row(row, k); errs[p] != nil {
					return
				}
				for i := from; i < to; i++ {
					if v := dy[i*l.Rows+k]; v != 0 {
						axpy(dx[i*l.Cols:][:l.Cols], v, row)
					}
				}
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func axpy(dst []float64, k float64, x []float32) {
	for i, v := range x {
		dst[i] += k * float64(v)
	}
}

// feedForward carries dx from after a feed-forward part to before it.
func (b *backprop) feedForward(l int, g *Gradients) error {
	c, w := &b.m.LM.Config, &b.m.LM.Weights.Layers[l]
	var err error
	if g.Down[l], err = b.post(&w.Down, &w.FFNPost, b.r.Rows(lm.Coefficients, l), b.dx); err != nil {
		return err
	}
	dc := make([]float64, b.n*c.FFN)
	if err := b.through(w.Down.Matrix, dc, g.Down[l]); err != nil {
		return err
	}
	g.Coefficients[l] = dc
	up, gate := b.r.Rows(lm.Up, l), b.r.Rows(lm.Gate, l)
	du, dg := make([]float64, len(dc)), make([]float64, len(dc))
	for i, d := range dc {
		if gate == nil {
			_, slope := activation(c.Activation, float64(up[i]))
			du[i] = d * slope
			continue
		}
		value, slope := activation(c.Activation, float64(gate[i]))
		du[i], dg[i] = d*value, d*slope*float64(up[i])
	}
	dy := make([]float64, len(b.dx))
	if gate != nil {
		if err := b.through(w.Gate.Matrix, dy, dg); err != nil {
			return err
		}
	}
	if err := b.through(w.Up.Matrix, dy, du); err != nil {
		return err
	}
	b.norm(&w.FFNNorm, b.r.Rows(lm.Middle, l), dy)
	return nil
}

// activation is the non-linearity and its slope.
func activation(kind lm.Activation, x float64) (value, slope float64) {
	if kind == lm.SiLU {
		s := 1 / (1 + math.Exp(-x))
		return x * s, s * (1 + x*(1-s))
	}
	const a, k = 0.7978845608028654, 0.044715 // sqrt(2/pi): GELU by tanh
	t := math.Tanh(a * (x + k*x*x*x))
	return x / 2 * (1 + t), (1+t)/2 + x/2*(1-t*t)*a*(1+3*k*x*x)
}
