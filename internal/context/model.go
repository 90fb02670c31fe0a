// Package context holds the adaptive predictors of kolm: what followed in the
// same context before, for many kinds of context at once.
//
// A Model is the tables of one block, common to its streams; a Cursor is one
// stream's place. A byte is eight decisions, highest bit first. The node of a
// decision is 1 followed by the bits before it, 1 to 255. For every decision
// each context gives two inputs for a mixer: the stretch of its probability,
// and a value that grows with its certainty. The caller may leave out decisions
// whose outcome it knows and go on at a later node.
//
// The package must not know mixers' weights, the language model or the coder.
package context

import (
	"math/bits"

	"kolm/internal/mix"
)

const (
	hashed   = 15         // contexts with slots in lines
	contexts = hashed + 2 // and the two that are looked up directly
	matchers = 2

	// Inputs is the number of inputs that Predict fills.
	Inputs = 2*contexts + 2*matchers + 1
)

// Ablate switches contexts off.
var Ablate uint64

// Model is the predictors of one block.
type Model struct {
	table table
	hist  history
	match [matchers]*matcher

	stateMap *mix.Map // (contexts, 256) what followed each state

	// The decision at hand.
	c      *Cursor
	hash   [hashed]uint64
	slot   [contexts]uint32 // where the states of this nibble are
	place  [contexts]uint32 // where the state of this decision is
	state  [contexts]uint8
	nibble uint32 // node at which the nibble began, 0 for none loaded
	known  int    // hashed contexts of orders 2 to 6 that have been seen here
}

// NewModel returns a model; call Reset before use.
func NewModel() *Model {
	m := &Model{stateMap: mix.NewMap(contexts*256, 255)}
	m.match[0] = newMatcher(5)
	m.match[1] = newMatcher(8)
	return m
}

// Reset prepares for a block of n bytes, coded as several streams or as one.
// The size of the tables follows from n alone.
func (m *Model) Reset(n int, streams bool) {
	lines := uint(min(max(bits.Len(uint(n))+1, 8), 20))
	m.table.reset(lines)
	m.hist.reset(n, streams)
	for _, x := range m.match {
		x.reset(uint(min(max(bits.Len(uint(n)), 8), 20)))
	}
	m.resetStates()
}

func (m *Model) resetStates() {
	for s := range 256 {
		zeros, ones := uint64(counts[s][0]), uint64(counts[s][1])
		p := uint32((10*ones + 4) << 32 / (10*(zeros+ones) + 8))
		for i := range contexts {
			m.stateMap.Set(i*256+s, p, 0)
		}
	}
}

// Begin makes c the cursor of the decisions to come: those of its next byte.
func (m *Model) Begin(c *Cursor) {
	m.c = c
	m.nibble = 0
	m.fillHashes(c)
}

// fillHashes computes the hash of every context of the next byte.
func (m *Model) fillHashes(c *Cursor) {
	t := c.tail
	h := &m.hash
	c1 := t & 255
	h[0] = t & 0xffff
	h[1] = t & 0xffffff
	h[2] = t & 0xffffffff
	h[3] = t & 0xffffffffff
	h[4] = t & 0xffffffffffff
	h[5] = t
	h[6] = c.word + c1*mul2
	h[7] = c.word + c.word1*3 + c1
	above, above1 := m.above(c)
	col := uint64(min(c.pos-c.lineStart, 255))
	h[8] = above | above1<<8 | c1<<16
	h[9] = c.fieldHash*8 + uint64(c.field)
	h[10] = uint64(c.first)<<16 | col<<8 | above
	h[11] = t & 0xffff00
	h[12] = c.classes&0xffffffff<<8 | c1
	h[13] = c.key + c.quoted*5 + c1
	if t&0x80 != 0 || c.charLeft > 0 {
		h[14] = c.char + c.char1*3
	} else {
		h[14] = c.word + c.word2*3
	}
	for i := range h {
		x := (h[i] + uint64(i+1)*mul2) * mul1
		x ^= x >> 32
		h[i] = x * mul2
	}
}

// above returns the byte over the next one in the line before, and the one
// after it.
func (m *Model) above(c *Cursor) (a, b uint64) {
	p := c.lineBefore + c.pos - c.lineStart
	if c.lineBefore < 0 || p+1 >= c.lineStart {
		return 0, 0
	}
	return uint64(m.hist.b[p]), uint64(m.hist.b[p+1])
}

// load finds the slots of the nibble that begins at node.
func (m *Model) load(node uint32) {
	m.nibble = node
	direct := uint32(0)
	if node > 1 {
		direct = node - 15
	}
	m.slot[0] = directSlot(256, direct)
	m.slot[1] = directSlot(uint32(m.c.tail&255), direct)
	for i := range m.hash {
		h := m.hash[i]
		if node > 1 {
			h = (h + uint64(node)) * mul1
		}
		m.slot[i+2] = m.table.slot(h)
	}
	m.known = 0
	for m.known < 5 && m.table.b[m.slot[m.known+2]+1] != 0 {
		m.known++
	}
}

// Predict fills x, Inputs long, with the opinions on the decision at node.
func (m *Model) Predict(node uint32, x []int32) {
	depth := uint(bits.Len32(node)) - 1
	begin := uint32(1)
	if depth >= 4 {
		begin = node >> (depth - 4)
	}
	if begin != m.nibble {
		m.load(begin)
	}
	in := node
	if depth >= 4 {
		in = node&(1<<(depth-4)-1) | 1<<(depth-4)
	}
	x = x[:Inputs]
	for i := range contexts {
		p := m.slot[i] + in
		s := m.table.b[p]
		m.place[i], m.state[i] = p, s
		if s == 0 || Ablate>>i&1 != 0 {
			x[2*i], x[2*i+1] = 0, 0
			continue
		}
		e := m.stateMap.P(i<<8 | int(s))
		x[2*i] = mix.Stretch(e)
		x[2*i+1] = int32(e>>20) - 2048
	}
	for i, y := range m.match {
		y.predict(&m.c.match[i], &m.hist, node, x[2*contexts+2*i:])
		if Ablate>>(i+32)&1 != 0 {
			x[2*contexts+2*i], x[2*contexts+2*i+1] = 0, 0
		}
	}
	x[Inputs-1] = mix.One
}

// Update tells that the decision at the node of the last Predict was bit.
func (m *Model) Update(bit int) {
	for i := range contexts {
		s := m.state[i]
		m.stateMap.Update(i<<8|int(s), bit)
		m.table.b[m.place[i]] = nextState[s][bit]
	}
	for _, y := range m.match {
		y.learn(bit)
	}
}

// End tells that the byte at hand was b and moves the cursor past it.
func (m *Model) End(c *Cursor, b byte) {
	m.hist.b[c.pos] = b
	if m.hist.mark != nil {
		m.hist.mark[c.pos] |= markKnown
	}
	c.advance(b)
	for i, y := range m.match {
		y.update(&c.match[i], &m.hist, b, c.start, c.pos, c.tail)
	}
}

// Known returns how many of the orders 2 to 6 have been seen before, 0 to 5.
func (m *Model) Known() int { return m.known }

// Match returns the length of the match behind the last Predict, in classes 0
// (none or another byte expected) to 3.
func (m *Model) Match() int {
	for i := matchers - 1; i >= 0; i-- {
		if m.match[i].at[0] >= 0 {
			switch n := m.c.match[i].length; {
			case n < 12:
				return 1
			case n < 32:
				return 2
			}
			return 3
		}
	}
	return 0
}
