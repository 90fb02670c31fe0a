package container

import (
	"bytes"
	"errors"
	"io"
	"sort"
)

// Index lists the blocks of a file in order.
type Index struct {
	Entries []Entry
	Plain   int64 // bytes in the file's blocks
	Members int
}

// ReadIndex finds the blocks of a file of the given size. It reads the ends of
// the members; only if some member has no index (it has the short form) or an
// end is damaged, it goes through the file block by block.
func ReadIndex(r io.ReaderAt, size int64) (*Index, error) {
	if x, err := indexFromEnd(r, size); x != nil || err != nil {
		return x, err
	}
	return indexFromStart(r, size)
}

func indexFromStart(r io.ReaderAt, size int64) (*Index, error) {
	s := NewScanner(io.NewSectionReader(r, 0, size))
	x := new(Index)
	for {
		e, err := s.Skip()
		if err == io.EOF {
			x.Plain, x.Members = s.start, s.members
			return x, nil
		}
		if err != nil {
			return nil, err
		}
		x.Entries = append(x.Entries, e)
	}
}

// indexFromEnd returns nil, nil if the members can not be followed from the end.
// That their chain meets the start of the file exactly, and that a reader
// compares each block's header with the index, makes this the same list as the
// one found from the start.
func indexFromEnd(r io.ReaderAt, size int64) (*Index, error) {
	var parts []part // last member first
	for end := size; end > 0; {
		p, err := partBefore(r, end)
		if p == nil || err != nil {
			return nil, err
		}
		parts = append(parts, *p)
		end = p.offset
	}
	x := &Index{Members: len(parts)}
	for i := len(parts) - 1; i >= 0; i-- {
		if !parts[i].appendTo(x) {
			return nil, nil
		}
	}
	if len(x.Entries) == 0 {
		return nil, nil
	}
	return x, nil
}

// part is a member in the stream form, found by its end.
type part struct {
	offset int64
	header Header
	index  []byte
	plain  uint64 // as its end says
}

// partBefore returns nil if no sound index of a member ends at end.
func partBefore(r io.ReaderAt, end int64) (*part, error) {
	if end < headerSize+blockSize+1+footerSize {
		return nil, nil
	}
	foot := make([]byte, footerSize)
	if err := readAt(r, foot, end-footerSize); err != nil {
		return nil, err
	}
	count := int64(le.Uint32(foot))
	tail := 1 + count*blockSize + footerSize
	if count == 0 || count > MaxBlocks || tail > end-headerSize {
		return nil, nil
	}
	buf := make([]byte, tail)
	if err := readAt(r, buf, end-tail); err != nil {
		return nil, err
	}
	p := &part{index: buf[1 : 1+count*blockSize], offset: end - tail, plain: le.Uint64(foot[4:])}
	for b := p.index; len(b) > 0; b = b[blockSize:] {
		p.offset -= blockSize + int64(le.Uint32(b[5:]))
	}
	p.offset -= headerSize
	if p.offset < 0 {
		return nil, nil
	}
	head := make([]byte, headerSize)
	if err := readAt(r, head, p.offset); err != nil {
		return nil, err
	}
	if c := check(head, buf[:tail-sumSize]); buf[0] != endTag || !bytes.Equal(c[:], buf[tail-sumSize:]) {
		return nil, nil
	}
	h, err := ParseHeader(head)
	if err != nil {
		return nil, nil
	}
	p.header = h
	return p, nil
}

// appendTo appends the part's blocks, and says whether they are sound.
func (p *part) appendTo(x *Index) bool {
	at, before := p.offset+headerSize, x.Plain
	for n := uint32(0); int(n) < len(p.index)/blockSize; n++ {
		b, err := ParseBlock(p.index[n*blockSize:][:blockSize], p.header, n)
		if err != nil {
			return false
		}
		x.Entries = append(x.Entries, Entry{
			Block: b, Number: len(x.Entries), Offset: at, Head: blockSize, Start: x.Plain, Model: p.header.Model,
		})
		at += blockSize + int64(b.Payload)
		x.Plain += int64(b.Plain)
	}
	return uint64(x.Plain-before) == p.plain
}

// Find returns the number of the block that holds plain byte off, which must be
// below x.Plain.
func (x *Index) Find(off int64) int {
	return sort.Search(len(x.Entries), func(i int) bool {
		return x.Entries[i].Start+int64(x.Entries[i].Plain) > off
	})
}

// ReadPayload reads the payload of a block that a ReadIndex of r found, into buf[:0],
// and compares the block's header with the index.
func (e *Entry) ReadPayload(r io.ReaderAt, buf []byte) ([]byte, error) {
	n := int(e.Head) + int(e.Payload)
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if err := readAt(r, buf, e.Offset); err != nil {
		var at *Error
		if errors.As(err, &at) {
			return nil, e.Wrong(at.Kind, "%s", at.Detail)
		}
		return nil, err
	}
	if !e.Short {
		b := Block{Method: buf[0], Plain: le.Uint32(buf[1:]), Payload: le.Uint32(buf[5:]), Sum: [8]byte(buf[9:])}
		if b != e.Block {
			return nil, e.Wrong(ErrHeader, "block header and index differ")
		}
	}
	return buf[e.Head:], nil
}

// readAt fills p or fails.
func readAt(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == io.EOF:
		return wrong(ErrTruncated, "%d bytes are missing", len(p)-n)
	}
	return err
}
