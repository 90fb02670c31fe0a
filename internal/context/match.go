package context

import (
	"math/bits"

	"kolm/internal/mix"
)

// A matcher predicts the byte that followed the last occurrence of the last
// bytes. It is common to the cursors of a block; what a cursor follows is in
// its matchState.
type matcher struct {
	last  []int32 // by hash of the last minLen bytes: the position after them, 0 for none
	shift uint
	min   int // bytes that must agree

	byLength *mix.Map // by length and recent misses: is the predicted bit right
	byByte   *mix.Map // by predicted byte and length, coarsely: the same
	at       [2]int   // entries used for the decision at hand; -1 for none
	expected int      // the bit predicted
}

// matchState is what one cursor follows.
type matchState struct {
	ptr    int32 // position predicted to be like the next; 0 for none
	length int32 // bytes before it that agree
	missed uint8 // the last eight predictions, a one for each that failed
}

const (
	longestMatch = 65535 // lengths are counted up to here
	verifyTo     = 48    // and a new match is measured up to here
)

func newMatcher(min int) *matcher {
	m := &matcher{min: min, byLength: mix.NewMap(lengthBuckets*4, 1023), byByte: mix.NewMap(256*4, 255)}
	m.resetMaps()
	return m
}

func (m *matcher) resetMaps() {
	for l := range lengthBuckets {
		for miss := range 4 {
			n := uint32(min(l, 16))
			m.byLength.Set(l*4+miss, 1<<31+(1<<31-1)/(n+4+4*uint32(miss))*(n+1), 4)
		}
	}
	for i := range 256 * 4 {
		m.byByte.Set(i, 3<<30, 0)
	}
}

func (m *matcher) reset(bits uint) {
	m.shift = 64 - bits
	if cap(m.last) < 1<<bits {
		m.last = make([]int32, 1<<bits)
	} else {
		m.last = m.last[:1<<bits]
		clear(m.last)
	}
	m.resetMaps()
}

const lengthBuckets = 32

// lengthBucket quantises a length: exactly to 15, in steps of 4 to 31, then by
// powers of two.
func lengthBucket(n int32) int {
	switch {
	case n < 16:
		return int(n)
	case n < 32:
		return 12 + int(n)/4
	}
	return 15 + bits.Len32(uint32(n)) - 1
}

// update moves a cursor's match over byte b, now hist[pos-1], and looks for a
// new one where it has none. tail holds the last eight bytes, the last lowest.
func (m *matcher) update(s *matchState, h *history, b byte, start, pos int, tail uint64) {
	if s.ptr > 0 {
		if h.b[s.ptr] == b {
			s.length = min(s.length+1, longestMatch)
			s.missed <<= 1
		} else {
			s.length = 0
			s.missed = s.missed<<1 | 1
		}
		s.ptr++
		if bits.OnesCount8(s.missed) >= 8 || !h.known(int(s.ptr)) {
			*s = matchState{}
		}
	}
	if pos-start < m.min {
		return
	}
	slot := &m.last[(tail<<(64-8*m.min))*0x9E3779B97F4A7C15>>m.shift]
	if s.length < int32(m.min) && *slot > 0 {
		if n := h.agree(int(*slot), pos, min(pos-start, verifyTo)); n >= m.min && h.known(int(*slot)) {
			*s = matchState{ptr: *slot, length: int32(n)}
		}
	}
	*slot = int32(pos)
}

// predict adds the match's opinion on the bit at node to x. Without one the
// inputs are 0.
func (m *matcher) predict(s *matchState, h *history, node uint32, x []int32) {
	x[0], x[1] = 0, 0
	m.at[0] = -1
	if s.ptr == 0 {
		return
	}
	e := uint32(h.b[s.ptr])
	depth := uint(bits.Len32(node)) - 1
	if (e|256)>>(8-depth) != node {
		return
	}
	m.expected = int(e >> (7 - depth) & 1)
	bucket := lengthBucket(s.length)
	m.at[0] = bucket*4 + min(bits.OnesCount8(s.missed), 3)
	m.at[1] = int(e)*4 + min(bucket/8, 3)
	a := mix.Stretch(m.byLength.P(m.at[0]))
	b := mix.Stretch(m.byByte.P(m.at[1]))
	if m.expected == 0 {
		a, b = -a, -b
	}
	x[0], x[1] = a, b
}

func (m *matcher) learn(bit int) {
	if m.at[0] < 0 {
		return
	}
	right := 0
	if bit == m.expected {
		right = 1
	}
	m.byLength.Update(m.at[0], right)
	m.byByte.Update(m.at[1], right)
}

// history is the plain bytes of the block as far as they are coded, the same
// for encoder and decoder. The streams of a block fill it at several places.
type history struct {
	b    []byte
	mark []byte // known and flag of each position; nil with a single stream
}

const (
	markKnown = 1 << iota
	markFlag
)

func (h *history) reset(n int, streams bool) {
	if cap(h.b) < n+1 {
		h.b = make([]byte, n+1)
	} else {
		h.b = h.b[:n+1]
		clear(h.b)
	}
	h.mark = h.mark[:0]
	if !streams {
		h.mark = nil
	} else if cap(h.mark) < n+1 {
		h.mark = make([]byte, n+1)
	} else {
		h.mark = h.mark[:n+1]
		clear(h.mark)
	}
}

// known reports whether the byte at a position may be looked at. In a single
// stream every position that a match can reach is known, but for the next one
// itself, which no match reaches.
func (h *history) known(i int) bool {
	return h.mark == nil || h.mark[i]&markKnown != 0
}

// agree returns how many bytes before p and before q agree, at most n.
func (h *history) agree(p, q, n int) int {
	n = min(n, p)
	for i := range n {
		if h.b[p-1-i] != h.b[q-1-i] {
			return i
		}
	}
	return n
}
