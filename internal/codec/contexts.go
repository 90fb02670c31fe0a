package codec

import (
	"math/bits"

	"kolm/internal/mix"
)

// ContextCoder codes blocks by adaptive contexts alone. It keeps its tables
// from block to block; one goroutine may use it at a time.
type ContextCoder struct {
	Fast  bool // encode with fewer contexts
	Rich  bool // encode structured text with the contexts made for it
	p     *Predictor
	enc   encoder
	dec   decoder
	meter *meter // may be nil
	_     mix.Apart
}

// NewContextCoder returns a coder without memory; its first block takes it.
func NewContextCoder() *ContextCoder { return &ContextCoder{p: NewPredictor()} }

// Encode appends the payload of src to dst.
func (c *ContextCoder) Encode(dst, src []byte) []byte {
	return c.encodeAs(dst, src, Mode{Fast: c.Fast, Rich: !c.Fast && c.Rich && structured(src)})
}

func (c *ContextCoder) encodeAs(dst, src []byte, m Mode) []byte {
	c.enc.Reset(dst)
	text := encodeLines(&c.enc, src)
	codeMode(&c.enc, m)
	c.p.Reset(len(text), m)
	var cur Cursor
	c.p.Start(&cur, 0)
	for _, b := range text {
		c.encodeByte(&cur, b)
		c.meter.add(1)
	}
	return c.enc.Flush()
}

// Decode fills dst from its payload.
func (c *ContextCoder) Decode(dst, src []byte) error {
	c.dec.Reset(src)
	return decodeLines(&c.dec, dst, func(text []byte) error {
		c.p.Reset(len(text), codeMode(&c.dec, Mode{}))
		var cur Cursor
		c.p.Start(&cur, 0)
		for i := range text {
			if i&1023 == 0 && c.dec.Overrun() > 8 {
				return checkEnd(&c.dec.Decoder)
			}
			text[i] = c.decodeByte(&cur)
			c.meter.add(1)
		}
		return nil
	})
}

// encodeByte and decodeByte are codeByte without the detours of an interface and
// of counting.
func (c *ContextCoder) encodeByte(cur *Cursor, b byte) {
	p := c.p
	p.Begin(cur)
	for node := 1; node < 256; {
		bit := int(b>>(8-bits.Len(uint(node)))) & 1
		c.enc.Encode(bit, p.P(node, nil))
		p.Update(bit)
		node = node<<1 | bit
	}
	p.End(cur, b)
}

func (c *ContextCoder) decodeByte(cur *Cursor) byte {
	p := c.p
	p.Begin(cur)
	node := 1
	for node < 256 {
		bit := c.dec.code(0, p.P(node, nil))
		p.Update(bit)
		node = node<<1 | bit
	}
	p.End(cur, byte(node))
	return byte(node)
}

// cost returns what the bytes of src behind the first skip cost, in 1/65536 nat.
func (c *ContextCoder) cost(src []byte, skip int) uint64 {
	c.p.Reset(len(src), Mode{})
	var cur Cursor
	c.p.Start(&cur, 0)
	var t tally
	for i, b := range src {
		if i == skip {
			t.spent = 0
		}
		codeByte(c.p, &t, &cur, b)
	}
	return t.spent
}

// codeByte codes the next byte of cur without a language model and returns it.
func codeByte(p *Predictor, bits bitCoder, cur *Cursor, b byte) byte {
	p.Begin(cur)
	node := 1
	for node < 256 {
		bit := bits.code(int(b)>>7, p.P(node, nil))
		p.Update(bit)
		node = node<<1 | bit
		b <<= 1
	}
	p.End(cur, byte(node))
	return byte(node)
}
