package codec

// ContextCoder codes blocks by adaptive contexts alone. It keeps its tables
// from block to block; one goroutine may use it at a time.
type ContextCoder struct {
	p     *Predictor
	enc   encoder
	dec   decoder
	meter *meter // may be nil
}

// NewContextCoder returns a coder without memory; its first block takes it.
func NewContextCoder() *ContextCoder { return &ContextCoder{p: NewPredictor()} }

// Encode appends the payload of src to dst.
func (c *ContextCoder) Encode(dst, src []byte) []byte {
	c.enc.Reset(dst)
	text := encodeLines(&c.enc, src)
	c.p.Reset(len(text), false)
	var cur Cursor
	c.p.Start(&cur, 0)
	for _, b := range text {
		c.code(&c.enc, &cur, b)
	}
	return c.enc.Flush()
}

// Decode fills dst from its payload.
func (c *ContextCoder) Decode(dst, src []byte) error {
	c.dec.Reset(src)
	return decodeLines(&c.dec, dst, func(text []byte) error {
		c.p.Reset(len(text), false)
		var cur Cursor
		c.p.Start(&cur, 0)
		for i := range text {
			text[i] = c.code(&c.dec, &cur, 0)
		}
		return nil
	})
}

// code codes the next byte and returns it.
func (c *ContextCoder) code(bits bitCoder, cur *Cursor, b byte) byte {
	c.p.Begin(cur)
	node := 1
	for node < 256 {
		bit := bits.code(int(b)>>7, c.p.P(node, nil))
		c.p.Update(bit)
		node = node<<1 | bit
		b <<= 1
	}
	c.p.End(cur, byte(node))
	c.meter.add(1)
	return byte(node)
}
