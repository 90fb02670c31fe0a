package model

import "kolm/internal/kernel"

// Row is one token of one stream.
type Row struct {
	Stream int
	Token  int32
}

// Forward runs every row through the model and writes its final state, the
// input of the output table, to h (len(rows), Dim). Rows of one stream are in
// the order of the text; streams may be mixed in any way. How a text is divided
// into calls, and which streams share them, changes no bit. Tokens and streams
// out of range are a bug of the caller and panic.
func (m *Model) Forward(s *State, rows []Row, h []float32) {
	c, b, n := &m.c, &s.buf, len(rows)
	b.grow(c, n)
	for i, r := range rows {
		m.enter(s, i, r)
	}
	for l := range m.layers {
		m.attention(s, l, rows)
		m.feedForward(b, l, n)
	}
	for i := range n {
		kernel.RMSNorm(row(h, i, c.Dim), row(b.x, i, c.Dim), m.outputNorm, c.Eps)
	}
}

// row is row i of x, whose rows are n long.
func row[T any](x []T, i, n int) []T { return x[i*n:][:n] }

// enter gives row i its position, rotation and embedding.
func (m *Model) enter(s *State, i int, r Row) {
	c, b := &m.c, &s.buf
	b.pos[i] = s.pos[r.Stream]
	s.pos[r.Stream] = (b.pos[i] + 1) % maxPosition
	m.rope.At(b.pos[i], row(b.cos, i, c.HeadDim/2), row(b.sin, i, c.HeadDim/2))
	dequantize(row(b.x, i, c.Dim), m.embed.row(int(r.Token)), m.embed.Scale[r.Token])
}

// attention adds the attention block of layer l to the residual stream.
func (m *Model) attention(s *State, l int, rows []Row) {
	c, b, w, n := &m.c, &s.buf, &m.layers[l], len(rows)
	b.normQuantize(w.attnNorm, c, n)
	w.qkv.MatMul(b.y, b.q, b.qs, n)
	for i, r := range rows {
		m.attend(s, l, i, r.Stream)
	}
	b.quantize(b.a, c.qWidth(), c.qWidth(), n)
	w.o.MatMul(b.t, b.q, b.qs, n)
	kernel.Add(b.x[:n*c.Dim], b.t[:n*c.Dim])
}

// feedForward adds the feed-forward block of layer l to the residual stream.
func (m *Model) feedForward(b *buffers, l, n int) {
	c, w := &m.c, &m.layers[l]
	b.normQuantize(w.ffnNorm, c, n)
	w.gateUp.MatMul(b.y, b.q, b.qs, n)
	for i := range n {
		y := row(b.y, i, 2*c.FFN)
		kernel.SiluMul(y[:c.FFN], y[:c.FFN], y[c.FFN:])
	}
	b.quantize(b.y, c.FFN, 2*c.FFN, n)
	w.down.MatMul(b.t, b.q, b.qs, n)
	kernel.Add(b.x[:n*c.Dim], b.t[:n*c.Dim])
}

// normQuantize normalises the residual stream and quantises it.
func (b *buffers) normQuantize(gain []float32, c *Config, n int) {
	for i := range n {
		kernel.RMSNorm(row(b.t, i, c.Dim), row(b.x, i, c.Dim), gain, c.Eps)
	}
	b.quantize(b.t, c.Dim, c.Dim, n)
}

// quantize makes the first width numbers of n rows of x, stride apart, the
// input of a matrix.
func (b *buffers) quantize(x []float32, width, stride, n int) {
	for i := range n {
		b.qs[i] = kernel.QuantizeU8(row(b.q, i, width), x[i*stride:][:width])
	}
}
