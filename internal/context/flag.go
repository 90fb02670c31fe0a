package context

import "kolm/internal/mix"

// Flags predicts a mark between bytes: whether a token of the language model
// ends after the byte just coded. It has contexts of its own, and the history
// keeps the marks, so that a match can repeat them.
type Flags struct {
	maps [flagContexts]*mix.Map
	at   [flagContexts]int
}

const (
	flagContexts = 10
	flagBits     = 16 // log2 of the situations of each context, by hash

	// FlagInputs is the number of inputs that Predict fills.
	FlagInputs = 2*flagContexts + 1
)

// NewFlags returns the predictors of marks, with nothing learned.
func NewFlags() *Flags {
	f := new(Flags)
	for i := range f.maps {
		f.maps[i] = mix.NewMap(1<<flagBits, 255)
	}
	return f
}

// Reset forgets everything learned.
func (f *Flags) Reset() {
	for _, m := range f.maps {
		m.Reset()
	}
}

// Predict fills x with the opinions on the mark after the last byte of c.
func (f *Flags) Predict(m *Model, c *Cursor, x *[FlagInputs]int32) {
	t := c.tail
	length := uint64(min(c.sinceMark, 15))
	expected, matched := m.expected(c)
	hashes := [flagContexts]uint64{
		t&0xff | length<<8,
		t&0xffff | length<<16,
		t & 0xffffff,
		c.token,
		c.word + t&0xff,
		m.matchedMark(c) | length<<8,
		c.token + (expected|matched<<8)*mul2,
		t & 0xffffffff,
		t & 0xffffffffffff,
		c.token + c.word1*3 + c.tokenBefore*5,
	}
	for i, h := range hashes {
		at := int((h + uint64(i)*mul2) * mul1 >> (64 - flagBits))
		f.at[i] = at
		e := f.maps[i].P(at)
		x[2*i] = mix.Stretch(e)
		x[2*i+1] = (int32(e>>20) - 2048) >> 1
	}
	x[FlagInputs-1] = mix.One
}

// Update tells that the mark of the last Predict was bit.
func (f *Flags) Update(bit int) {
	for i, m := range f.maps {
		m.Update(f.at[i], bit)
	}
}

// Mark tells whether a token ended after the last byte of c, coded or known.
func (m *Model) Mark(c *Cursor, ends bool) {
	if ends {
		m.hist.mark[c.pos-1] |= markToken
		c.tokenBefore, c.token, c.sinceMark = c.token, 0, 0
	}
}

// matchedMark returns the mark at the place that the match repeats and how
// long the match is, or 0 without one.
func (m *Model) matchedMark(c *Cursor) uint64 {
	s := &c.match[0]
	if s.ptr == 0 || s.length == 0 {
		return 0
	}
	mark := uint64(m.hist.mark[s.ptr-1] / markToken & 1)
	return mark + 2*uint64(lengthClass(s.length))
}
