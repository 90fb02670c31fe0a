package kolm

import (
	"bytes"
	"io"
)

// Codec packs and unpacks messages that are in memory, keeping its tables
// between them. The packed bytes are those of a Writer with the same options. A
// Codec is for one goroutine at a time.
type Codec struct {
	w    *Writer
	r    *Reader
	sink sink
	src  bytes.Reader
}

// NewCodec returns a Codec. Messages need no more than WithWorkers(1).
func NewCodec(opts ...Option) (*Codec, error) {
	w, err := NewWriter(io.Discard, opts...)
	if err != nil {
		return nil, err
	}
	r, err := NewReader(new(bytes.Reader), opts...)
	if err != nil {
		return nil, err
	}
	return &Codec{w: w, r: r}, nil
}

// Encode appends plain, packed, to dst.
func (c *Codec) Encode(dst, plain []byte) ([]byte, error) {
	c.sink = dst
	c.w.Reset(&c.sink)
	if _, err := c.w.Write(plain); err != nil {
		return dst, err
	}
	if err := c.w.Close(); err != nil {
		return dst, err
	}
	return c.sink, nil
}

// Decode appends what the bytes in packed stand for to dst. If they are damaged
// it returns dst as it was, and the error.
func (c *Codec) Decode(dst, packed []byte) ([]byte, error) {
	c.src.Reset(packed)
	c.r.Reset(&c.src)
	out := sink(dst)
	if _, err := c.r.WriteTo(&out); err != nil {
		return dst, err
	}
	return out, nil
}

// sink appends what is written to it.
type sink []byte

func (s *sink) Write(p []byte) (int, error) {
	*s = append(*s, p...)
	return len(p), nil
}
