package context

import (
	"math/bits"

	"kolm/internal/mix"
)

const (
	direct = 2 // orders 0 and 1, which have slots of their own; the others are in lines

	// Contexts is the number of contexts with the further ones.
	Contexts = direct + richKinds

	// Orders is the number of values of Known.
	Orders = 5
)

// The probability of each state in each context adapts as an entry of mix.Map
// does, with this limit.
const entryLimit = 1023

// Model is the predictors of one block.
type Model struct {
	shape
	table  table
	hist   history
	match  [matchers]*matcher
	follow [1 << followBits]uint16
	freq   frequencies
	start  *[entries]uint32 // what entry begins with
	entry  [entries]uint32  // (contexts, 256) what followed each state

	// The byte at hand.
	c     *Cursor
	hash  [richKinds]uint64
	line  [richKinds]uint32 // the lines of the nibble that is next or at hand
	lines uint32            // what chose them, see findLines
	slot  [Contexts]uint32  // where the states of this nibble are
	begun uint32            // node at which this nibble begins, 0 before the first
	known int

	// The decision at hand.
	place [Contexts]uint32 // where its state is
	at    [Contexts]uint16 // and the entry of that state
}

// entries is (contexts, 256), rounded up to a power of two so that an index
// can be masked.
const entries = 32 << 8

// NewModel returns a model; call Reset before use.
func NewModel() *Model {
	m := &Model{start: &startEntries}
	for i, least := range leastMatch {
		m.match[i] = newMatcher(least)
	}
	return m
}

// Reset prepares for a block of n bytes, coded as several streams or as one,
// with a set of contexts.
func (m *Model) Reset(n int, streams bool, set Set) {
	m.shape = shapes[set]
	size := uint(bits.Len(uint(n)))
	m.table.reset(min(max(size+1, 8), 20))
	m.hist.reset(n, streams)
	for _, k := range m.match[:m.matches] {
		k.reset(min(max(size, 8), 20))
	}
	clear(m.follow[:])
	if m.kinds == richKinds {
		m.freq.reset(int(size))
	}
	m.entry = *m.start
	m.c = nil
}

// Begin makes c the cursor of the decisions to come: those of its next byte.
func (m *Model) Begin(c *Cursor) {
	m.c = c
	m.begun = 0
	m.fillHashes(c)
	m.findLines(1)
	if m.kinds == richKinds {
		m.freq.begin(c)
	}
}

// findLines finds the lines of a nibble and asks for them ahead of their use.
// Those of the second nibble follow from the first three bits of the byte,
// key = 8 to 15, and can be on their way while the fourth is coded; its value
// is left to the check bytes. Those of the first have key = 1. Both are in the
// same page.
func (m *Model) findLines(key uint32) {
	m.lines = key
	for i, h := range m.hash[:m.kinds] {
		line := m.table.line(h)
		if key > 1 {
			line ^= uint32((h>>24+uint64(key))*mul1>>58) * lineSize
		}
		m.line[i] = line
	}
	prefetch(&m.table.b[0], &m.line[0], m.kinds)
}

// load finds the slots of the nibble that begins at node, 1 or 16 to 31.
func (m *Model) load(node uint32) {
	m.begun = node
	nibble := uint32(0)
	if node > 1 {
		nibble = node - 15
	}
	m.slot[0] = m.table.directSlot(256, nibble)
	m.slot[1] = m.table.directSlot(uint32(m.c.tail&255), nibble)
	if key := max(node>>1, 1); m.lines != key {
		m.findLines(key)
	}
	for i, h := range m.hash[:m.kinds] {
		m.slot[direct+i] = m.table.slot(m.line[i], byte(h>>24+uint64(node)*167))
	}
	m.known = 0
	for _, s := range m.slot[direct : direct+Orders-1] {
		if m.table.b[s+1] != 0 {
			m.known++
		}
	}
}

// Predict fills x, as many as the set has Inputs, with the opinions on the
// decision at node.
func (m *Model) Predict(node uint32, x []int32) {
	depth := uint(bits.Len32(node)) - 1
	begin, in := uint32(1), node
	if depth >= 4 {
		begin = node >> (depth - 4)
		in = node&(1<<(depth-4)-1) | 1<<(depth-4)
	}
	if begin != m.begun {
		m.load(begin)
	}
	if depth == 3 {
		m.findLines(node)
	}
	b := m.table.b
	n := direct + m.kinds
	slot, place, at := m.slot[:n], m.place[:n], m.at[:n]
	for i, s := range slot {
		p := s + in
		a := uint16(i<<8) | uint16(b[p])
		place[i], at[i] = p, a
		e := m.entry[a%entries] >> 20
		pair := x[2*i : 2*i+2 : 2*i+2]
		pair[0] = mix.Stretch12(e)
		pair[1] = (int32(e) - 2048) >> 1
	}
	x = x[2*n:]
	for i, k := range m.match[:m.matches] {
		k.predict(&m.c.match[i], &m.hist, node, depth, (*[matcherInputs]int32)(x[matcherInputs*i:]))
	}
	if m.kinds == richKinds {
		m.freq.predict(node, (*[frequencyInputs]int32)(x[matcherInputs*m.matches:]))
	}
}

// Update tells that the decision at the node of the last Predict was bit.
func (m *Model) Update(bit int) {
	b := m.table.b
	next := &nextState[bit&1]
	one := uint32(bit)
	n := direct + m.kinds
	place := m.place[:n]
	for i, a := range m.at[:n] {
		e := &m.entry[a%entries]
		*e = mix.Adapt(*e, one, entryLimit)
		b[place[i]] = next[uint8(a)]
	}
	for _, k := range m.match[:m.matches] {
		k.learn(bit)
	}
	if m.kinds == richKinds {
		m.freq.learn(bit)
	}
}

// End tells that the byte at hand was b and moves the cursor past it.
func (m *Model) End(c *Cursor, b byte) {
	m.hist.put(c.pos, b)
	if m.kinds > fastKinds {
		f := m.followed(c.tail)
		*f = *f<<8 | uint16(b)
	}
	lineStart := c.lineStart
	c.advance(b)
	if m.kinds == richKinds {
		c.structure.advance(b, c.word1, c.pos, lineStart)
	}
	for i, k := range m.match[:m.matches] {
		k.update(&c.match[i], &m.hist, c, b)
	}
}

// Known returns how many of the orders 2, 3, 4 and 6 have been seen before in
// this nibble.
func (m *Model) Known() int { return m.known }

// Matches is the number of values of Match.
const Matches = 4

// Match returns how long the first match behind the last Predict is, in four
// classes; 0 is none, or one that expects another byte.
func (m *Model) Match() int {
	if m.match[0].entry < 0 {
		return 0
	}
	switch n := m.c.match[0].length; {
	case n < 12:
		return 1
	case n < 32:
		return 2
	}
	return 3
}
