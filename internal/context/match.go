package context

import (
	"math/bits"

	"kolm/internal/mix"
)

// A matcher predicts the byte that followed the last occurrence of the last
// bytes, as many as its least length. It is common to the cursors of a block;
// what a cursor follows is in its matchState.
type matcher struct {
	least int
	last  []int32 // by hash of the last bytes: the position after them, 0 for none
	shift uint

	byLength *mix.Map // by length and recent misses: is the predicted bit right
	byByte   *mix.Map // by predicted byte and length, coarsely: the same

	// The decision at hand.
	entry     int // in byLength; -1 without a prediction
	entryByte int // in byByte
	expected  int // the bit predicted
	_         mix.Apart
}

// matchState is what one cursor follows. After a miss it goes on behind the
// differing byte, as in a line of a log where one field is another, until it
// finds a better place or has missed too often.
type matchState struct {
	ptr    int32 // position predicted to be like the next; 0 for none
	length int32 // bytes before it that agree
	missed uint8 // the last eight predictions, a one for each that failed
}

const (
	verifyTo     = 48    // a new match is measured up to here
	longestMatch = 65535 // and counted up to here as it goes on

	matchers      = 2
	matcherInputs = 2
)

// leastMatch is how many bytes must agree for each of the matchers: the second
// rather follows the same record as before, where the first jumps to the last one
// that is a little like this.
var leastMatch = [matchers]int{6, 16}

func newMatcher(least int) *matcher {
	return &matcher{least: least, byLength: mix.NewMap(lengths*4, 1023), byByte: mix.NewMap(256*4, 255)}
}

// reset empties the matcher, with 2^size places to remember.
func (m *matcher) reset(size uint) {
	m.shift = 64 - size
	if cap(m.last) < 1<<size {
		m.last = make([]int32, 1<<size)
	} else {
		m.last = m.last[:1<<size]
		clear(m.last)
	}
	for length := range lengths {
		for misses := range 4 {
			n := uint32(min(length, 16)) + 1
			right := 1<<31 + (1<<31-1)/(n+3+4*uint32(misses))*n
			m.byLength.Set(length*4+misses, right, 4)
		}
	}
	for i := range 256 * 4 {
		m.byByte.Set(i, 3<<30, 0)
	}
}

const lengths = 31

// lengthClass quantises a length: exactly to 15, in steps of 4 to 31, then by
// powers of two.
func lengthClass(n int32) int {
	switch {
	case n < 16:
		return int(n)
	case n < 32:
		return 12 + int(n)/4
	}
	return 14 + bits.Len32(uint32(n))
}

// update moves a cursor's match over byte b, which the cursor has just passed,
// and looks for a new one where there is none long enough.
func (m *matcher) update(s *matchState, h *history, c *Cursor, b byte) {
	if s.ptr > 0 {
		if h.b[s.ptr] == b {
			s.length = min(s.length+1, longestMatch)
			s.missed <<= 1
		} else {
			s.length = 0
			s.missed = s.missed<<1 | 1
		}
		s.ptr++
		if s.missed == 0xff || !h.known(int(s.ptr)) {
			*s = matchState{}
		}
	}
	if c.pos-c.start < m.least {
		return
	}
	last := &m.last[m.hash(c)>>m.shift]
	if int(s.length) < m.least {
		m.find(s, h, c, int(*last))
	}
	*last = int32(c.pos)
}

// find begins a match at position p, 0 for none, if enough bytes before it agree.
func (m *matcher) find(s *matchState, h *history, c *Cursor, p int) {
	if p == 0 || !h.known(p) {
		return
	}
	if n := h.agree(p, c.pos, min(c.pos-c.start, verifyTo)); n >= m.least {
		*s = matchState{ptr: int32(p), length: int32(n)}
	}
}

// hash returns a hash of as many of the last bytes as must agree.
func (m *matcher) hash(c *Cursor) uint64 {
	if m.least <= 8 {
		return c.tail << (64 - 8*m.least) * mul1
	}
	return (c.tail*mul1 + c.tail8<<(128-8*m.least)) * mul2
}

// predict fills x with the match's opinion on the bit at node, which depth bits
// lead to. Without one the inputs are 0.
func (m *matcher) predict(s *matchState, h *history, node uint32, depth uint, x *[matcherInputs]int32) {
	*x = [matcherInputs]int32{}
	m.entry = -1
	if s.ptr == 0 {
		return
	}
	e := uint32(h.b[s.ptr])
	if (e|256)>>(8-depth) != node {
		return
	}
	m.expected = int(e >> (7 - depth) & 1)
	class := lengthClass(s.length)
	m.entry = class*4 + min(bits.OnesCount8(s.missed), 3)
	m.entryByte = int(e)*4 + min(class/8, 3)
	x[0] = mix.Stretch(m.byLength.P(m.entry))
	x[1] = mix.Stretch(m.byByte.P(m.entryByte))
	if m.expected == 0 {
		x[0], x[1] = -x[0], -x[1]
	}
}

// learn tells that the decision of the last predict was bit.
func (m *matcher) learn(bit int) {
	if m.entry < 0 {
		return
	}
	right := 0
	if bit == m.expected {
		right = 1
	}
	m.byLength.Update(m.entry, right)
	m.byByte.Update(m.entryByte, right)
}
