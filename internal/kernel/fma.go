package kernel

import "math"

// FMA32 returns a*b+c rounded once to float32, to nearest even.
//
// The product of two float32 is exact in float64, so only the sum needs care:
// rounding it to float64 and then to float32 may round twice. That can go
// wrong only where the float64 sum lies on the middle between two float32, or
// where the result is subnormal (there the middle is at another bit); those
// rare cases take the slow path.
func FMA32(a, b, c float32) float32 {
	p := float64(a) * float64(b)
	s := float64(p) + float64(c)
	if math.Float64bits(s)&halfMask == halfBit || (s < minNormal && s > -minNormal) {
		return fmaSlow(p, float64(c))
	}
	return float32(s)
}

const (
	minNormal = 0x1p-126  // smallest normal float32
	halfMask  = 1<<29 - 1 // bits of a float64 that a float32 has not
	halfBit   = 1 << 28   // those bits on the middle between two float32
)

// fmaSlow adds p and c, which are exact, rounding to odd: the last bit of the
// float64 sum is made 1 wherever the sum is not exact. Then the rounding to
// float32, at least two bits shorter, is that of the exact sum (S. Boldo and
// G. Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
//
//go:noinline
func fmaSlow(p, c float64) float32 {
	s := float64(p) + c
	// The error of the sum, exactly (two-sum of Knuth).
	t := s - p
	err := (p - (s - t)) + (c - t)
	bits := math.Float64bits(s)
	if err != 0 && bits&1 == 0 {
		if (err > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	return float32(s)
}
