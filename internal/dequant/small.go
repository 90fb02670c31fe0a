package dequant

import (
	"encoding/binary"
	"math"

	"kolm/internal/half"
)

// Products that are added to something are written float32(x*y): so no compiler
// fuses them, and every machine reads the same weights.

func widenF32(dst []float32, src []byte) int {
	for i := range dst {
		bits := binary.LittleEndian.Uint32(src[4*i:])
		if bits&(0xff<<23) == 0xff<<23 {
			return 4 * i
		}
		dst[i] = math.Float32frombits(bits)
	}
	return -1
}

func widenF16(dst []float32, src []byte) int {
	for i := range dst {
		h := binary.LittleEndian.Uint16(src[2*i:])
		if h&0x7c00 == 0x7c00 {
			return 2 * i
		}
		dst[i] = half.ToFloat(h)
	}
	return -1
}

func widenBF16(dst []float32, src []byte) int {
	for i := range dst {
		bits := uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16
		if bits&(0xff<<23) == 0xff<<23 {
			return 2 * i
		}
		dst[i] = math.Float32frombits(bits)
	}
	return -1
}

// blocks returns the conversion of blocks by f. The binary16 scales of a block
// are at the given places.
func blocks(bytes, numbers int, f func(dst []float32, b []byte), scales ...int) func([]float32, []byte) int {
	return func(dst []float32, src []byte) int {
		for at := 0; at < len(src); at += bytes {
			b := src[at : at+bytes]
			for _, s := range scales {
				if b[s+1]&0x7c == 0x7c {
					return at + s
				}
			}
			f(dst[:numbers], b)
			dst = dst[numbers:]
		}
		return -1
	}
}

// f16 reads the binary16 number at the start of b.
func f16(b []byte) float32 { return half.ToFloat(binary.LittleEndian.Uint16(b)) }

func q8_0(dst []float32, b []byte) {
	d := f16(b)
	for i, q := range b[2:34] {
		dst[i] = d * float32(int8(q))
	}
}

func q4_0(dst []float32, b []byte) {
	d := f16(b)
	for i, q := range b[2:18] {
		dst[i], dst[i+16] = d*float32(int(q&15)-8), d*float32(int(q>>4)-8)
	}
}

func q4_1(dst []float32, b []byte) {
	d, m := f16(b), f16(b[2:])
	for i, q := range b[4:20] {
		dst[i], dst[i+16] = float32(d*float32(q&15))+m, float32(d*float32(q>>4))+m
	}
}

// fifth returns numbers i and i+16 of a block of five-bit numbers.
func fifth(bits uint32, q byte, i int) (lo, hi uint32) {
	return uint32(q&15) | bits>>i&1<<4, uint32(q>>4) | bits>>(i+16)&1<<4
}

func q5_0(dst []float32, b []byte) {
	d, bits := f16(b), binary.LittleEndian.Uint32(b[2:])
	for i, q := range b[6:22] {
		lo, hi := fifth(bits, q, i)
		dst[i], dst[i+16] = d*float32(int(lo)-16), d*float32(int(hi)-16)
	}
}

func q5_1(dst []float32, b []byte) {
	d, m, bits := f16(b), f16(b[2:]), binary.LittleEndian.Uint32(b[4:])
	for i, q := range b[8:24] {
		lo, hi := fifth(bits, q, i)
		dst[i], dst[i+16] = float32(d*float32(lo))+m, float32(d*float32(hi))+m
	}
}

// nonLinear is the table of the IQ4 types.
var nonLinear = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

func iq4NL(dst []float32, b []byte) { lookUp(dst, f16(b), b[2:18]) }

// lookUp widens 32 numbers by the table.
func lookUp(dst []float32, d float32, nibbles []byte) {
	for i, q := range nibbles {
		dst[i], dst[i+16] = d*nonLinear[q&15], d*nonLinear[q>>4]
	}
}
