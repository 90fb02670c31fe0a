package mix

import "math/bits"

// The logistic domain. A probability p is also written as its stretch
// ln(p/(1-p)), in steps of 1/256 nat where it is an input of a Mixer and in
// steps of 1/65536 nat where precision counts. Both ends are cut at 12 nats,
// a probability of 6e-6: a long run costs 1e-5 bits a decision.
const (
	One    = 256      // one nat, as an input
	Limit  = 12 * One // largest input
	fine   = 65536    // one nat, as a result
	fineTo = 12 * fine
)

const (
	squashShift = 11 // the table of squash has a step of 2^11/2^16 = 1/32 nat
	squashSize  = 2*fineTo>>squashShift + 2
)

var (
	squashTable  [squashSize]uint32 // probability / 2^32 at the points of the grid
	stretchTable [4096]int16        // stretch of (i + 1/2) / 4096
)

func init() {
	fillSquash()
	fillStretch()
	fillIdentity()
}

// expStep is exp(-1/32) * 2^64.
const expStep = 17879197424118840458

// fillSquash computes 1/(1+exp(-x)) in 64-bit fixed point. The table feeds
// probabilities into the coder, so it must not depend on a math library.
func fillSquash() {
	const zero = fineTo >> squashShift
	e := ^uint64(0) // exp(-k/32) * 2^64
	for k := 0; zero+k < squashSize; k++ {
		// 1/(1+e) as 2^95 / (2^63 + e/2), a quotient below 2^32.
		q, _ := bits.Div64(1<<31, 0, 1<<63+e>>1)
		q = min(q, 1<<32-1)
		squashTable[zero+k] = uint32(q)
		if k <= zero {
			squashTable[zero-k] = uint32(1<<32 - q)
		}
		e, _ = bits.Mul64(e, expStep)
	}
}

// fillStretch inverts squash: the step of 1/256 nat that is nearest.
func fillStretch() {
	s := int32(-Limit)
	for i := range stretchTable {
		p := uint32(i)<<20 | 1<<19
		for Squash(s*(fine/One)+fine/One/2) < p {
			s++
		}
		stretchTable[i] = int16(s)
	}
}

// Squash returns 2^32/(1+exp(-s/65536)), s cut at +-12 nats.
func Squash(s int32) uint32 {
	s = min(max(s, -fineTo), fineTo) + fineTo
	i := uint32(s) >> squashShift
	a, b := squashTable[i], squashTable[i+1]
	f := uint64(s) & (1<<squashShift - 1)
	return a + uint32(uint64(b-a)*f>>squashShift)
}

// Stretch returns 256*ln(p/(1-p)) of the probability p / 2^32, seen with 12
// bits: within +-2308.
func Stretch(p uint32) int32 { return int32(stretchTable[p>>20]) }

// Stretch12 is Stretch of a probability of 12 bits, p / 2^12.
func Stretch12(p uint32) int32 { return int32(stretchTable[p%4096]) }
