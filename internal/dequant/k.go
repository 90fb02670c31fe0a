package dequant

import "encoding/binary"

// Blocks of 256 numbers. Those of two, four and six bits hold the numbers of a
// half block (128 numbers; 64 for Q4_K and Q5_K) in layers: bits 0 and 1 of byte
// i are number i, bits 2 and 3 number i+32, and so on.

func q2K(dst []float32, b []byte) {
	scales, qs, d, m := b[:16], b[16:80], f16(b[80:]), f16(b[82:])
	for part, s := range scales {
		ds, mn := d*float32(s&15), float32(m*float32(s>>4))
		shift := 2 * (part / 2 % 4)
		for i, q := range qs[part/8*32+part%2*16:][:16] {
			dst[part*16+i] = float32(ds*float32(q>>shift&3)) - mn
		}
	}
}

// q3K: scale k has its low four bits in half k/8 of byte k%8, its high two bits
// in bits 2*(k/4) of byte 8+k%4.
func q3K(dst []float32, b []byte) {
	high, qs, scales, d := b[:32], b[32:96], b[96:108], f16(b[108:])
	for part := range 16 {
		s := int(scales[part%8]>>(part/8*4)&15) | int(scales[8+part%4]>>(part/4*2)&3)<<4
		ds := d * float32(s-32)
		shift, bit, from := 2*(part/2%4), part/2, part%2*16
		for i, q := range qs[part/8*32+from:][:16] {
			x := int(q>>shift&3) - 4 + int(high[from+i]>>bit&1)<<2
			dst[part*16+i] = ds * float32(x)
		}
	}
}

// scaleMin returns scale and minimum k of the 8 in 12 bytes: the first four of
// each are the low six bits of bytes k and k+4; of the others the low four bits
// are the halves of byte k+4, the high two the upper bits of bytes k-4 and k.
func scaleMin(b []byte, k int) (s, m float32) {
	if k < 4 {
		return float32(b[k] & 63), float32(b[k+4] & 63)
	}
	return float32(b[k+4]&15 | b[k-4]>>6<<4), float32(b[k+4]>>4 | b[k]>>6<<4)
}

func q4K(dst []float32, b []byte) {
	d, m, qs := f16(b), f16(b[2:]), b[16:144]
	for part := range 8 {
		s, n := scaleMin(b[4:16], part)
		ds, mn := d*s, float32(m*n)
		shift := part % 2 * 4
		for i, q := range qs[part/2*32:][:32] {
			dst[part*32+i] = float32(ds*float32(q>>shift&15)) - mn
		}
	}
}

func q5K(dst []float32, b []byte) {
	d, m, high, qs := f16(b), f16(b[2:]), b[16:48], b[48:176]
	for part := range 8 {
		s, n := scaleMin(b[4:16], part)
		ds, mn := d*s, float32(m*n)
		shift := part % 2 * 4
		for i, q := range qs[part/2*32:][:32] {
			x := q>>shift&15 | high[i]>>part&1<<4
			dst[part*32+i] = float32(ds*float32(x)) - mn
		}
	}
}

// q6K: of each half block, 64 bytes hold the low four bits, first of the numbers
// 0 to 63, then of 64 to 127, and 32 bytes the high two in layers.
func q6K(dst []float32, b []byte) {
	low, high, scales, d := b[:128], b[128:192], b[192:208], f16(b[208:])
	for part, s := range scales {
		ds := d * float32(int8(s))
		half, in := part/8, part%8*16 // first number in the half block
		lows, highs := low[half*64+in%64:][:16], high[half*32+in%32:][:16]
		for i, l := range lows {
			x := int(l>>(in/64*4)&15|highs[i]>>(in/32*2)&3<<4) - 32
			dst[part*16+i] = ds * float32(x)
		}
	}
}

func iq4XS(dst []float32, b []byte) {
	d, high, low, qs := f16(b), binary.LittleEndian.Uint16(b[2:]), b[4:8], b[8:136]
	for part := range 8 {
		s := int(low[part/2]>>(part%2*4)&15) | int(high>>(2*part)&3)<<4
		lookUp(dst[part*32:][:32], d*float32(s-32), qs[part*16:][:16])
	}
}
