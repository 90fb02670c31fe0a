package context

// Set is a choice of contexts and matches.
type Set int

const (
	Fast  Set = iota // the few that pay most
	Plain            // for any data
	Rich             // also those of structured text
	sets
)

// shape is what a Set consists of: orders 0 and 1, so many other kinds of context,
// and matches.
type shape struct{ kinds, matches int }

// Orders 0 and 1 have slots of their own; the other kinds of context are hashes
// of something in the cursor's memory.
const (
	fastKinds  = 8
	plainKinds = 12
	richKinds  = 20
)

var shapes = [sets]shape{
	Fast:  {fastKinds, 1},
	Plain: {plainKinds, matchers},
	Rich:  {richKinds, matchers},
}

// Inputs returns the number of inputs that Predict fills.
func (s Set) Inputs() int {
	h := &shapes[s]
	n := 2*(direct+h.kinds) + h.matches*matcherInputs
	if s == Rich {
		n += frequencyInputs
	}
	return n
}

// Multipliers of hashes: odd numbers without pattern.
const (
	mul1 = 0x9E3779B97F4A7C15
	mul2 = 0xD6E8FEB86659FD93
)

// fillHashes computes the hash of every context of the next byte.
func (m *Model) fillHashes(c *Cursor) {
	t := c.tail
	last := t & 0xff
	h := &m.hash
	// The last bytes.
	h[0] = t & 0xffff
	h[1] = t & 0xffffff
	h[2] = t & 0xffffffff
	h[3] = t & 0xffffffffffff
	// Words: this one, and this after the one before.
	h[4] = c.word + last*mul2
	h[5] = c.word + c.word1*3 + last
	// Lines: the column under what the line began with.
	over, after := m.over(c)
	h[6] = uint64(c.first)<<16 | uint64(min(c.pos-c.lineStart, 255))<<8 | over
	// In scripts of several bytes a character, this one after the one before;
	// else this word after the one before the last.
	if c.char > 0x7f {
		h[7] = c.charHash + c.charHash1*3
	} else {
		h[7] = c.word + c.word2*3
	}
	if m.kinds > fastKinds {
		// What stood here in the line before.
		h[8] = over | after<<8 | last<<16
		m.fillPlain(c)
	}
	if m.kinds == richKinds {
		m.fillRich(c)
	}
	// A token of the language model that has just ended leaves out the bytes
	// that would have gone on with it.
	ended := uint64(0)
	if m.hist.mark != nil && c.sinceMark == 0 {
		ended = mul2
	}
	for i, x := range h[:m.kinds] {
		x = (x + uint64(i+1)*mul2 + ended) * mul1
		x ^= x >> 32
		h[i] = x * mul2
	}
}

// fillPlain computes more contexts than the fast set has.
func (m *Model) fillPlain(c *Cursor) {
	t := c.tail
	last := t & 0xff
	h := &m.hash
	// Shapes: the bytes before the last, the kinds of the last eight.
	h[9] = t & 0xffff00
	h[10] = c.classes&0xffffffff<<8 | last
	// What followed the last three bytes before.
	h[11] = uint64(*m.followed(t))<<8 | last
}

// fillRich computes the contexts that structured text has beyond others.
func (m *Model) fillRich(c *Cursor) {
	t, s := c.tail, &c.structure
	last, field := t&0xff, uint64(s.field)
	h := &m.hash
	// Fields of a table: this one as far as it goes, the same with the first of
	// the line, and what stood here in the same field of the line before.
	h[12] = s.fieldHash*8 + field
	h[13] = s.fieldHash*3 + s.firstField + field
	over, after := m.overField(c)
	h[14] = over | after<<8 | last<<32 | field<<16
	// Values: under the last key and the one around it, under the last key at
	// this depth of indentation.
	key := s.key()
	h[15] = key + s.keyAround()*3 + s.fieldHash*5 + last
	h[16] = key + uint64(s.indent)<<8 + last
	// What the match expects, and how long it is.
	expected, length := m.expected(c)
	h[17] = expected | length<<8 | last<<16
	// Shapes: the kinds of the last sixteen bytes, the two bytes before the last
	// two.
	h[18] = c.classes
	h[19] = t & 0xffff0000
}

// over returns the byte over the next one in the line before, and the byte
// after it; 0 where that line is shorter.
func (m *Model) over(c *Cursor) (over, after uint64) {
	p := c.lineBefore + c.pos - c.lineStart
	if c.lineBefore < 0 || p+1 >= c.lineStart {
		return 0, 0
	}
	return uint64(m.hist.b[p]), uint64(m.hist.b[p+1])
}

// overField is over with the field that the next byte is in put under the same
// field of the line before.
func (m *Model) overField(c *Cursor) (over, after uint64) {
	p := c.structure.over(c.pos)
	if p < 0 || p >= c.lineStart {
		return 0, 0
	}
	return uint64(m.hist.b[p]), uint64(m.hist.b[p+1])
}

// expected returns the byte that the match expects and one more than the class
// of its length, or 0 without one.
func (m *Model) expected(c *Cursor) (b, length uint64) {
	s := &c.match[0]
	if s.ptr == 0 {
		return 0, 0
	}
	return uint64(m.hist.b[s.ptr]), uint64(lengthClass(s.length)) + 1
}

// followBits is log2 of the places that followed has.
const followBits = 16

// followed returns where the two bytes are kept that followed the last three
// bytes of tail before, the last one lowest.
func (m *Model) followed(tail uint64) *uint16 {
	return &m.follow[(tail&0xffffff)*mul1>>(64-followBits)]
}
