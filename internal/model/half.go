package model

import "math"

// HalfToFloat widens an IEEE 754 binary16 number. It is exact.
func HalfToFloat(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp, frac := uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch exp {
	case 0: // zero or subnormal: frac * 2^-24, exact in float32
		v := math.Float32bits(float32(frac) * 0x1p-24)
		return math.Float32frombits(sign | v)
	case 0x1f:
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// FloatToHalf rounds to the nearest binary16 number, ties to even. Numbers from
// 65520 up become infinity; a NaN stays a NaN.
func FloatToHalf(f float32) uint16 {
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
