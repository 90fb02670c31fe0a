package memory

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"kolm/internal/lm"
)

// moment is the second moment E[k k^T] of a layer's keys over ordinary text, with a
// ridge on its diagonal.
func (m *Model) moment(layer int, text []Passage, ridge float64) (*mat.SymDense, error) {
	n, count := m.LM.Config.FFN, 0
	sum, part := mat.NewSymDense(n, nil), mat.NewSymDense(n, nil)
	for _, p := range text {
		r, err := m.Run(p.Tokens, nil)
		if err != nil {
			return nil, err
		}
		rows := floats(r.Rows(lm.Coefficients, layer))
		part.SymOuterK(1, mat.NewDense(len(p.Tokens), n, rows).T())
		sum.AddSym(sum, part)
		count += len(p.Tokens)
	}
	sum.ScaleSym(1/float64(count), sum)
	mean := mat.Trace(sum) / float64(n)
	for i := range n {
		sum.SetSym(i, i, sum.At(i, i)+ridge*mean)
	}
	return sum, nil
}

// writeLayer computes the new Down matrix of a layer. The rest of the way to the
// goals is shared with left-1 layers above it.
func (m *Model) writeLayer(layer int, jobs []*editJob, o EditOptions, left int) (*Change, error) {
	c, err := m.moment(layer, o.Ordinary, o.Ridge)
	if err != nil {
		return nil, err
	}
	dim, ffn := m.LM.Config.Dim, m.LM.Config.FFN
	keys, residuals := mat.NewDense(ffn, len(jobs), nil), mat.NewDense(dim, len(jobs), nil)
	for i, j := range jobs {
		k, err := j.key(m, layer)
		if err != nil {
			return nil, err
		}
		keys.SetCol(i, k)
		t := j.texts[0]
		r, err := m.Run(t.tokens[:t.from], nil)
		if err != nil {
			return nil, err
		}
		rest := make([]float64, dim)
		for d, v := range r.Row(lm.Residual, j.layer, t.subject) {
			rest[d] = (j.goal[d] - float64(v)) / float64(left)
		}
		residuals.SetCol(i, rest)
	}
	var delta *mat.Dense
	var cond float64
	if len(jobs) == 1 && len(o.Layers) == 1 {
		delta, cond, err = rankOne(c, keys.ColView(0), residuals.ColView(0))
	} else {
		delta, cond, err = ridgeUpdate(c, keys, residuals, o.Lambda)
	}
	if err != nil {
		return nil, err
	}
	return m.change(layer, delta, cond, keys, residuals)
}

// rankOne is ROME's update: of all changes that add rest to the value of the key
// the one that moves the values of ordinary keys least,
// rest (C^-1 k)^T / (k^T C^-1 k).
func rankOne(c *mat.SymDense, k, rest mat.Vector) (*mat.Dense, float64, error) {
	var chol mat.Cholesky
	if !chol.Factorize(c) {
		return nil, 0, errors.New("the keys of the ordinary text are singular: give more text, or a larger ridge")
	}
	var u mat.VecDense
	if err := solved(chol.SolveVecTo(&u, k)); err != nil {
		return nil, 0, err
	}
	var delta mat.Dense
	delta.Outer(1/mat.Dot(k, &u), rest, &u)
	return &delta, chol.Cond(), nil
}

// ridgeUpdate is MEMIT's update: R K^T (lambda C + K K^T)^-1, for keys K (FFN, N)
// and rests R (Dim, N).
func ridgeUpdate(c *mat.SymDense, keys, rests *mat.Dense, lambda float64) (*mat.Dense, float64, error) {
	n, _ := keys.Dims()
	all := mat.NewSymDense(n, nil)
	all.SymOuterK(1, keys)
	for i := range n {
		for j := i; j < n; j++ {
			all.SetSym(i, j, all.At(i, j)+lambda*c.At(i, j))
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(all) {
		return nil, 0, errors.New("the keys are singular: give more ordinary text, or a larger ridge or lambda")
	}
	var adj, delta mat.Dense
	if err := solved(chol.SolveTo(&adj, keys)); err != nil {
		return nil, 0, err
	}
	delta.Mul(rests, adj.T())
	return &delta, chol.Cond(), nil
}

// solved passes over the warning of a large condition number, which is reported.
func solved(err error) error {
	var cond mat.Condition
	if errors.As(err, &cond) {
		return nil
	}
	return err
}

// change adds a difference to a layer's matrix and measures it.
func (m *Model) change(layer int, delta *mat.Dense, cond float64, keys, rests *mat.Dense) (*Change, error) {
	dim, ffn := delta.Dims()
	c := &Change{Layer: layer, Cond: cond, Weights: make([]float32, dim*ffn)}
	down, row, whole := m.LM.Weights.Layers[layer].Down, make([]float32, ffn), 0.0
	real := mat.NewDense(dim, ffn, nil) // the difference after rounding
	for d := range dim {
		if err := down.Row(row, d); err != nil {
			return nil, err
		}
		for i, v := range row {
			w := float32(float64(v) + delta.At(d, i))
			c.Weights[d*ffn+i] = w
			x := float64(w) - float64(v)
			real.Set(d, i, x)
			whole += float64(v) * float64(v)
			c.Norm += x * x
			c.Largest = max(c.Largest, math.Abs(x))
			if w != v {
				c.Changed++
			}
		}
	}
	c.Norm = math.Sqrt(c.Norm)
	c.Relative = c.Norm / math.Sqrt(whole)
	if slices.ContainsFunc(c.Weights, func(w float32) bool { return w != w || math.IsInf(float64(w), 0) }) {
		return nil, errors.New("the new weights are not finite")
	}
	var got mat.Dense
	got.Mul(real, keys)
	got.Sub(&got, rests)
	c.KeyFit = mat.Norm(&got, 2) / mat.Norm(rests, 2)
	return c, nil
}
