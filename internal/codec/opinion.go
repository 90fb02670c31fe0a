package codec

import (
	"math/bits"

	"kolm/internal/mix"
)

// logSteps is the number of steps of the table of logarithms between a power of
// two and the next.
const logSteps = 1024

// logTable[i] is ln(1 + (i+1/2)/1024) in 1/65536 nat.
var logTable [logSteps]int32

// ln2 is ln(2) in 1/65536 nat.
const ln2 = 45426

func init() {
	for i := range logTable {
		logTable[i] = int32(log2Fraction(uint64(2*logSteps+2*i+1)<<20) * ln2 >> 32)
	}
}

// log2Fraction returns log2(x / 2^31) in 1/2^32 for 2^31 <= x < 2^32, a bit for
// each squaring. The table feeds probabilities into the coder, so it must not
// depend on a math library.
func log2Fraction(x uint64) uint64 {
	var f uint64
	for range 32 {
		x = x * x >> 31
		f <<= 1
		if x >= 1<<32 {
			x >>= 1
			f |= 1
		}
	}
	return f
}

// ln returns the natural logarithm of x > 0 in 1/65536 nat, to about 5e-4 nat.
func ln(x uint32) int32 {
	n := bits.LeadingZeros32(x)
	return int32(31-n)*ln2 + logTable[x<<n>>21&(logSteps-1)]
}

// stretchOf returns the stretch of a/(a+b) in 1/256 nat, within +-mix.Limit.
func stretchOf(a, b uint32) int32 {
	return min(max((ln(a)-ln(b)+128)>>8, -mix.Limit), mix.Limit)
}

// stretch is the opinion of a head with prefix sums cum on the decision at n: the
// stretch of its right side, or at a flag of its left side, where the token ends.
func (n *node) stretch(cum []uint32) int32 {
	s := stretchOf(cum[n.hi]-cum[n.mid], cum[n.mid]-cum[n.lo])
	if n.flag() {
		return -s
	}
	return s
}

// hearFrozen fills in the third opinion, 0 if cum is nil.
func (o *Opinion) hearFrozen(n *node, cum []uint32) {
	o.Frozen = 0
	if cum != nil {
		o.Frozen = n.stretch(cum)
	}
}

// hear fills in what two output heads say of the decision at n.
func (o *Opinion) hear(n *node, static, adapted []uint32, depth int) {
	o.Static, o.Adapted = n.stretch(static), n.stretch(adapted)
	const sure = 9 * mix.One
	o.Confidence = int(min(max(o.Adapted, -sure), sure)+sure) * Confidences / (2*sure + 1)
	o.Depth = min(depth, Depths-1)
}
