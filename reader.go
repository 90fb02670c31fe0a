package kolm

import (
	"io"

	"kolm/internal/codec"
	"kolm/internal/container"
)

// Reader gives the plain bytes of a packed stream. It is for one goroutine at a
// time; the reader underneath is only used inside calls of Read. It needs no
// Close.
type Reader struct {
	opt   *options
	pool  *pool
	src   *container.Scanner
	queue []*unpacking // blocks being unpacked, in order
	spare []*unpacking
	now   *unpacking // the block that Read gives out
	plain []byte     // what is left of it
	ended error      // of src, when the queue is empty
}

// unpacking is a block on its way.
type unpacking struct {
	entry   container.Entry
	payload []byte
	plain   []byte
	err     error
	done    chan struct{}
}

// NewReader returns a Reader of the packed bytes in src, which ends with them:
// what else follows is an error. It may read ahead of what Read gives out.
func NewReader(src io.Reader, opts ...Option) (*Reader, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	r := &Reader{opt: o, pool: newPool(o), src: container.NewScanner(src)}
	r.src.Limit = uint32(o.maxBlock)
	return r, nil
}

// Reset forgets what was read and reads from src, which begins a packed stream.
// Memory and options are kept.
func (r *Reader) Reset(src io.Reader) {
	for _, u := range r.queue {
		<-u.done
		r.spare = append(r.spare, u)
	}
	r.src.Reset(src)
	r.queue, r.plain, r.ended = r.queue[:0], nil, nil
}

// Read gives plain bytes. All bytes given out before an error are those that
// were packed.
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.plain) == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.plain)
	r.plain = r.plain[n:]
	return n, nil
}

// WriteTo gives all plain bytes that are left to w.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		for len(r.plain) == 0 {
			if err := r.next(); err == io.EOF {
				return total, nil
			} else if err != nil {
				return total, err
			}
		}
		n, err := w.Write(r.plain)
		r.plain = r.plain[n:]
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

// next makes the next block the current one.
func (r *Reader) next() error {
	if r.now != nil {
		r.spare = append(r.spare, r.now)
		r.now = nil
	}
	for r.ended == nil && len(r.queue) < r.opt.workers {
		r.begin()
	}
	if len(r.queue) == 0 {
		return r.ended
	}
	u := r.queue[0]
	r.queue = append(r.queue[:0], r.queue[1:]...)
	<-u.done
	r.now = u
	if u.err != nil {
		r.queue, r.ended = nil, u.err
		return u.err
	}
	r.plain = u.plain
	return nil
}

// begin reads the next block and starts to unpack it.
func (r *Reader) begin() {
	u := new(unpacking)
	if n := len(r.spare); n > 0 {
		u, r.spare = r.spare[n-1], r.spare[:n-1]
	}
	if u.entry, u.payload, r.ended = r.src.Next(u.payload); r.ended != nil {
		return
	}
	var lm *codec.LM
	if lm, r.ended = r.opt.unpacker(&u.entry); r.ended != nil {
		return
	}
	u.done = make(chan struct{})
	r.queue = append(r.queue, u)
	go func() {
		defer close(u.done)
		u.plain, u.err = r.pool.decode(lm, &u.entry, u.payload, u.plain)
	}()
}
