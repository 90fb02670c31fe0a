package kolm

import (
	"io"

	"kolm/internal/codec"
	"kolm/internal/container"
)

// Writer packs what is written to it. It is for one goroutine at a time; the
// writer underneath is only used inside calls of Write and Close.
type Writer struct {
	opt  *options
	lm   *codec.LM
	pool *pool

	dst    io.Writer
	out    *container.Writer
	size   int        // of a block
	plain  []byte     // of the block being filled
	queue  []*packing // blocks being packed, in order
	spare  []*packing // to be used again
	blocks int        // begun, all but the one being filled
	err    error      // the first one; all later calls return it
}

// packing is a block on its way.
type packing struct {
	plain   []byte
	payload []byte
	block   container.Block
	err     error
	done    chan struct{}
}

// NewWriter returns a Writer that packs to dst. Close must be called to
// complete the packed bytes; it does not close dst.
func NewWriter(dst io.Writer, opts ...Option) (*Writer, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	lm, err := o.packer()
	if err != nil {
		return nil, err
	}
	w := &Writer{opt: o, lm: lm, pool: newPool(o)}
	w.Reset(dst)
	return w, nil
}

// Model is the model that blocks are packed with where it helps, nil at levels
// that use none.
func (w *Writer) Model() *Model {
	if w.lm == nil {
		return nil
	}
	return &Model{w.lm}
}

// Reset forgets what was written and packs to dst from now on. Memory and
// options are kept.
func (w *Writer) Reset(dst io.Writer) {
	for _, p := range w.queue {
		<-p.done
		w.spare = append(w.spare, p)
	}
	w.dst = dst
	w.cut(w.opt.blockSize)
	w.plain, w.queue, w.blocks, w.err = w.plain[:0], w.queue[:0], 0, nil
}

// Expect says that n bytes will be written after the last Reset, before the
// first of them is. Where that is more than one block, and no block size was
// asked for, the Writer then cuts an even number of equal blocks. It is a hint:
// other numbers of bytes are packed as well.
func (w *Writer) Expect(n int64) {
	if limit := int64(w.opt.blockSize); w.opt.equal && n > limit && len(w.plain) == 0 && w.blocks == 0 {
		pairs := (n-1)/(2*limit) + 1
		w.cut(int((n-1)/(2*pairs) + 1))
	}
}

// cut begins a member of blocks of size bytes.
func (w *Writer) cut(size int) {
	h := container.Header{BlockSize: uint32(size)}
	if w.lm != nil {
		copy(h.Model[:], w.lm.ID[:])
	}
	w.size, w.out = size, container.NewWriter(w.dst, h)
}

// Write packs p. An error may be about bytes of an earlier call.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n := len(p)
	for len(p) > 0 {
		// A full block is begun only when another byte comes: Close must
		// know the last one, because a single small one has the short form.
		if len(w.plain) == w.size {
			if w.err = w.begin(); w.err != nil {
				return n - len(p), w.err
			}
		}
		k := min(len(p), w.size-len(w.plain))
		w.plain = append(w.plain, p[:k]...)
		p = p[k:]
	}
	return n, nil
}

// Close packs what is left and completes the packed bytes. An empty input gives
// a valid file.
func (w *Writer) Close() error {
	if w.err == ErrClosed {
		return nil
	}
	if w.err == nil {
		w.err = w.close()
	}
	err := w.err
	if err == nil {
		w.err = ErrClosed
	}
	return err
}

func (w *Writer) close() error {
	if w.blocks == 0 && len(w.plain) <= container.MaxShort {
		b, payload, err := w.pool.encode(w.lm, w.plain, nil)
		if err != nil {
			return err
		}
		member, err := container.AppendShort(nil, b, modelID(codec.Method(b.Method), w.lm), payload)
		if err != nil {
			return err
		}
		_, err = w.dst.Write(member)
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	for len(w.queue) > 0 {
		if err := w.finish(); err != nil {
			return err
		}
	}
	return w.out.Close()
}

// begin starts to pack the block that was filled, when there is a free worker.
func (w *Writer) begin() error {
	if len(w.queue) == w.opt.workers {
		if err := w.finish(); err != nil {
			return err
		}
	}
	p := new(packing)
	if n := len(w.spare); n > 0 {
		p, w.spare = w.spare[n-1], w.spare[:n-1]
	}
	p.plain, w.plain = w.plain, p.plain[:0]
	p.done = make(chan struct{})
	w.queue = append(w.queue, p)
	w.blocks++
	go func() {
		defer close(p.done)
		p.block, p.payload, p.err = w.pool.encode(w.lm, p.plain, p.payload)
	}()
	return nil
}

// finish waits for the first block in the queue and writes it.
func (w *Writer) finish() error {
	p := w.queue[0]
	w.queue = append(w.queue[:0], w.queue[1:]...)
	<-p.done
	w.spare = append(w.spare, p)
	if p.err != nil {
		return p.err
	}
	return w.out.WriteBlock(p.block, p.payload)
}
