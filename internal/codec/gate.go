package codec

import (
	"errors"
	"math/bits"
)

// errIdle means that the encoder may as well do without the model.
var errIdle = errors.New("codec: the model does not pay")

// A gate looks for blocks on which a model gains next to nothing, such as most
// tables and logs, after it has seen a little of every stream: what the parts
// cost that were coded with the model, and what they cost without. Parts are
// told apart by the latter, since what is seen of a stream is its beginning,
// where the contexts have little to go by yet and the model helps most.
type gate struct {
	alone uint64   // cost of the block without the model as one stream; all in 1/65536 nat
	cost  []uint64 // by cell: cost up to its beginning without the model
	kinds [8]experience
	left  int // streams of which too little is seen
}

// experience is what a gate knows of one kind of parts.
type experience struct {
	all           uint64 // cost of all of the block, without the model
	with, without uint64 // cost of what was seen
}

const (
	partBytes = 1 << 10 // length of a part
	cellBytes = 64      // precision of their bounds
	seenBytes = 2 << 10 // of each stream, before the gate decides
	// leastGain is what the model must save, in 1/256 of the block without it: at
	// a tenth of the speed it should.
	leastGain = 16
)

// newGate measures text without the model, in the order in which its streams
// will be coded, with p; alone is what the whole takes in bytes. It returns nil if the model is
// to be used anyway: for small blocks, and if alone is 0 or more than a bit a
// byte.
func newGate(p *Predictor, text []byte, rich bool, alone int) *gate {
	if alone == 0 || alone > len(text)/8 || len(text) < 4*seenBytes {
		return nil
	}
	n := streamCount(len(text))
	g := &gate{alone: uint64(alone) * 8 * ln2, cost: make([]uint64, len(text)/cellBytes+2), left: n}
	p.Reset(len(text), Mode{LM: true, Rich: rich})
	p.Use(false)
	cursors := make([]Cursor, n)
	for at := 0; at <= len(text)/n; at += partBytes {
		for i := range cursors {
			from, to := cut(len(text), n, i)
			if at == 0 {
				p.Start(&cursors[i], from)
			}
			g.measure(p, &cursors[i], text[:min(to, from+at+partBytes)], from+at)
		}
	}
	for i := 1; i < len(g.cost); i++ {
		g.cost[i] += g.cost[i-1]
	}
	for i := 0; i+partBytes <= len(text); i += partBytes {
		cost := g.cost[(i+partBytes)/cellBytes] - g.cost[i/cellBytes]
		g.kind(cost, partBytes).all += cost
	}
	return g
}

// measure adds the costs of the bytes of text behind a position to their cells.
func (g *gate) measure(p *Predictor, cur *Cursor, text []byte, from int) {
	var t tally
	for i := from; i < len(text); i++ {
		t.spent = 0
		codeByte(p, &t, cur, text[i])
		g.cost[i/cellBytes+1] += t.spent
	}
}

// kind is the experience with parts of n bytes that cost as much as this one.
func (g *gate) kind(cost uint64, n int) *experience {
	eighths := 8 * cost / (ln2 * uint64(n)) // of a bit a byte
	return &g.kinds[min(bits.Len64(eighths), len(g.kinds)-1)]
}

// note tells what was spent on the last token of s.
func (g *gate) note(s *stream, spent uint64) {
	s.spent += spent
	n := s.done - s.begun
	if n < partBytes || s.begun >= seenBytes {
		return
	}
	without := g.cost[(s.from+s.done)/cellBytes] - g.cost[(s.from+s.begun)/cellBytes]
	e := g.kind(without, n)
	e.with += s.spent
	e.without += without
	if s.begun, s.spent = s.done, 0; s.begun >= seenBytes {
		g.left--
	}
}

// idle says, when enough is seen, whether the model does not pay: whether all
// parts, with it, should take nearly as much as the block without.
func (g *gate) idle() bool {
	if g.left != 0 {
		return false
	}
	g.left = -1 // once
	var with, without, sum uint64
	for _, e := range g.kinds {
		with, without = with+e.with, without+e.without
	}
	for _, e := range g.kinds {
		if e.without == 0 {
			e.with, e.without = with, without
		}
		sum += e.all * (256 * e.with / e.without) / 256
	}
	return sum > g.alone/256*(256-leastGain)
}
