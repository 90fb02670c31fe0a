// Package bitsback codes a sequence with a set of models and gets back the bits
// that choosing among them has cost: the net length of the code is -ELBO, by
// encoding and decoding and not only by formula.
//
// The choice of a model is not paid for but read: the encoder takes it from
// bits that it has to send anyway (a stack of earlier output), by decoding them
// under the code-posterior Q. The decoder, once it has the data, computes the
// same Q and puts exactly those bits back (Hinton and van Camp, 1993; Townsend,
// Bird and Barber, 2019, for the stack of asymmetric numerals).
//
// Everything is integers and exact rationals; only measuring lengths uses floats.
// The package must not know what the models are.
package bitsback

import (
	"errors"
	"fmt"
	"math"
	"math/big"
)

// precision is the number of bits of a probability; floor the least value of the
// state while words remain below it.
const (
	precision = 24
	total     = 1 << precision
	floor     = 1 << 31
)

// ErrEmpty says that a stack has not the bits to choose a model with: bits back
// must be given some first.
var ErrEmpty = errors.New("stack is empty: bits back needs some bits to take a choice from")

// ErrDamaged says that a stack holds what no encoder has pushed.
var ErrDamaged = errors.New("stack was not made by this code")

// Stack is a last-in first-out coder: range asymmetric numeral system (Duda,
// 2013) with a 64-bit state and 32-bit words. Pop undoes Push, and Push undoes
// Pop, to the last bit.
type Stack struct {
	state uint64 // in [2^31, 2^63)
	words []uint32
}

// NewStack returns a stack of these words, the last on top.
func NewStack(words []uint32) *Stack {
	n := len(words) - 1
	if n < 0 {
		return &Stack{state: floor}
	}
	// The state begins with a word in its low half: a choice reads it first.
	return &Stack{1<<32 | uint64(words[n]), append([]uint32(nil), words[:n]...)}
}

// Clone copies the stack.
func (s *Stack) Clone() *Stack {
	return &Stack{s.state, append([]uint32(nil), s.words...)}
}

// Equal tells whether two stacks hold the same bits.
func (s *Stack) Equal(t *Stack) bool {
	if s.state != t.state || len(s.words) != len(t.words) {
		return false
	}
	for i, w := range s.words {
		if w != t.words[i] {
			return false
		}
	}
	return true
}

// Bits is the content of the stack in bits, up to a constant; a state between
// powers of two counts as a fraction.
func (s *Stack) Bits() float64 {
	return 32*float64(len(s.words)) + math.Log2(float64(s.state))
}

// span is the part [start, start+size) of the total that a symbol owns.
type span struct{ start, size uint32 }

func (x span) owns(at uint32) bool { return at >= x.start && at-x.start < x.size }

func (s *Stack) push(x span) {
	size := uint64(x.size)
	if s.state >= size<<(63-precision) {
		s.words = append(s.words, uint32(s.state))
		s.state >>= 32
	}
	s.state = s.state/size<<precision + s.state%size + uint64(x.start)
}

// top is the place in the total that the next symbol to be popped owns.
func (s *Stack) top() uint32 { return uint32(s.state % total) }

// pop takes off the symbol that owns top.
func (s *Stack) pop(x span) error {
	state := uint64(x.size)*(s.state>>precision) + uint64(s.top()-x.start)
	if state < floor {
		if len(s.words) == 0 {
			return ErrEmpty
		}
		last := len(s.words) - 1
		state = state<<32 | uint64(s.words[last])
		s.words = s.words[:last]
	}
	s.state = state
	return nil
}

// table is a distribution with integer sizes; symbols of size 0 have no code.
type table []span

// newTable rounds weights that sum to at most one. Positive ones get at least
// one part of the total. With fill the largest gets what is left over, so that
// any bits pop to some symbol.
func newTable(weights []*big.Rat, fill bool) (table, error) {
	if len(weights) >= total {
		return nil, fmt.Errorf("%d symbols, must be less than %d", len(weights), total)
	}
	room := big.NewInt(int64(total - len(weights)))
	t, sum, largest := make(table, len(weights)), int64(0), 0
	for i, w := range weights {
		if w.Sign() <= 0 {
			continue
		}
		n := new(big.Int).Mul(w.Num(), room)
		t[i].size = 1 + uint32(n.Quo(n, w.Denom()).Int64())
		sum += int64(t[i].size)
		if t[i].size > t[largest].size {
			largest = i
		}
	}
	if sum == 0 || sum > total {
		return nil, fmt.Errorf("weights sum to %d of %d, must be positive and at most one", sum, total)
	}
	if fill {
		t[largest].size += uint32(total - sum)
	}
	for i := 1; i < len(t); i++ {
		t[i].start = t[i-1].start + t[i-1].size
	}
	return t, nil
}

// push codes symbol i.
func (t table) push(s *Stack, i int) error {
	if t[i].size == 0 {
		return fmt.Errorf("symbol %d has weight zero and no code", i)
	}
	s.push(t[i])
	return nil
}

// pop decodes a symbol.
func (t table) pop(s *Stack) (int, error) {
	at := s.top()
	for i, x := range t {
		if x.owns(at) {
			return i, s.pop(x)
		}
	}
	return 0, ErrDamaged
}
