// Package context holds the adaptive predictors of kolm: what followed in the
// same context before, for many kinds of context at once.
//
// A Model is the tables of one block, common to its streams; a Cursor is one
// stream's place. A byte is eight decisions, highest bit first. The node of a
// decision is 1 followed by the bits before it, 1 to 255. For every decision
// each context gives two inputs for a mixer: the stretch of its probability,
// and the probability itself, which weighs certainty less. The caller may leave
// out decisions whose outcome it knows and go on at a later node.
//
// All arithmetic is on integers and every size follows from the length of the
// block, so that encoder and decoder agree on every machine. The package must
// not know mixers' weights, the language model or the coder.
package context

import (
	"math/bits"

	"kolm/internal/mix"
)

const (
	hashed   = 12         // contexts with slots in lines
	contexts = hashed + 2 // and orders 0 and 1, which have slots of their own

	// Inputs is the number of inputs that Predict fills.
	Inputs = 2*contexts + matchInputs

	// Orders is the number of values of Known.
	Orders = 5
)

// The probability of each state in each context adapts as an entry of mix.Map
// does, with this limit.
const entryLimit = 1023

// Model is the predictors of one block.
type Model struct {
	table table
	hist  history
	match matcher
	entry [entries]uint32 // (contexts, 256) what followed each state

	// The byte at hand.
	c     *Cursor
	hash  [hashed]uint64
	line  [hashed]uint32   // the lines of the nibble that is next or at hand
	lines uint32           // what chose them, see findLines
	slot  [contexts]uint32 // where the states of this nibble are
	begun uint32           // node at which this nibble begins, 0 before the first
	known int

	// The decision at hand.
	place [contexts]uint32 // where its state is
	at    [contexts]uint16 // and the entry of that state
}

// entries is (contexts, 256), rounded up to a power of two so that an index
// can be masked.
const entries = 16 << 8

// NewModel returns a model; call Reset before use.
func NewModel() *Model { return &Model{match: *newMatcher()} }

// Reset prepares for a block of n bytes, coded as several streams or as one.
func (m *Model) Reset(n int, streams bool) {
	size := uint(bits.Len(uint(n)))
	m.table.reset(min(max(size+1, 8), 20))
	m.hist.reset(n, streams)
	m.match.reset(min(max(size, 8), 20))
	m.entry = startEntries
	m.c = nil
}

// Begin makes c the cursor of the decisions to come: those of its next byte.
func (m *Model) Begin(c *Cursor) {
	m.c = c
	m.begun = 0
	m.fillHashes(c)
	m.findLines(1)
}

// findLines finds the lines of a nibble and asks for them ahead of their use.
// Those of the second nibble follow from the first three bits of the byte,
// key = 8 to 15, and can be on their way while the fourth is coded; its value
// is left to the check bytes. Those of the first have key = 1. Both are in the
// same page.
func (m *Model) findLines(key uint32) {
	m.lines = key
	for i, h := range &m.hash {
		line := m.table.line(h)
		if key > 1 {
			line ^= uint32((h>>24+uint64(key))*mul1>>58) * lineSize
		}
		m.line[i] = line
	}
	prefetch(&m.table.b[0], &m.line[0], hashed)
}

// load finds the slots of the nibble that begins at node, 1 or 16 to 31.
func (m *Model) load(node uint32) {
	m.begun = node
	direct := uint32(0)
	if node > 1 {
		direct = node - 15
	}
	m.slot[0] = m.table.directSlot(256, direct)
	m.slot[1] = m.table.directSlot(uint32(m.c.tail&255), direct)
	if key := max(node>>1, 1); m.lines != key {
		m.findLines(key)
	}
	for i, h := range &m.hash {
		m.slot[i+2] = m.table.slot(m.line[i], byte(h>>24+uint64(node)*167))
	}
	m.known = 0
	for _, s := range m.slot[2 : 2+Orders-1] {
		if m.table.b[s+1] != 0 {
			m.known++
		}
	}
}

// Predict fills x with the opinions on the decision at node.
func (m *Model) Predict(node uint32, x *[Inputs]int32) {
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
	for i := range contexts {
		p := m.slot[i] + in
		at := uint16(i<<8) | uint16(b[p])
		m.place[i], m.at[i] = p, at
		e := m.entry[at%entries] >> 20
		x[2*i] = mix.Stretch12(e)
		x[2*i+1] = (int32(e) - 2048) >> 1
	}
	m.match.predict(&m.c.match, &m.hist, node, depth, (*[matchInputs]int32)(x[2*contexts:]))
}

// Update tells that the decision at the node of the last Predict was bit.
func (m *Model) Update(bit int) {
	b := m.table.b
	next := &nextState[bit&1]
	one := uint32(bit)
	for i := range contexts {
		at := m.at[i] % entries
		m.entry[at] = mix.Adapt(m.entry[at], one, entryLimit)
		b[m.place[i]] = next[uint8(at)]
	}
	m.match.learn(bit)
}

// End tells that the byte at hand was b and moves the cursor past it.
func (m *Model) End(c *Cursor, b byte) {
	m.hist.put(c.pos, b)
	c.advance(b)
	m.match.update(&c.match, &m.hist, c, b)
}

// Known returns how many of the orders 2, 3, 4 and 6 have been seen before in
// this nibble.
func (m *Model) Known() int { return m.known }

// Matches is the number of values of Match.
const Matches = 4

// Match returns how long the match behind the last Predict is, in four
// classes; 0 is none, or one that expects another byte.
func (m *Model) Match() int {
	if m.match.entry < 0 {
		return 0
	}
	switch n := m.c.match.length; {
	case n < 12:
		return 1
	case n < 32:
		return 2
	}
	return 3
}
