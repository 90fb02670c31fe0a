package container

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Entry says where a block is and what it holds.
type Entry struct {
	Block
	Number int     // in the file, from 0
	Offset int64   // in the file, of the block's header
	Head   int64   // bytes of that header: the payload follows it
	Start  int64   // offset of its plain bytes in those of the file
	Model  [8]byte // first bytes of the ID, see ModelPrefix
	Short  bool    // the member has the short form
}

// ModelPrefix is the beginning of the ID of the model that the block uses, nil if none.
func (e *Entry) ModelPrefix() []byte {
	switch {
	case e.Method < ModelMethod:
		return nil
	case e.Short:
		return e.Model[:shortModel]
	}
	return e.Model[:]
}

// Check compares decoded bytes with the block's sum. id is the whole ID of the
// model that was used, nil if none was.
func (e *Entry) Check(id *[32]byte, plain []byte) error {
	n := sumSize
	if e.Short {
		n = shortSum
	}
	if c := Sum(id, plain); !bytes.Equal(c[:n], e.Sum[:n]) {
		return e.Wrong(ErrBlock, "sum is %x, want %x", c[:n], e.Sum[:n])
	}
	return nil
}

// Wrong is an error about this block.
func (e *Entry) Wrong(kind error, format string, args ...any) *Error {
	return &Error{Kind: kind, Offset: e.Offset, Block: e.Number, Good: e.Start, Detail: fmt.Sprintf(format, args...)}
}

// Scanner reads the blocks of a file in order, checking all but the payloads.
type Scanner struct {
	// Limit is the greatest plain length of a block that is accepted, MaxBlock at first.
	Limit uint32

	src     io.Reader
	r       *bufio.Reader
	at      int64 // offset in the file
	start   int64 // plain bytes so far
	blocks  int   // so far, in the file
	members int
	indexes int64 // bytes in the ends of members so far
	err     error

	part      int64 // where the part of the file being read begins
	partBlock int   // the number of the block it belongs to, or -1

	inside bool // a member in the stream form is open
	header Header
	head   []byte // its bytes
	index  []byte // headers of its blocks so far
	plain  uint64 // its plain bytes so far
}

// NewScanner reads a file from r, which stands at its first byte. If r is an
// io.Seeker, skipped payloads are not read.
func NewScanner(r io.Reader) *Scanner {
	return &Scanner{Limit: MaxBlock, src: r, r: bufio.NewReaderSize(r, 16<<10)}
}

// Reset makes the Scanner read another file, keeping its Limit and buffers.
func (s *Scanner) Reset(r io.Reader) {
	s.r.Reset(r)
	*s = Scanner{Limit: s.Limit, src: r, r: s.r, head: s.head, index: s.index}
}

// Header is that of the current member; only in the stream form.
func (s *Scanner) Header() Header { return s.header }

// Members is the number of members begun so far.
func (s *Scanner) Members() int { return s.members }

// Offset is the number of bytes of the file read so far.
func (s *Scanner) Offset() int64 { return s.at }

// IndexBytes is how many of the bytes read so far are indexes and their checks.
func (s *Scanner) IndexBytes() int64 { return s.indexes }

// Next reads the next block. The payload is appended to buf[:0] and returned.
// At the end of the file the error is io.EOF; every error is final.
func (s *Scanner) Next(buf []byte) (Entry, []byte, error) {
	return s.next(func(n int) ([]byte, error) { return s.payload(buf[:0], n) })
}

// Skip is Next without the payload.
func (s *Scanner) Skip() (Entry, error) {
	e, _, err := s.next(func(n int) ([]byte, error) { return nil, s.skip(n) })
	return e, err
}

func (s *Scanner) next(payload func(n int) ([]byte, error)) (Entry, []byte, error) {
	if s.err != nil {
		return Entry{}, nil, s.err
	}
	e, p, err := s.block(payload)
	if err != nil {
		s.err = s.place(err)
		return Entry{}, nil, s.err
	}
	s.blocks++
	s.start += int64(e.Plain)
	return e, p, nil
}

// enter notes that a part of the file begins here, for the errors in it.
func (s *Scanner) enter(block int) { s.part, s.partBlock = s.at, block }

// place completes an error with the part of the file that it is about.
func (s *Scanner) place(err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Offset, e.Block, e.Good = s.part, s.partBlock, s.start
	}
	return err
}

// block reads up to and with the next block, passing ends and beginnings of members.
func (s *Scanner) block(payload func(n int) ([]byte, error)) (Entry, []byte, error) {
	for {
		if !s.inside {
			short, err := s.begin()
			if err != nil {
				return Entry{}, nil, err
			}
			if short {
				return s.short(payload)
			}
		}
		s.enter(s.blocks)
		tag, err := s.peek(1)
		if err != nil {
			return Entry{}, nil, err
		}
		if tag[0] != endTag {
			return s.long(payload)
		}
		if err := s.end(); err != nil {
			return Entry{}, nil, err
		}
	}
}

// begin finds out which form the member at hand has; it reads the header of the stream form.
func (s *Scanner) begin() (short bool, err error) {
	s.enter(-1)
	p, err := s.r.Peek(len(shortMagic))
	if len(p) == 0 && err == io.EOF && s.members > 0 {
		return false, io.EOF
	}
	if err != nil && err != io.EOF {
		return false, err
	}
	foreign := ErrMagic
	if s.members > 0 {
		foreign = ErrTrailing
	}
	if bytes.Equal(p, shortMagic[:]) {
		s.members++
		return true, nil
	}
	if !bytes.HasPrefix(shortMagic[:], p) && !bytes.HasPrefix(streamMagic[:], p) {
		return false, wrong(foreign, "begins with % x", p)
	}
	p, err = s.peek(headerSize)
	if err != nil {
		return false, err
	}
	h, err := ParseHeader(p)
	if errors.Is(err, ErrMagic) {
		return false, wrong(foreign, "begins with % x", p[:8])
	}
	if err != nil {
		return false, err
	}
	s.members++
	s.inside, s.header, s.plain = true, h, 0
	s.head = append(s.head[:0], p...)
	s.index = s.index[:0]
	return false, s.skip(headerSize)
}

// short reads a member in the short form.
func (s *Scanner) short(payload func(n int) ([]byte, error)) (Entry, []byte, error) {
	s.enter(s.blocks)
	e := Entry{Number: s.blocks, Offset: s.at, Start: s.start, Short: true}
	p, err := s.r.Peek(shortHead)
	if err != nil && err != io.EOF {
		return e, nil, err
	}
	n, err := e.parseShort(p)
	if err != nil {
		return e, nil, err
	}
	if e.Plain > s.Limit {
		return e, nil, wrong(ErrLimit, "block of %d bytes, and at most %d are allowed", e.Plain, s.Limit)
	}
	e.Head = int64(n)
	if err := s.skip(n); err != nil {
		return e, nil, err
	}
	data, err := payload(int(e.Payload))
	if err != nil {
		return e, nil, err
	}
	p, err = s.peek(shortSum)
	if err != nil {
		return e, nil, err
	}
	copy(e.Sum[:], p)
	return e, data, s.skip(shortSum)
}

// parseShort reads what comes before the payload; p may be longer or, at the
// end of the file, shorter than that.
func (e *Entry) parseShort(p []byte) (int, error) {
	cut := wrong(ErrTruncated, "the file ends in the header")
	n := len(shortMagic)
	if len(p) <= n {
		return 0, cut
	}
	if v := p[n] >> 4; v != Version {
		return 0, wrong(ErrVersion, "file has version %d, this program reads %d", v, Version)
	}
	e.Method = p[n] & 15
	n++
	lengths := []*uint32{&e.Plain, &e.Payload}
	if e.Method <= Fill {
		lengths = lengths[:1]
	}
	for _, to := range lengths {
		v, k := binary.Uvarint(p[n:min(len(p), n+3)])
		switch {
		case k == 0 && len(p) < n+3:
			return 0, cut
		case k <= 0:
			return 0, wrong(ErrLimit, "length is above %d", MaxShort)
		case k > 1 && p[n+k-1] == 0:
			return 0, wrong(ErrHeader, "length is not written in its fewest bytes")
		}
		*to = uint32(v)
		n += k
	}
	switch e.Method {
	case Stored:
		e.Payload = e.Plain
	case Fill:
		e.Payload = 1
	case ModelMethod, SingleMethod:
		if len(p) < n+shortModel {
			return 0, cut
		}
		n += copy(e.Model[:shortModel], p[n:])
	}
	return n, e.valid(MaxShort)
}

// long reads a block of a member in the stream form.
func (s *Scanner) long(payload func(n int) ([]byte, error)) (Entry, []byte, error) {
	s.enter(s.blocks)
	number := len(s.index) / blockSize
	if number == MaxBlocks {
		return Entry{}, nil, wrong(ErrLimit, "more than %d blocks in a member", MaxBlocks)
	}
	p, err := s.peek(blockSize)
	if err != nil {
		return Entry{}, nil, err
	}
	b, err := ParseBlock(p, s.header, uint32(number))
	if err != nil {
		return Entry{}, nil, err
	}
	if b.Plain > s.Limit {
		return Entry{}, nil, wrong(ErrLimit, "block of %d bytes, and at most %d are allowed", b.Plain, s.Limit)
	}
	e := Entry{Block: b, Number: s.blocks, Offset: s.at, Head: blockSize, Start: s.start, Model: s.header.Model}
	s.index = append(s.index, p...)
	s.plain += uint64(b.Plain)
	if err := s.skip(blockSize); err != nil {
		return e, nil, err
	}
	data, err := payload(int(b.Payload))
	if err != nil {
		return e, nil, err
	}
	return e, data, nil
}

// end reads what follows the last block of a member and compares it with the blocks read.
func (s *Scanner) end() error {
	s.enter(-1)
	if len(s.index) == 0 {
		return wrong(ErrHeader, "member without blocks")
	}
	want := appendTail(nil, s.head, s.index, s.plain)
	got, err := s.payload(nil, len(want))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return wrong(ErrHeader, "the index does not agree with the blocks before it")
	}
	s.inside = false
	s.indexes += int64(len(want))
	return nil
}

// peek returns the next n bytes without consuming them.
func (s *Scanner) peek(n int) ([]byte, error) {
	p, err := s.r.Peek(n)
	if err == io.EOF {
		return nil, wrong(ErrTruncated, "%d bytes are missing", n-len(p))
	}
	return p, err
}

// payload appends the next n bytes to buf. Memory grows with what is there, not with n.
func (s *Scanner) payload(buf []byte, n int) ([]byte, error) {
	const step = 1 << 20
	at := len(buf)
	for missing := n; missing > 0; {
		k := min(missing, step)
		buf = append(buf, make([]byte, k)...)
		got, err := io.ReadFull(s.r, buf[len(buf)-k:])
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, wrong(ErrTruncated, "%d bytes are missing", missing-got)
		}
		if err != nil {
			return nil, err
		}
		missing -= k
	}
	s.at += int64(n)
	return buf[:at+n], nil
}

// skip passes over n bytes.
func (s *Scanner) skip(n int) error {
	k, err := s.r.Discard(min(n, s.r.Buffered()))
	s.at += int64(k)
	if err != nil || k == n {
		return err
	}
	n -= k
	if seeker, ok := s.src.(io.Seeker); ok {
		if _, err := seeker.Seek(int64(n), io.SeekCurrent); err == nil {
			s.r.Reset(s.src)
			s.at += int64(n)
			return nil
		} // else a pipe, say
	}
	k, err = s.r.Discard(n)
	s.at += int64(k)
	if err == io.EOF {
		return wrong(ErrTruncated, "%d bytes are missing", n-k)
	}
	return err
}
