package lm

import "kolm/internal/kernel"

// block is the number of positions whose queries share the keys and values that
// they are multiplied with: those up to the end of their block. Blocks begin at
// multiples of block, so that what a query is multiplied with depends on its
// position alone.
const block = 64

// attention adds the attention block of layer l to the residual stream.
func (s *Session) attention(l, n int) error {
	c, w, b := &s.m.Config, &s.m.Weights.Layers[l], &s.buf
	s.normRows(b.y, b.x, &w.AttnNorm, n)
	s.tap(AttnInput, l, b.y)
	for _, p := range []struct {
		l  *Linear
		to []float32
	}{{&w.Q, b.q}, {&w.K, b.k}, {&w.V, b.v}} {
		if err := s.linear(p.l, p.to, b.y, n); err != nil {
			return err
		}
	}
	rope := b.rope(c.rope(l))
	s.eachRow(n, c.qWidth(), func(i int) {
		s.m.turn(row(b.q, i, c.qWidth()), w.QNorm, rope, i)
		s.m.turn(row(b.k, i, c.kvWidth()), w.KNorm, rope, i)
	})
	s.store(l, n)

	first := s.pos / block
	tiles := (s.pos+n-1)/block - first + 1
	split(tiles*c.KVHeads, 1, s.Threads, func(i, _ int) error {
		s.attend(l, i%c.KVHeads, first+i/c.KVHeads, n)
		return nil
	})
	s.tap(Heads, l, b.heads)
	if err := s.linear(&w.O, b.z, b.heads, n); err != nil {
		return err
	}
	s.join(AttnOutput, l, &w.AttnPost, n)
	s.tap(Middle, l, b.x)
	return nil
}

// turn normalises, if there is a gain, and rotates the heads of row i of a batch.
func (m *Model) turn(x, gain []float32, rope *ropeRows, i int) {
	for hd := m.Config.HeadDim; len(x) > 0; x = x[hd:] {
		if gain != nil {
			kernel.RMSNorm(x[:hd], x[:hd], gain, m.Config.Eps)
		}
		rope.rotate(x[:hd], i)
	}
}

// store keeps the keys and values of the batch: keys as panels of 16 positions,
// values as panels of 16 numbers of the head, as kernel.F32 wants them for
// products with queries and with probabilities.
func (s *Session) store(l, n int) {
	c, b, hd := &s.m.Config, &s.buf, s.m.Config.HeadDim
	for i := range n {
		p := s.pos + i
		for h := range c.KVHeads {
			keys := s.keys[l][(h*s.room+p&^(kernel.Panel-1))*hd+p%kernel.Panel:]
			for j, v := range b.k[(i*c.KVHeads+h)*hd:][:hd] {
				keys[j*kernel.Panel] = v
			}
			values := s.values[l][h*s.room*padded(hd):]
			v := b.v[(i*c.KVHeads+h)*hd:][:hd]
			for j := 0; j < hd; j += kernel.Panel {
				copy(values[(j*s.room)+p*kernel.Panel:][:kernel.Panel], v[j:])
			}
		}
	}
}

// attend computes the outputs of the query heads that share key and value head h
// for the rows of the batch in one block of positions.
func (s *Session) attend(l, h, tile, n int) {
	c, b, hd := &s.m.Config, &s.buf, s.m.Config.HeadDim
	from, to := max(tile*block, s.pos), min((tile+1)*block, s.pos+n)
	group, rows := c.Heads/c.KVHeads, to-from
	window := c.window(l)
	start := 0 // of the positions that any query of the block may see
	if window > 0 {
		start = max(0, tile*block-window+1) &^ (block - 1)
	}
	seen := (tile+1)*block - start

	queries, scores, out := borrow(group*rows*hd), borrow(group*rows*seen), borrow(group*rows*kernel.Panel)
	defer giveBack(queries, scores, out)
	for g := range group {
		for i := range rows {
			q := row(*queries, g*rows+i, hd)
			for j, v := range b.q[((from-s.pos+i)*c.Heads+h*group+g)*hd:][:hd] {
				q[j] = v * c.QueryScale
			}
		}
	}
	keys := kernel.F32{Rows: seen, Cols: hd, Data: s.keys[l][(h*s.room+start)*hd:][:seen*hd]}
	keys.MatMul(*scores, *queries, group*rows)
	for i := range group * rows {
		p := from + i%rows
		lo := 0
		if window > 0 {
			lo = max(0, p-window+1) - start
		}
		c.weigh(row(*scores, i, seen), lo, p+1-start)
	}
	for j := 0; j < hd; j += kernel.Panel {
		width := min(kernel.Panel, hd-j)
		values := kernel.F32{Rows: width, Cols: seen, Data: s.values[l][(h*padded(hd)+j)*s.room+start*kernel.Panel:][:seen*kernel.Panel]}
		values.MatMul(*out, *scores, group*rows)
		for i := range group * rows {
			copy(b.heads[((from-s.pos+i%rows)*c.Heads+h*group+i/rows)*hd+j:], (*out)[i*width:][:width])
		}
	}
}

// weigh turns the scores of one query into the weights of the positions
// [lo, hi) that it sees; those of the others are 0.
func (c *Config) weigh(scores []float32, lo, hi int) {
	clear(scores[:lo])
	clear(scores[hi:])
	if c.AttnCap > 0 {
		softCap(scores[lo:hi], c.AttnCap)
	}
	kernel.Softmax(scores[lo:hi])
}

// ropeRows holds the rotations of the rows of a batch under one Rope.
type ropeRows struct {
	rope     *Rope
	freq     []float64
	cos, sin []float32 // (n, len(freq))
}

// ropes returns the rotations that the layers of a model use in contexts of up
// to so many positions.
func (m *Model) ropes(context int) []ropeRows {
	list := []ropeRows{{rope: &m.Config.Rope, freq: m.Config.Rope.frequencies(context)}}
	if w := m.Config.WindowRope; w != nil {
		list = append(list, ropeRows{rope: w, freq: w.frequencies(context)})
	}
	return list
}

// rope finds the rotations of a Rope.
func (b *buffers) rope(r *Rope) *ropeRows {
	for i := range b.ropes {
		if b.ropes[i].rope == r {
			return &b.ropes[i]
		}
	}
	panic("lm: a rotation that the configuration does not have")
}

func (r *ropeRows) grow(n int) {
	r.cos, r.sin = make([]float32, n*len(r.freq)), make([]float32, n*len(r.freq))
}

// fill computes the rotations of n positions from pos on.
func (r *ropeRows) fill(pos, n int) {
	if r.rope.Kind == NoRope {
		return
	}
	k := len(r.freq)
	for i := range n {
		r.rope.fill(row(r.cos, i, k), row(r.sin, i, k), r.freq, pos+i)
	}
}

// rotate turns a head of row i.
func (r *ropeRows) rotate(head []float32, i int) {
	k := len(r.freq)
	r.rope.rotate(head, row(r.cos, i, k), row(r.sin, i, k))
}
