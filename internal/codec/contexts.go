package codec

// ContextCoder codes blocks by adaptive contexts alone. It keeps its tables
// from block to block; one goroutine may use it at a time.
type ContextCoder struct {
	Rich  bool // encode structured text with the contexts made for it
	p     *Predictor
	enc   encoder
	dec   decoder
	meter *meter // may be nil
}

// NewContextCoder returns a coder without memory; its first block takes it.
func NewContextCoder() *ContextCoder { return &ContextCoder{p: NewPredictor()} }

// Encode appends the payload of src to dst.
func (c *ContextCoder) Encode(dst, src []byte) []byte {
	return c.encodeAs(dst, src, c.Rich && structured(src))
}

func (c *ContextCoder) encodeAs(dst, src []byte, rich bool) []byte {
	c.enc.Reset(dst)
	text := encodeLines(&c.enc, src)
	codeRich(&c.enc, rich)
	c.p.Reset(len(text), Mode{Rich: rich})
	var cur Cursor
	c.p.Start(&cur, 0)
	for _, b := range text {
		codeByte(c.p, &c.enc, &cur, b)
		c.meter.add(1)
	}
	return c.enc.Flush()
}

// Decode fills dst from its payload.
func (c *ContextCoder) Decode(dst, src []byte) error {
	c.dec.Reset(src)
	return decodeLines(&c.dec, dst, func(text []byte) error {
		c.p.Reset(len(text), Mode{Rich: codeRich(&c.dec, false)})
		var cur Cursor
		c.p.Start(&cur, 0)
		for i := range text {
			text[i] = codeByte(c.p, &c.dec, &cur, 0)
			c.meter.add(1)
		}
		return nil
	})
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
