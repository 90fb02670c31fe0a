package model

import (
	"math"

	"kolm/internal/kernel"
)

// attend stores the key and value of row i and computes its attention output.
// It must be called in the order of the rows: in a full ring the key of this
// row replaces the oldest one, which the row before still saw.
func (m *Model) attend(s *State, l, i, stream int) {
	c, b, w := &m.c, &s.buf, &m.layers[l]
	hd, rep := c.HeadDim, c.Heads/c.KVHeads
	y := row(b.y, i, c.qWidth()+2*c.kvWidth())
	keys, values := y[c.qWidth():], y[c.qWidth()+c.kvWidth():]
	slot := b.pos[i] % c.Window
	seen := min(b.pos[i]+1, c.Window)
	for g := range c.KVHeads {
		r := s.ring(stream, l, g)
		k := row(keys, g, hd)
		m.rotate(b, i, k, w.kNorm)
		r.k.SetRow(slot, b.new, kernel.QuantizeS8(b.new, k))
		r.setValue(b.new, row(values, g, hd), slot)

		q := y[g*rep*hd:][:rep*hd]
		for h := range rep {
			m.rotate(b, i, row(q, h, hd), w.qNorm)
		}
		b.score(r, q, hd, seen)
		b.mix(r, row(b.a, i, c.qWidth())[g*rep*hd:], hd, seen)
	}
}

// rotate normalises one head of row i and rotates it by the row's position.
func (m *Model) rotate(b *buffers, i int, x, gain []float32) {
	kernel.RMSNorm(x, x, gain, m.c.Eps)
	kernel.Rope(x, row(b.cos, i, len(x)/2), row(b.sin, i, len(x)/2))
}

// setValue stores value v in a slot; q is scratch as long as v.
func (r *ring) setValue(q []int8, v []float32, slot int) {
	r.vs[slot] = kernel.QuantizeS8(q, v)
	window := len(r.vs)
	at := slot/4*4*kernel.Panel + slot%4
	for d := 0; d < len(q); d += kernel.Panel {
		panel := r.v[d*window+at:]
		for j, x := range q[d:][:kernel.Panel] {
			panel[4*j] = x
		}
	}
}

// score computes the scores of the query heads q (rep, HeadDim) over the first n
// slots.
func (b *buffers) score(r *ring, q []float32, hd, n int) {
	rep := len(q) / hd
	root := float32(1 / math.Sqrt(float64(hd)))
	for h := range rep {
		b.scale[h] = kernel.QuantizeU8(row(b.head, h, hd), row(q, h, hd)) * root
	}
	b.view = *r.k
	b.view.Rows = (n + 15) &^ 15
	b.view.MatMul(b.scores, b.head, b.scale, rep)
}

// mix computes the values' mean under the softmax of the scores, for each of the
// heads, to out (rep, HeadDim).
func (b *buffers) mix(r *ring, out []float32, hd, n int) {
	rep, stride := len(b.scale), (n+15)&^15
	k := (n + 3) &^ 3
	for h := range rep {
		probs := row(b.probs, h, k)
		clear(probs[n:])
		b.scale[h] = kernel.Attention(probs[:n], b.scores[h*stride:][:n], r.vs[:n])
	}
	if k == len(r.vs) { // all slots: the ring is the matrix
		b.view = kernel.I8{Rows: hd, Cols: k, Data: r.v, Scale: b.ones, Sum: b.zeros}
		b.view.MatMul(out, b.probs, b.scale, rep)
		return
	}
	for d := 0; d < hd; d += kernel.Panel { // the first k columns of each panel
		b.view = kernel.I8{Rows: kernel.Panel, Cols: k, Data: r.v[d*len(r.vs):], Scale: b.ones, Sum: b.zeros}
		b.view.MatMul(b.out, b.probs, b.scale, rep)
		for h := range rep {
			copy(out[h*hd+d:][:kernel.Panel], row(b.out, h, kernel.Panel))
		}
	}
}
