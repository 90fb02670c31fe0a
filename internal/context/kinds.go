package context

// The kinds of context. Orders 0 and 1 have slots of their own; the others are
// hashes of something in the cursor's memory.

// Multipliers of hashes: odd numbers without pattern.
const (
	mul1 = 0x9E3779B97F4A7C15
	mul2 = 0xD6E8FEB86659FD93
)

// fillHashes computes the hash of every context of the next byte.
func (m *Model) fillHashes(c *Cursor) {
	t := c.tail
	last := t & 0xff
	over, after := m.over(c)
	h := &m.hash
	// The last bytes.
	h[0] = t & 0xffff
	h[1] = t & 0xffffff
	h[2] = t & 0xffffffff
	h[3] = t & 0xffffffffffff
	// Words: this one, and this after the one before.
	h[4] = c.word + last*mul2
	h[5] = c.word + c.word1*3 + last
	// Lines: what stood here in the line before, the field of a table, the
	// column under what the line began with.
	h[6] = over | after<<8 | last<<16
	h[7] = c.fieldHash*8 + uint64(c.field)
	h[8] = uint64(c.first)<<16 | uint64(min(c.pos-c.lineStart, 255))<<8 | over
	// Shapes: the bytes before the last, the kinds of the last eight.
	h[9] = t & 0xffff00
	h[10] = c.classes&0xffffffff<<8 | last
	// In scripts of several bytes a character, this one after the one before;
	// else this word after the one before the last.
	if c.char > 0x7f {
		h[11] = c.charHash + c.charHash1*3
	} else {
		h[11] = c.word + c.word2*3
	}
	for i := range h {
		x := (h[i] + uint64(i+1)*mul2) * mul1
		x ^= x >> 32
		h[i] = x * mul2
	}
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
