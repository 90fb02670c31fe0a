package container

import "bytes"

// Header begins a member in the stream form.
type Header struct {
	BlockSize uint32  // bytes, 1 to MaxBlock
	Model     [8]byte // first bytes of the model's ID; zeros if no block uses one
}

// Append appends the header's bytes to dst.
func (h Header) Append(dst []byte) []byte {
	n := len(dst)
	dst = append(dst, streamMagic[:]...)
	dst = append(dst, Version, 0)
	dst = le.AppendUint32(dst, h.BlockSize)
	dst = append(dst, h.Model[:]...)
	c := check(dst[n:])
	return append(dst, c[:4]...)
}

// ParseHeader reads a header from its bytes; b must have exactly its length.
func ParseHeader(b []byte) (Header, error) {
	if len(b) != headerSize {
		return Header{}, wrong(ErrTruncated, "header has %d bytes, needs %d", len(b), headerSize)
	}
	if !bytes.HasPrefix(b, streamMagic[:]) {
		return Header{}, wrong(ErrMagic, "magic is % x", b[:8])
	}
	if b[8] != Version {
		return Header{}, wrong(ErrVersion, "file has version %d, this program reads %d", b[8], Version)
	}
	if c := check(b[:headerSize-4]); !bytes.Equal(c[:4], b[headerSize-4:]) {
		return Header{}, wrong(ErrHeader, "check is % x, want % x", b[headerSize-4:], c[:4])
	}
	if b[9] != 0 {
		return Header{}, wrong(ErrVersion, "reserved flags %#x are set", b[9])
	}
	h := Header{BlockSize: le.Uint32(b[10:]), Model: [8]byte(b[14:])}
	if h.BlockSize == 0 {
		return Header{}, wrong(ErrHeader, "block size is 0")
	}
	if h.BlockSize > MaxBlock {
		return Header{}, wrong(ErrLimit, "block size %d is above %d", h.BlockSize, MaxBlock)
	}
	return h, nil
}

// Block is the header of a block.
type Block struct {
	Method  byte
	Plain   uint32  // bytes
	Payload uint32  // bytes
	Sum     [8]byte // of the plain bytes, see [Sum]; only 4 bytes are kept in the short form
}

// valid says whether the fields fit each other. limit is the greatest plain length.
func (b Block) valid(limit uint32) error {
	switch {
	case b.Method > maxMethod:
		return wrong(ErrVersion, "method %d is unknown", b.Method)
	case b.Plain > limit:
		return wrong(ErrLimit, "plain length %d is above %d", b.Plain, limit)
	case b.Payload > b.Plain:
		return wrong(ErrHeader, "payload length %d is above the plain length %d", b.Payload, b.Plain)
	case b.Method == Stored && b.Payload != b.Plain, b.Method == Fill && b.Payload != 1:
		return wrong(ErrHeader, "payload length %d does not fit method %d", b.Payload, b.Method)
	case b.Method != Stored && b.Plain == 0:
		return wrong(ErrHeader, "method %d for nothing", b.Method)
	}
	return nil
}

// Append appends the bytes of the header of block number n of its member.
func (b Block) Append(dst []byte, n uint32) []byte {
	at := len(dst)
	dst = append(dst, b.Method)
	dst = le.AppendUint32(dst, b.Plain)
	dst = le.AppendUint32(dst, b.Payload)
	dst = append(dst, b.Sum[:]...)
	c := check(le.AppendUint32(nil, n), dst[at:])
	return append(dst, c[:4]...)
}

// ParseBlock reads the header of block number n of member h.
func ParseBlock(p []byte, h Header, n uint32) (Block, error) {
	if len(p) != blockSize {
		return Block{}, wrong(ErrTruncated, "block header has %d bytes, needs %d", len(p), blockSize)
	}
	if c := check(le.AppendUint32(nil, n), p[:blockSize-4]); !bytes.Equal(c[:4], p[blockSize-4:]) {
		return Block{}, wrong(ErrHeader, "check of the block header is % x, want % x", p[blockSize-4:], c[:4])
	}
	b := Block{Method: p[0], Plain: le.Uint32(p[1:]), Payload: le.Uint32(p[5:]), Sum: [8]byte(p[9:])}
	if err := b.valid(h.BlockSize); err != nil {
		return Block{}, err
	}
	if b.Plain == 0 {
		return Block{}, wrong(ErrHeader, "empty block")
	}
	if b.Method >= ModelMethod && h.Model == [8]byte{} {
		return Block{}, wrong(ErrHeader, "block uses a model and the header names none")
	}
	return b, nil
}
