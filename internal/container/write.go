package container

import (
	"encoding/binary"
	"io"
)

// AppendShort appends a member in the short form to dst. id is the ID of the
// model and only used by [ModelMethod] and [SingleMethod]; b.Plain must be at most MaxShort.
func AppendShort(dst []byte, b Block, id *[32]byte, payload []byte) ([]byte, error) {
	if err := fits(b, MaxShort, payload); err != nil {
		return dst, err
	}
	dst = append(dst, shortMagic[:]...)
	dst = append(dst, Version<<4|b.Method)
	dst = binary.AppendUvarint(dst, uint64(b.Plain))
	if b.Method > Fill {
		dst = binary.AppendUvarint(dst, uint64(b.Payload))
	}
	if b.Method >= ModelMethod {
		dst = append(dst, id[:shortModel]...)
	}
	dst = append(dst, payload...)
	return append(dst, b.Sum[:shortSum]...), nil
}

// Writer writes a member in the stream form, block by block; beyond MaxBlocks
// it begins another member.
type Writer struct {
	w         io.Writer
	head      []byte
	header    Header
	index     []byte // headers of the member's blocks
	plain     uint64 // bytes in the member
	buf       []byte
	maxBlocks int
}

// NewWriter returns a Writer to w. Nothing is written before the first block.
func NewWriter(w io.Writer, h Header) *Writer {
	return &Writer{w: w, header: h, head: h.Append(nil), maxBlocks: MaxBlocks}
}

// WriteBlock writes one block.
func (w *Writer) WriteBlock(b Block, payload []byte) error {
	if err := fits(b, w.header.BlockSize, payload); err != nil {
		return err
	}
	if w.blocks() == w.maxBlocks {
		if err := w.Close(); err != nil {
			return err
		}
	}
	w.buf = w.buf[:0]
	if len(w.index) == 0 {
		w.buf = append(w.buf, w.head...)
	}
	at := len(w.index)
	w.index = b.Append(w.index, uint32(w.blocks()))
	w.buf = append(w.buf, w.index[at:]...)
	w.plain += uint64(b.Plain)
	if _, err := w.w.Write(w.buf); err != nil {
		return err
	}
	_, err := w.w.Write(payload)
	return err
}

// Close ends the member. It writes nothing if there was no block: a file needs
// another member then.
func (w *Writer) Close() error {
	if len(w.index) == 0 {
		return nil
	}
	w.buf = appendTail(w.buf[:0], w.head, w.index, w.plain)
	w.index, w.plain = w.index[:0], 0
	_, err := w.w.Write(w.buf)
	return err
}

func (w *Writer) blocks() int { return len(w.index) / blockSize }

// appendTail appends what follows the last block: tag, index and footer.
func appendTail(dst, head, index []byte, plain uint64) []byte {
	n := len(dst)
	dst = append(dst, endTag)
	dst = append(dst, index...)
	dst = le.AppendUint32(dst, uint32(len(index)/blockSize))
	dst = le.AppendUint64(dst, plain)
	c := check(head, dst[n:])
	return append(dst, c[:]...)
}

func fits(b Block, limit uint32, payload []byte) error {
	if int64(len(payload)) != int64(b.Payload) {
		return wrong(ErrHeader, "payload has %d bytes, header says %d", len(payload), b.Payload)
	}
	return b.valid(limit)
}
