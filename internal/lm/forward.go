package lm

import (
	"fmt"

	"kolm/internal/kernel"
)

// forward runs one batch through the model.
func (s *Session) forward(tokens []int32, hidden []float32) error {
	m, b, n := s.m, &s.buf, len(tokens)
	c := &m.Config
	b.grow(c, n)
	b.positions = b.positions[:n]
	for i, t := range tokens {
		b.positions[i] = s.pos + i
		if err := m.embed(row(b.x, i, c.Dim), row(b.y, i, c.Dim), t, s.pos+i); err != nil {
			return err
		}
	}
	for i := range b.ropes {
		b.ropes[i].fill(s.pos, n)
	}
	s.tap(Embedding, -1, b.x)
	for l := range m.Weights.Layers {
		if err := s.attention(l, n); err != nil {
			return err
		}
		if err := s.feedForward(l, n); err != nil {
			return err
		}
		s.tap(Residual, l, b.x)
	}
	for i := range n {
		if !finite(row(b.x, i, c.Dim)) {
			return fmt.Errorf("%s model: the state at position %d is not finite: the weights are damaged or too large for float32", c.Arch, s.pos+i)
		}
	}
	if hidden == nil && s.Tap == nil {
		return nil
	}
	m.Normalise(b.y, b.x, n)
	s.tap(Final, -1, b.y)
	copy(hidden, b.y[:n*c.Dim])
	return nil
}

// row is row i of x, whose rows are n long.
func row(x []float32, i, n int) []float32 { return x[i*n:][:n] }

// embed writes the input row of a token at a position; t is room for a row.
func (m *Model) embed(x, t []float32, token int32, pos int) error {
	if err := m.Weights.Embed.Row(x, int(token)); err != nil {
		return err
	}
	if k := m.Config.EmbedScale; k != 1 {
		for i := range x {
			x[i] *= k
		}
	}
	if m.Weights.Positions == nil {
		return nil
	}
	if err := m.Weights.Positions.Row(t, pos); err != nil {
		return err
	}
	kernel.Add(x, t)
	return nil
}

// tap shows the rows of the batch to the Tap.
func (s *Session) tap(p Point, layer int, rows []float32) {
	s.tapRows(Site{Point: p, Layer: layer, Expert: -1, Positions: s.buf.positions}, rows)
}

func (s *Session) tapRows(site Site, rows []float32) {
	if s.Tap == nil {
		return
	}
	site.Width = s.m.Config.width(site.Point)
	s.Tap(site, rows[:len(site.Positions)*site.Width])
}

// width is the length of the rows at a point.
func (c *Config) width(p Point) int {
	switch p {
	case Heads:
		return c.qWidth()
	case Gate, Up, Coefficients:
		return c.FFN
	}
	return c.Dim
}

// linear computes dst (n, Rows) = x (n, Cols) times the matrix, plus its bias.
func (s *Session) linear(l *Linear, dst, x []float32, n int) error {
	if err := l.MatMul(dst, x, n, s.Threads); err != nil {
		return err
	}
	if l.Bias != nil {
		for i := range n {
			kernel.Add(row(dst, i, l.Rows), l.Bias)
		}
	}
	return nil
}

// eachRow calls f for the rows 0..n, which are width numbers long, in several
// goroutines if that is worth it.
func (s *Session) eachRow(n, width int, f func(i int)) {
	part := max(1, (1<<13)/width)
	split(n, part, s.Threads, func(from, to int) error {
		for i := from; i < to; i++ {
			f(i)
		}
		return nil
	})
}

// normRows writes the norm of n rows of x to y.
func (s *Session) normRows(y, x []float32, norm *Norm, n int) {
	d := s.m.Config.Dim
	s.eachRow(n, d, func(i int) { s.m.norm(row(y, i, d), row(x, i, d), norm) })
}

// join adds what a block gave, z, to the residual stream, after its norm if it
// has one.
func (s *Session) join(p Point, layer int, post *Norm, n int) {
	b, d := &s.buf, s.m.Config.Dim
	if post.Gain != nil {
		s.normRows(b.z, b.z, post, n)
	}
	s.tap(p, layer, b.z)
	kernel.Add(b.x[:n*d], b.z[:n*d])
}
