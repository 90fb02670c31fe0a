package memory

import (
	"math"

	"kolm/internal/lm"
)

// heads are the queries, or the keys, of all positions of a record: as they come
// out of their matrix and, normed and rotated, as they are multiplied.
type heads struct {
	raw   []float32 // (n, count*width)
	ready []float64
	grad  []float64 // by ready; then by raw
	count int
	width int
	gain  []float32
	rope  *rotation
	m     *Model
}

// rotation is the rotary embedding of a layer.
type rotation struct {
	*lm.Rope
	freq []float64
}

func (m *Model) rotation(layer, n int) *rotation {
	c := &m.LM.Config
	r := &c.Rope
	if c.WindowRope != nil && c.Windows != nil && c.Windows[layer] > 0 {
		r = c.WindowRope
	}
	f := r.Freq
	if r.Long != nil && n > r.Short {
		f = r.Long
	}
	return &rotation{r, f}
}

// turn rotates a head by its position, or back, which is also the transposed map
// but for the scale.
func (r *rotation) turn(x []float64, pos int, back bool) {
	if r.Kind == lm.NoRope {
		return
	}
	for j, f := range r.freq {
		a, b := 2*j, 2*j+1
		if r.Kind == lm.Halves {
			a, b = j, j+len(r.freq)
		}
		sin, cos := math.Sincos(f * float64(pos))
		if back {
			sin = -sin
		}
		s := float64(r.Scale)
		x[a], x[b] = s*(x[a]*cos-x[b]*sin), s*(x[b]*cos+x[a]*sin)
	}
}

func (b *backprop) heads(l *lm.Linear, count int, gain []float32, rope *rotation, x []float32) (*heads, error) {
	raw, err := b.forward(l, x)
	if err != nil {
		return nil, err
	}
	h := &heads{raw: raw, ready: make([]float64, len(raw)), grad: make([]float64, len(raw)), count: count, width: l.Rows / count, gain: gain, rope: rope, m: b.m}
	for i := range raw {
		h.ready[i] = float64(raw[i])
	}
	h.each(func(pos, at int) {
		x := h.ready[at:][:h.width]
		if f := h.norm(at); f != nil {
			for i := range x {
				x[i] *= f.inv * float64(f.gain[i])
			}
		}
		if rope != nil {
			rope.turn(x, pos, false)
		}
	})
	return h, nil
}

// norm is the RMSNorm of one head, frozen; nil if there is none.
func (h *heads) norm(at int) *frozen {
	if h.gain == nil {
		return nil
	}
	squares := 0.0
	for _, v := range h.raw[at:][:h.width] {
		squares += float64(v) * float64(v)
	}
	return &frozen{gain: h.gain, inv: 1 / math.Sqrt(squares/float64(h.width)+float64(h.m.LM.Config.Eps))}
}

func (h *heads) each(f func(pos, at int)) {
	for at := 0; at < len(h.raw); at += h.width {
		f(at/(h.count*h.width), at)
	}
}

// finish turns the gradient by ready into that by raw.
func (h *heads) finish() {
	h.each(func(pos, at int) {
		g := h.grad[at:][:h.width]
		if h.rope != nil {
			h.rope.turn(g, pos, true)
		}
		if f := h.norm(at); f != nil {
			dx := make([]float64, h.width)
			normBack(f, dx, h.raw[at:][:h.width], g)
			copy(g, dx)
		}
	})
}

// attention carries dx from after an attention block to before it.
func (b *backprop) attention(l int) error {
	c, w := &b.m.LM.Config, &b.m.LM.Weights.Layers[l]
	dz, err := b.post(&w.O, &w.AttnPost, b.r.Rows(lm.Heads, l), b.dx)
	if err != nil {
		return err
	}
	dOut := make([]float64, b.n*w.O.Cols)
	if err := b.through(w.O.Matrix, dOut, dz); err != nil {
		return err
	}
	y, rope := b.r.Rows(lm.AttnInput, l), b.m.rotation(l, b.n)
	q, err := b.heads(&w.Q, c.Heads, w.QNorm, rope, y)
	if err != nil {
		return err
	}
	k, err := b.heads(&w.K, c.KVHeads, w.KNorm, rope, y)
	if err != nil {
		return err
	}
	v, err := b.heads(&w.V, c.KVHeads, nil, nil, y)
	if err != nil {
		return err
	}
	window := 0
	if c.Windows != nil {
		window = c.Windows[l]
	}
	for i := range b.n {
		from := 0
		if window > 0 {
			from = max(0, i-window+1)
		}
		for h := range c.Heads {
			b.query(q, k, v, dOut, i, from, h)
		}
	}
	dy := make([]float64, len(b.dx))
	for _, x := range []struct {
		h *heads
		l *lm.Matrix
	}{{q, w.Q.Matrix}, {k, w.K.Matrix}, {v, w.V.Matrix}} {
		x.h.finish()
		if err := b.through(x.l, dy, x.h.grad); err != nil {
			return err
		}
	}
	b.norm(&w.AttnNorm, b.below(l), dy)
	return nil
}

// below is the residual stream before a layer.
func (b *backprop) below(l int) []float32 {
	if l == 0 {
		return b.r.Rows(lm.Embedding, -1)
	}
	return b.r.Rows(lm.Residual, l-1)
}

// query adds the gradients of one head's query at position i, which sees the
// positions from from on.
func (b *backprop) query(q, k, v *heads, dOut []float64, i, from, h int) {
	c := &b.m.LM.Config
	hd, kv := q.width, h/(q.count/k.count)
	at := (i*q.count + h) * hd
	query, dQuery, out := q.ready[at:][:hd], q.grad[at:][:hd], dOut[at:][:hd]
	n := i + 1 - from
	p, slope, dp := make([]float64, n), make([]float64, n), make([]float64, n)
	top := math.Inf(-1)
	for j := range n {
		s := 0.0
		for d, x := range k.ready[((from+j)*k.count+kv)*hd:][:hd] {
			s += query[d] * x
		}
		s *= float64(c.QueryScale)
		slope[j] = float64(c.QueryScale)
		if c.AttnCap > 0 {
			t := math.Tanh(s / float64(c.AttnCap))
			s = float64(c.AttnCap) * t
			slope[j] *= 1 - t*t
		}
		p[j] = s
		top = max(top, s)
	}
	total, mean := 0.0, 0.0
	for j := range p {
		p[j] = math.Exp(p[j] - top)
		total += p[j]
	}
	for j := range p {
		p[j] /= total
		at := ((from+j)*v.count + kv) * hd
		for d, x := range v.ready[at:][:hd] {
			dp[j] += out[d] * x
			v.grad[at+d] += p[j] * out[d]
		}
		mean += p[j] * dp[j]
	}
	for j := range p {
		ds := p[j] * (dp[j] - mean) * slope[j]
		at := ((from+j)*k.count + kv) * hd
		for d, x := range k.ready[at:][:hd] {
			dQuery[d] += ds * x
			k.grad[at+d] += ds * query[d]
		}
	}
}
