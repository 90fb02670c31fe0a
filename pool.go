package kolm

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"kolm/internal/codec"
	"kolm/internal/container"
)

// pool holds the coders of a Writer or Reader, one a worker, made when first
// needed. It bounds how many blocks are coded at once.
type pool struct {
	opt  *options
	busy chan struct{} // holds something for every worker at work
	mu   sync.Mutex
	free []*slot // the last one used is the next: work one after another makes one coder
	make func(*codec.LM) coder
	test func(*codec.LM, coder) error // before the first use of a coder with that model
}

// coder is what is used of codec.Coder.
type coder interface {
	Encode(dst, plain []byte) (codec.Method, []byte, error)
	Decode(dst []byte, m codec.Method, payload []byte) error
	Report(f func(n int))
}

// slot is what one worker uses.
type slot struct {
	lm    *codec.LM
	coder coder
	proof coder // decodes what coder packed, to verify; a second one, so that no state is shared
	plain []byte
}

func newPool(o *options) *pool {
	p := &pool{opt: o, busy: make(chan struct{}, o.workers), test: selfTest}
	p.make = func(lm *codec.LM) coder {
		level := min(o.level, modelLevel-1)
		if lm != nil {
			level = max(o.level, codec.ModelLevel)
		}
		return codec.New(codec.Options{Level: level, LM: lm, Workers: o.workers})
	}
	return p
}

// with runs f with a worker's slot, whose coder has lm if that is not nil.
func (p *pool) with(lm *codec.LM, f func(*slot) error) error {
	p.busy <- struct{}{}
	s := p.take()
	defer func() {
		p.put(s)
		<-p.busy
	}()
	if s.coder == nil || lm != nil && s.lm != lm {
		s.lm, s.coder, s.proof = lm, p.make(lm), nil
	}
	if err := p.test(lm, s.coder); err != nil {
		return err
	}
	s.coder.Report(p.opt.progress) // not before: the test is no progress
	return f(s)
}

func (p *pool) take() *slot {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free)
	if n == 0 {
		return new(slot)
	}
	s := p.free[n-1]
	p.free = p.free[:n-1]
	return s
}

func (p *pool) put(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, s)
}

// encode packs one block; the payload is in buf if that is large enough.
func (p *pool) encode(lm *codec.LM, plain, buf []byte) (b container.Block, payload []byte, err error) {
	err = p.with(lm, func(s *slot) error {
		m, out, err := s.coder.Encode(buf[:0], plain)
		if err != nil {
			return fmt.Errorf("kolm: packing a block: %w", err)
		}
		payload = out
		b = container.Block{
			Method: byte(m), Plain: uint32(len(plain)), Payload: uint32(len(out)),
			Sum: container.Sum(modelID(m, lm), plain),
		}
		if !p.opt.verify {
			return nil
		}
		if s.proof == nil {
			s.proof = p.make(lm)
			s.proof.Report(p.opt.progress)
		}
		s.plain = sized(s.plain, len(plain))
		if err := s.proof.Decode(s.plain, m, out); err != nil {
			return fmt.Errorf("%w: %w", ErrVerify, err)
		}
		if !bytes.Equal(s.plain, plain) {
			return ErrVerify
		}
		return nil
	})
	return b, payload, err
}

// decode unpacks one block; the plain bytes are in buf if that is large enough.
func (p *pool) decode(lm *codec.LM, e *container.Entry, payload, buf []byte) (plain []byte, err error) {
	err = p.with(lm, func(s *slot) error {
		plain = sized(buf, int(e.Plain))
		m := codec.Method(e.Method)
		switch err := s.coder.Decode(plain, m, payload); {
		case errors.Is(err, codec.ErrCorrupt):
			return e.Wrong(ErrBlock, "payload is not what a packer writes")
		case err != nil:
			return fmt.Errorf("kolm: unpacking block %d: %w", e.Number, err)
		}
		return e.Check(modelID(m, lm), plain)
	})
	return plain, err
}

// modelID is what a block's sum covers: the ID of the model if the method uses it.
func modelID(m codec.Method, lm *codec.LM) *[32]byte {
	if m < codec.Model || lm == nil {
		return nil
	}
	return &lm.ID
}

// sized returns n bytes, those of buf if it has them.
func sized(buf []byte, n int) []byte {
	if cap(buf) < n {
		return make([]byte, n)
	}
	return buf[:n]
}
