// Package half converts IEEE 754 binary16 numbers, which model files use for
// scales and weights. It must not know anything else.
package half

import "math"

// ToFloat widens a binary16 number. It is exact.
func ToFloat(h uint16) float32 {
	// Shifted to its place in a binary32 the exponent is too small by 112; the
	// product is exact, and right for subnormal numbers too.
	b := math.Float32bits(math.Float32frombits(uint32(h&0x7fff)<<13) * 0x1p112)
	if h&0x7c00 == 0x7c00 { // infinity and NaN
		b |= 0xff << 23
	}
	return math.Float32frombits(b | uint32(h&0x8000)<<16)
}

// FromFloat rounds to the nearest binary16 number, ties to even. Numbers from
// 65520 up become infinity; a NaN stays a NaN.
func FromFloat(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	b &= 0x7fffffff
	switch {
	case b > 0xff<<23:
		return sign | 0x7e00
	case b >= 0x477ff000: // 65520
		return sign | 0x7c00
	case b < 113<<23: // below 2^-14: adding 0.5 leaves multiples of 2^-24 in the low bits
		v := math.Float32frombits(b) + 0.5
		return sign | uint16(math.Float32bits(v)-126<<23)
	}
	b += 0xfff + b>>13&1 // may carry into the exponent, as it should
	return sign | uint16((b-112<<23)>>13)
}
