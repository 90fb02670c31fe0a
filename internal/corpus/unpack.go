package corpus

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// packing is a way to pack files, known by their first bytes.
type packing struct {
	name  string
	magic []byte
	open  func(io.Reader) (r io.Reader, done func(), err error)
}

var packings = []packing{
	{"gzip", []byte{0x1f, 0x8b, 8}, func(r io.Reader) (io.Reader, func(), error) {
		z, err := gzip.NewReader(r)
		return z, func() {}, err
	}},
	{"xz", []byte("\xfd7zXZ\x00"), func(r io.Reader) (io.Reader, func(), error) {
		z, err := xz.NewReader(r)
		return z, func() {}, err
	}},
	{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}, func(r io.Reader) (io.Reader, func(), error) {
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}},
}

// unpack returns the plain content of r, and what to call when it is read.
func unpack(r *bufio.Reader) (plain *bufio.Reader, done func(), err error) {
	for _, p := range packings {
		if head, _ := r.Peek(len(p.magic)); !bytes.Equal(head, p.magic) {
			continue
		}
		z, done, err := p.open(r)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", p.name, err)
		}
		return bufio.NewReaderSize(named{z, p.name}, 1<<16), done, nil
	}
	return r, func() {}, nil
}

// named says in errors which unpacking failed.
type named struct {
	io.Reader
	name string
}

func (n named) Read(p []byte) (int, error) {
	k, err := n.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%s: %w", n.name, err)
	}
	return k, err
}
