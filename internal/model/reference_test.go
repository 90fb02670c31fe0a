package model_test

import (
	"math"

	"kolm/internal/model"
)

// reference is the textbook forward pass in float64, one token at a time, with
// a growing cache. The options round what the real one rounds, one by one, to
// show what each costs.
type reference struct {
	c    model.Config
	w    *model.Weights
	opt  rounding
	pos  int
	k, v [][][]float64 // [layer][position] (KVHeads*HeadDim)
}

type rounding struct {
	acts   bool    // inputs of matrices to int8
	keys   bool    // keys and queries to int8
	values bool    // values to int8
	probs  float64 // probabilities times value scales to this many steps; 0: not at all
}

func newReference(c model.Config, w *model.Weights, opt rounding) *reference {
	return &reference{c: c, w: w, opt: opt, k: make([][][]float64, c.Layers), v: make([][][]float64, c.Layers)}
}

// step returns the final state after one more token.
func (r *reference) step(token int32) []float64 {
	x := make([]float64, r.c.Dim)
	for j := range x {
		x[j] = at(&r.w.Embed, int(token), j)
	}
	for l := range r.w.Layers {
		r.attention(l, x)
		r.feedForward(l, x)
	}
	r.pos++
	return r.norm(x, r.w.OutputNorm)
}

func (r *reference) attention(l int, x []float64) {
	w, hd := &r.w.Layers[l], r.c.HeadDim
	h := r.norm(x, w.AttnNorm)
	q, k, v := r.mul(&w.Q, h), r.mul(&w.K, h), r.mul(&w.V, h)
	for g := range r.c.Heads {
		r.rotate(q[g*hd:][:hd], w.QNorm)
	}
	for g := range r.c.KVHeads {
		r.rotate(k[g*hd:][:hd], w.KNorm)
		if r.opt.values {
			round(v[g*hd:][:hd], 127)
		}
	}
	r.k[l], r.v[l] = append(r.k[l], k), append(r.v[l], v)
	first := max(0, len(r.k[l])-r.c.Window)
	out := make([]float64, len(q))
	for a := range r.c.Heads {
		g := a / (r.c.Heads / r.c.KVHeads)
		r.mix(out[a*hd:][:hd], q[a*hd:][:hd], r.k[l][first:], r.v[l][first:], g*hd)
	}
	add(x, r.mul(&w.O, out))
}

// mix adds up the values under the softmax of the scores.
func (r *reference) mix(out, q []float64, k, v [][]float64, at int) {
	p := make([]float64, len(k))
	top := math.Inf(-1)
	for t := range p {
		for j, x := range q {
			p[t] += x * k[t][at+j]
		}
		p[t] /= math.Sqrt(float64(len(q)))
		top = max(top, p[t])
	}
	sum := 0.0
	for t := range p {
		p[t] = math.Exp(p[t] - top)
		sum += p[t]
	}
	scale := make([]float64, len(p))
	for t := range p {
		scale[t] = 1
		if r.opt.probs > 0 {
			scale[t] = largest(v[t][at:][:len(q)]) / 127
		}
		p[t] *= scale[t] / sum
	}
	if r.opt.probs > 0 {
		round(p, r.opt.probs)
	}
	for t := range p {
		if scale[t] == 0 {
			continue
		}
		for j := range out {
			out[j] += p[t] * (v[t][at+j] / scale[t])
		}
	}
}

func (r *reference) feedForward(l int, x []float64) {
	w := &r.w.Layers[l]
	h := r.norm(x, w.FFNNorm)
	gate, up := r.mul(&w.Gate, h), r.mul(&w.Up, h)
	for j, g := range gate {
		up[j] *= g / (1 + math.Exp(-g))
	}
	add(x, r.mul(&w.Down, up))
}

func (r *reference) rotate(x []float64, gain []float32) {
	copy(x, r.norm(x, gain))
	for j := range len(x) / 2 {
		angle := float64(r.pos) * math.Pow(r.c.RopeBase, -2*float64(j)/float64(len(x)))
		sin, cos := math.Sincos(angle)
		a, b := x[j], x[j+len(x)/2]
		x[j], x[j+len(x)/2] = a*cos-b*sin, b*cos+a*sin
	}
	if r.opt.keys {
		round(x, 127)
	}
}

func (r *reference) norm(x []float64, gain []float32) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	s := 1 / math.Sqrt(sum/float64(len(x))+float64(r.c.Eps))
	out := make([]float64, len(x))
	for j, v := range x {
		out[j] = v * s * float64(gain[j])
	}
	return out
}

func (r *reference) mul(m *model.Matrix, x []float64) []float64 {
	if r.opt.acts {
		x = append([]float64(nil), x...)
		round(x, 127)
	}
	out := make([]float64, m.Rows)
	for i := range out {
		if m.F != nil {
			out[i] = product64(m.F[i*m.Cols:][:m.Cols], x)
		} else {
			out[i] = product64(m.Q[i*m.Cols:][:m.Cols], x) * float64(m.Scale[i])
		}
	}
	return out
}

// product64 adds in four chains, for speed; len(w) is a multiple of 4.
func product64[T int8 | float32](w []T, x []float64) float64 {
	var a, b, c, d float64
	for x := x[:len(w)]; len(w) >= 4; w, x = w[4:], x[4:] {
		a += float64(w[0]) * x[0]
		b += float64(w[1]) * x[1]
		c += float64(w[2]) * x[2]
		d += float64(w[3]) * x[3]
	}
	return a + b + (c + d)
}

func at(m *model.Matrix, r, c int) float64 {
	if m.F != nil {
		return float64(m.F[r*m.Cols+c])
	}
	return float64(m.Q[r*m.Cols+c]) * float64(m.Scale[r])
}

// round makes x multiples of largest(x)/steps.
func round(x []float64, steps float64) {
	s := largest(x) / steps
	for i := range x {
		if s > 0 {
			x[i] = math.RoundToEven(x[i]/s) * s
		}
	}
}

func largest(x []float64) (a float64) {
	for _, v := range x {
		a = max(a, math.Abs(v))
	}
	return a
}

func add(x, y []float64) {
	for i, v := range y {
		x[i] += v
	}
}
