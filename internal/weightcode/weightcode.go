// Package weightcode writes matrices of integers, such as weights rounded to
// multiples of a step, in about as many bits as their distribution asks for, and
// reads them back.
//
// A number is coded by binary decisions: how long its magnitude is in bits, then
// the bits below the first, then its sign. Every decision but the sign and the
// lowest bits of long numbers is estimated from what came before at the same
// place of the tree in the same context. The context is how large a number is to
// be expected here, by the magnitudes above it in its column and before it in its
// row. Rows and columns of trained matrices differ in
// size, and that is most of what there is to be known about them.
//
// Everything is integers. The package must not know models.
package weightcode

import (
	"errors"
	"math"
	"math/bits"

	"kolm/internal/coder"
)

// Most is the largest magnitude of a number.
const Most = 1<<20 - 1

// ErrCorrupt means that the bytes are not what an encoder writes.
var ErrCorrupt = errors.New("weightcode: damaged")

// Quantize rounds weights to multiples of a step, to even where two are as near,
// at most limit steps from zero.
func Quantize(w []float32, step float64, limit int) []int32 {
	q := make([]int32, len(w))
	for i, x := range w {
		v := math.RoundToEven(float64(x) / step)
		q[i] = int32(min(max(v, -float64(limit)), float64(limit)))
	}
	return q
}

const (
	levels   = 28 // contexts: half octaves of the expected magnitude
	lengths  = 21 // of a magnitude in bits, 0 to 20
	exactTop = 3  // bits below the first that are estimated
	fraction = 8  // bits below the point of a mean
)

// counts are the decisions seen in a context, estimated by Krichevsky and
// Trofimov's rule. They are halved when they are many.
type counts [2]uint16

func (n *counts) one() uint32 {
	return uint32((2*uint64(n[1]) + 1) << 32 / (2 * (uint64(n[0]) + uint64(n[1]) + 1)))
}

func (n *counts) learn(bit int) {
	if n[bit]++; n[bit] >= 1<<13 {
		n[0], n[1] = n[0]/2, n[1]/2
	}
}

// state is what is learned from all matrices of a message.
type state struct {
	length [levels][lengths]counts                // is the magnitude longer than this?
	below  [levels][lengths][1 << exactTop]counts // bits below the first, by those before
	usual  uint32                                 // mean magnitude so far
	code   func(bit int, p uint32) int
	ideal  float64
}

// decide codes a decision whose probability is learned.
func (s *state) decide(bit int, n *counts) int {
	bit = s.fixed(bit, n.one())
	n.learn(bit)
	return bit
}

// fixed codes a decision of a known probability of a one.
func (s *state) fixed(bit int, p uint32) int {
	bit = s.code(bit, p)
	q := float64(p) / (1 << 32)
	if bit == 0 {
		q = 1 - q
	}
	s.ideal -= math.Log2(q)
	return bit
}

const half = 1 << 31

// number codes a number where one of the magnitude expected is expected, in
// 1/256.
func (s *state) number(v int32, expected uint32) int32 {
	level := 0
	if expected > 0 {
		n := bits.Len32(expected)
		level = 2 * n
		if expected<<(32-n)&(1<<30) != 0 {
			level++
		}
		level = min(max(level-2, 0), levels-1)
	}
	size := uint32(max(v, -v))
	want, n := bits.Len32(size), 0
	for n < lengths-1 && s.decide(truth(n < want), &s.length[level][n]) == 1 {
		n++
	}
	if n == 0 {
		return 0
	}
	out, prefix := uint32(1), 1
	for i := n - 2; i >= 0; i-- {
		bit := int(size >> i & 1)
		if n-2-i < exactTop {
			bit = s.decide(bit, &s.below[level][n][prefix])
			prefix = prefix<<1 | bit
		} else {
			bit = s.fixed(bit, half)
		}
		out = out<<1 | uint32(bit)
	}
	if s.fixed(truth(v < 0), half) == 1 {
		return -int32(out)
	}
	return int32(out)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// matrix codes the numbers of a matrix with rows of cols numbers. The magnitude
// expected is the mean of the column above, times how much larger than such means
// the row is so far.
func (s *state) matrix(q []int32, cols int) {
	const one = 1 << fraction
	column := make([]uint32, cols) // in 1/256; newer ones count more, as in all means here
	for c := range column {
		column[c] = s.usual
	}
	for at := 0; at < len(q); at += cols {
		row := uint32(one)
		for c := range cols {
			mean := max(column[c], one/16)
			expected := uint32(uint64(mean) * uint64(row) >> fraction)
			v := s.number(q[at+c], expected)
			q[at+c] = v
			size := uint64(max(v, -v)) << fraction
			row += uint32(min(size<<fraction/uint64(mean), 64*one))/12 - row/12
			row = max(row, one/16)
			column[c] += uint32(size<<fraction/uint64(row))/24 - column[c]/24
			s.usual += uint32(size)/256 - s.usual/256
		}
	}
}

// Encoder writes matrices one after the other.
type Encoder struct {
	state
	e *coder.Encoder
}

// NewEncoder returns an encoder that appends to dst.
func NewEncoder(dst []byte) *Encoder {
	w := &Encoder{e: coder.NewEncoder(dst)}
	w.code = func(bit int, p uint32) int { w.e.Encode(bit, p); return bit }
	return w
}

// Matrix writes rows of cols numbers, none of a magnitude above Most.
func (w *Encoder) Matrix(q []int32, cols int) { w.matrix(q, cols) }

// Bits is the ideal length of what was written: -log2 of its probability.
func (w *Encoder) Bits() float64 { return w.ideal }

// Flush ends the message and returns it.
func (w *Encoder) Flush() []byte { return w.e.Flush() }

// Decoder reads what an Encoder wrote.
type Decoder struct {
	state
	d *coder.Decoder
}

// NewDecoder returns a decoder of a message.
func NewDecoder(src []byte) *Decoder {
	r := &Decoder{d: coder.NewDecoder(src)}
	r.code = func(_ int, p uint32) int { return r.d.Decode(p) }
	return r
}

// Matrix fills q, rows of cols numbers.
func (r *Decoder) Matrix(q []int32, cols int) error {
	clear(q)
	r.matrix(q, cols)
	if r.d.Overrun() > 8 {
		return ErrCorrupt
	}
	return nil
}

// End checks that the message ends here.
func (r *Decoder) End() error {
	if r.d.Overrun() > 8 || r.d.Unread() > 0 {
		return ErrCorrupt
	}
	return nil
}
