package codec

import (
	"math"

	"kolm/internal/coder"
)

// bitCoder is the encoder, which codes the bit it is given and returns it, or
// the decoder, which ignores that bit and returns the coded one. p / 2^32 is
// the probability that the bit is 1.
type bitCoder interface {
	code(bit int, p uint32) int
}

// encoder also counts what it spends.
type encoder struct {
	coder.Encoder
	tally
}

// decoder also measures, if it is told to, what the decisions ideally cost.
type decoder struct {
	coder.Decoder
	ideal *float64 // bits; nil: not measured
}

func (e *encoder) code(bit int, p uint32) int {
	e.Encode(bit, p)
	return e.tally.code(bit, p)
}

func (d *decoder) code(_ int, p uint32) int {
	bit := d.Decode(p)
	if d.ideal != nil {
		held := float64(p) / (1 << 32)
		if bit == 0 {
			held = 1 - held
		}
		*d.ideal -= math.Log2(held)
	}
	return bit
}

// tally is a bitCoder that only adds up the ideal lengths of its decisions.
type tally struct {
	spent uint64 // in 1/65536 nat
}

func (t *tally) code(bit int, p uint32) int {
	if bit == 0 {
		p = -p
	}
	t.spent += uint64(32*ln2 - ln(p))
	return bit
}
