package kolm

import (
	"fmt"
	"io"
	"sync"

	"kolm/internal/container"
)

// ReaderAt gives any part of the plain bytes of a packed file, decoding only
// the blocks that hold it. It keeps the last block decoded. It may be used by
// several goroutines, one of which decodes at a time.
type ReaderAt struct {
	opt   *options
	pool  *pool
	src   io.ReaderAt
	index *container.Index

	mu      sync.Mutex
	last    int // number of the block in plain, -1 if none
	plain   []byte
	payload []byte
}

// OpenReaderAt reads the index of the packed file of the given size.
func OpenReaderAt(src io.ReaderAt, size int64, opts ...Option) (*ReaderAt, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	x, err := container.ReadIndex(src, size)
	if err != nil {
		return nil, err
	}
	for i := range x.Entries {
		if e := &x.Entries[i]; int64(e.Plain) > int64(o.maxBlock) {
			return nil, e.Wrong(ErrLimit, "block of %d bytes, and at most %d are allowed", e.Plain, o.maxBlock)
		}
	}
	return &ReaderAt{opt: o, pool: newPool(o), src: src, index: x, last: -1}, nil
}

// Size is the number of plain bytes.
func (r *ReaderAt) Size() int64 { return r.index.Plain }

// ReadAt implements io.ReaderAt on the plain bytes.
func (r *ReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("kolm: ReadAt: negative offset %d", off)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for n < len(p) {
		if off >= r.index.Plain {
			return n, io.EOF
		}
		i := r.index.Find(off)
		if err := r.load(i); err != nil {
			return n, err
		}
		k := copy(p[n:], r.plain[off-r.index.Entries[i].Start:])
		n += k
		off += int64(k)
	}
	return n, nil
}

// load decodes block i unless it was the last one.
func (r *ReaderAt) load(i int) error {
	if i == r.last {
		return nil
	}
	r.last = -1
	e := &r.index.Entries[i]
	lm, err := r.opt.unpacker(e)
	if err != nil {
		return err
	}
	if r.payload, err = e.ReadPayload(r.src, r.payload); err != nil {
		return err
	}
	if r.plain, err = r.pool.decode(lm, e, r.payload, r.plain); err != nil {
		return err
	}
	r.last = i
	return nil
}
