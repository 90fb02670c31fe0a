package context

import "kolm/internal/mix"

// Flags predicts a mark between bytes: whether a token of the language model
// ends after the byte just coded. It has contexts of its own, and the history
// remembers each mark so that a match can repeat it.
type Flags struct {
	maps [flagContexts]*mix.Map
	at   [flagContexts]int
}

const (
	flagContexts = 6
	flagBits     = 14

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
		for i := range 1 << flagBits {
			m.Set(i, 1<<31, 0)
		}
	}
}

// Predict fills x, FlagInputs long, with the opinions on the mark after the
// last byte of c.
func (f *Flags) Predict(m *Model, c *Cursor, x []int32) {
	t := c.tail
	length := uint64(min(c.sinceFlag, 15))
	hashes := [flagContexts]uint64{
		t&0xff | length<<8,
		t&0xffff | length<<16,
		t&0xffffff | 1<<32,
		c.token,
		c.word + uint64(c.wordLen) + t&0xff,
		uint64(m.matchedFlag(c)) | length<<8,
	}
	for i, h := range hashes {
		at := int((h + uint64(i)*mul2) * mul1 >> (64 - flagBits))
		f.at[i] = at
		e := f.maps[i].P(at)
		x[2*i] = mix.Stretch(e)
		x[2*i+1] = 0
		if e&1023 > 2 {
			x[2*i+1] = int32(e>>20) - 2048
		}
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
		m.hist.mark[c.pos-1] |= markFlag
		c.sinceFlag, c.token = 0, 0
	}
}

// matchedFlag returns the mark at the place that the longest match repeats, 0
// or 1, plus twice the certainty of the match, or 0 without a match.
func (m *Model) matchedFlag(c *Cursor) int {
	for i := matchers - 1; i >= 0; i-- {
		s := &c.match[i]
		if s.ptr == 0 || s.length == 0 {
			continue
		}
		flag := int(m.hist.mark[s.ptr-1] / markFlag & 1)
		return flag + 2*(1+lengthBucket(s.length))
	}
	return 0
}
