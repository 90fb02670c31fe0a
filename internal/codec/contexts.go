package codec

import (
	"fmt"

	"kolm/internal/coder"
)

// ContextCoder codes blocks by adaptive contexts alone. It keeps its tables
// from block to block; one goroutine may use it at a time.
type ContextCoder struct {
	p   *Predictor
	enc coder.Encoder
	dec coder.Decoder
}

// NewContextCoder returns a coder without memory; its first block takes it.
func NewContextCoder() *ContextCoder { return &ContextCoder{p: NewPredictor()} }

// Encode appends the payload of src to dst.
func (c *ContextCoder) Encode(dst, src []byte) []byte {
	c.p.Reset(len(src), false)
	c.enc.Reset(dst)
	var cur Cursor
	c.p.Start(&cur, 0)
	for _, b := range src {
		c.p.Begin(&cur)
		for node := 1; node < 256; {
			bit := int(b) >> 7 & 1
			c.enc.Encode(bit, c.p.P(node, nil))
			c.p.Update(bit)
			node = node<<1 | bit
			b = b<<1 | b>>7
		}
		c.p.End(&cur, b)
	}
	return c.enc.Flush()
}

// Decode fills dst from its payload.
func (c *ContextCoder) Decode(dst, src []byte) error {
	c.p.Reset(len(dst), false)
	c.dec.Reset(src)
	var cur Cursor
	c.p.Start(&cur, 0)
	for i := range dst {
		c.p.Begin(&cur)
		node := 1
		for node < 256 {
			bit := c.dec.Decode(c.p.P(node, nil))
			c.p.Update(bit)
			node = node<<1 | bit
		}
		dst[i] = byte(node)
		c.p.End(&cur, byte(node))
	}
	if n := c.dec.Overrun(); n > 8 {
		return fmt.Errorf("%w: it ends %d bytes early", ErrCorrupt, n-8)
	}
	if n := c.dec.Unread(); n > 0 {
		return fmt.Errorf("%w: %d bytes are left over", ErrCorrupt, n)
	}
	return nil
}
