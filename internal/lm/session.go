package lm

import (
	"fmt"
	"math"
	"runtime"

	"kolm/internal/kernel"
)

// Session is one text on its way through a model, with the keys and values of
// its tokens so far. It serves one goroutine at a time.
type Session struct {
	Threads int // goroutines that share the work; the result does not depend on them
	Batch   int // tokens that go through a layer together; the result does not depend on it
	Tap     Tap // called at every Point, if set

	m            *Model
	capacity     int // most positions
	room         int // positions that keys and values have memory for, whole blocks
	pos          int // of the next token
	keys, values [][]float32
	buf          buffers
}

// DefaultBatch is the Batch of a new Session.
const DefaultBatch = 512

// NewSession returns a session for texts of up to capacity tokens. It uses the
// memory for their keys and values at once, and all processors.
func (m *Model) NewSession(capacity int) (*Session, error) { return m.NewSessionIn(capacity, capacity) }

// NewSessionIn returns a session for texts of up to capacity tokens that computes
// what one for a whole context does: some models rotate otherwise where the context
// is long. The context takes no memory.
func (m *Model) NewSessionIn(context, capacity int) (*Session, error) {
	if context < 1 || context > 1<<28 {
		return nil, fmt.Errorf("a context of %d tokens, want 1 to %d", context, 1<<28)
	}
	if capacity < 1 || capacity > context {
		return nil, fmt.Errorf("texts of %d tokens in a context of %d", capacity, context)
	}
	if p := m.Weights.Positions; p != nil && context > p.Rows {
		return nil, fmt.Errorf("a context of %d tokens, but the model has %d positions", context, p.Rows)
	}
	s := &Session{Threads: runtime.GOMAXPROCS(0), Batch: DefaultBatch, m: m, capacity: capacity}
	s.room = (capacity + block - 1) &^ (block - 1)
	s.buf.ropes = m.ropes(context)
	c := &m.Config
	for range c.Layers {
		s.keys = append(s.keys, make([]float32, c.KVHeads*s.room*c.HeadDim))
		s.values = append(s.values, make([]float32, c.KVHeads*s.room*padded(c.HeadDim)))
	}
	return s, nil
}

// padded is n rounded up to whole panels.
func padded(n int) int { return (n + kernel.Panel - 1) &^ (kernel.Panel - 1) }

// Position is the number of tokens fed so far.
func (s *Session) Position() int { return s.pos }

// Truncate forgets all tokens but the first n.
func (s *Session) Truncate(n int) {
	if n < 0 || n > s.pos {
		panic(fmt.Sprintf("lm: Truncate to %d of %d tokens", n, s.pos))
	}
	s.pos = n
}

// Feed runs the next tokens through the model and writes the output of the final
// norm for each, the input of Logits, to hidden (len(tokens), Dim) unless that is
// nil. How a text is divided into calls changes no bit. It is an error if the
// text gets longer than the capacity, if a token is not in the vocabulary, if a
// weight cannot be read, and if a result is not a finite number; after the last
// two the session must not be used again.
func (s *Session) Feed(tokens []int32, hidden []float32) error {
	c := &s.m.Config
	if len(tokens) > s.capacity-s.pos {
		return fmt.Errorf("%d tokens after %d: the session has room for %d", len(tokens), s.pos, s.capacity)
	}
	for i, t := range tokens {
		if t < 0 || int(t) >= c.Vocab {
			return fmt.Errorf("token %d at position %d is not in the vocabulary of %d", t, s.pos+i, c.Vocab)
		}
	}
	for len(tokens) > 0 {
		n := min(len(tokens), max(1, s.Batch))
		var h []float32
		if hidden != nil {
			h, hidden = hidden[:n*c.Dim], hidden[n*c.Dim:]
		}
		if err := s.forward(tokens[:n], h); err != nil {
			return err
		}
		s.pos += n
		tokens = tokens[n:]
	}
	return nil
}

// buffers holds the rows of a batch.
type buffers struct {
	n         int // rows there is room for
	positions []int
	x, y, z   []float32 // (n, Dim)
	q, k, v   []float32 // (n, all heads)
	heads     []float32 // (n, all query heads)
	gate, up  []float32 // (n, FFN)
	ropes     []ropeRows
	experts   routing
}

func (b *buffers) grow(c *Config, n int) {
	if n <= b.n {
		return
	}
	b.n = n
	b.positions = make([]int, n)
	for _, p := range []struct {
		to    *[]float32
		width int
	}{
		{&b.x, c.Dim}, {&b.y, c.Dim}, {&b.z, c.Dim},
		{&b.q, c.qWidth()}, {&b.k, c.kvWidth()}, {&b.v, c.kvWidth()}, {&b.heads, c.qWidth()},
		{&b.gate, c.FFN}, {&b.up, c.FFN},
	} {
		*p.to = make([]float32, n*p.width)
	}
	for i := range b.ropes {
		b.ropes[i].grow(n)
	}
}

// finite reports whether all numbers are finite.
func finite(x []float32) bool {
	for _, v := range x {
		if math.Float32bits(v)&(0xff<<23) == 0xff<<23 {
			return false
		}
	}
	return true
}
