// Package dequant widens the storage types of model weights to float32. It knows
// bytes only: not files, tensors or models.
//
// # Types
//
// Numbers are stored in blocks, one after another in a row; fields are
// little-endian, d and m binary16. x[i] is number i of a block, q[i] its integer.
// Facts from the reference tools of the format (ggml, gguf-py).
//
//	F32, F16, BF16  one number a block; BF16 is the upper half of a binary32
//	Q8_0    32: d, 32 int8;                  x = d q
//	Q4_0    32: d, 16 bytes;                 x = d (q-8)
//	Q4_1    32: d, m, 16 bytes;              x = d q + m
//	Q5_0    32: d, 4 bytes, 16 bytes;        x = d (q-16)
//	Q5_1    32: d, m, 4 bytes, 16 bytes;     x = d q + m
//	IQ4_NL  32: d, 16 bytes;                 x = d table[q]
//
// In the 16 bytes, number i is the low half of byte i, number i+16 the high half;
// bit i of the 4 bytes is the fifth bit of number i.
//
// Blocks of 256 numbers have parts with a scale s, and some a minimum n, of their
// own:
//
//	Q2_K    16 bytes of scales, 64 bytes, d, m; parts of 16
//	        x = (d s) q - (m n), s the low and n the high half of a byte
//	Q3_K    32 bytes of high bits, 64 bytes, 12 bytes of scales, d; parts of 16
//	        x = (d (s-32)) q, q two bits, less 4 unless its high bit is set
//	Q4_K    d, m, 12 bytes of scales, 128 bytes; parts of 32
//	        x = (d s) q - (m n)
//	Q5_K    d, m, 12 bytes of scales, 32 bytes of fifth bits, 128 bytes; as Q4_K
//	Q6_K    128 bytes, 64 bytes of high bits, 16 int8 scales, d; parts of 16
//	        x = (d s) (q-32)
//	IQ4_XS  d, 2 bytes, 4 bytes, 128 bytes; parts of 32
//	        x = (d (s-32)) table[q]; s has 4 bits in the 4 bytes, 2 in the 2 bytes
//
// The functions that widen them say where which bits are.
package dequant

import (
	"fmt"
	"strconv"
)

// Type is a storage type, numbered as in GGUF.
type Type uint32

// The types that the package widens.
const (
	F32    Type = 0
	F16    Type = 1
	Q4_0   Type = 2
	Q4_1   Type = 3
	Q5_0   Type = 6
	Q5_1   Type = 7
	Q8_0   Type = 8
	Q2_K   Type = 10
	Q3_K   Type = 11
	Q4_K   Type = 12
	Q5_K   Type = 13
	Q6_K   Type = 14
	IQ4_NL Type = 20
	IQ4_XS Type = 23
	BF16   Type = 30
)

// format is what the package knows of a type. widen converts whole blocks and
// returns the position of the first number or scale that is not finite, or -1.
type format struct {
	numbers, bytes int
	widen          func(dst []float32, src []byte) int
}

var formats = map[Type]format{
	F32:    {1, 4, widenF32},
	F16:    {1, 2, widenF16},
	BF16:   {1, 2, widenBF16},
	Q8_0:   {32, 34, blocks(34, 32, q8_0, 0)},
	Q4_0:   {32, 18, blocks(18, 32, q4_0, 0)},
	Q4_1:   {32, 20, blocks(20, 32, q4_1, 0, 2)},
	Q5_0:   {32, 22, blocks(22, 32, q5_0, 0)},
	Q5_1:   {32, 24, blocks(24, 32, q5_1, 0, 2)},
	IQ4_NL: {32, 18, blocks(18, 32, iq4NL, 0)},
	Q2_K:   {256, 84, blocks(84, 256, q2K, 80, 82)},
	Q3_K:   {256, 110, blocks(110, 256, q3K, 108)},
	Q4_K:   {256, 144, blocks(144, 256, q4K, 0, 2)},
	Q5_K:   {256, 176, blocks(176, 256, q5K, 0, 2)},
	Q6_K:   {256, 210, blocks(210, 256, q6K, 208)},
	IQ4_XS: {256, 136, blocks(136, 256, iq4XS, 0)},
}

// Block returns how many numbers a block of the type holds and in how many bytes;
// zeros for a type that the package does not widen.
func (t Type) Block() (numbers, bytes int) {
	f := formats[t]
	return f.numbers, f.bytes
}

// names lists all types of GGUF, so that errors can name those that are not read.
var names = map[Type]string{
	0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1",
	10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS",
	17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S",
	23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M",
	30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}

func (t Type) String() string {
	if s, ok := names[t]; ok {
		return s
	}
	return "type " + strconv.Itoa(int(t))
}

// Error says where among bytes a number is not finite.
type Error struct {
	Offset int // in bytes from the start of what was widened
	What   string
}

func (e *Error) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.What) }

// Widen converts src, whole blocks of the type, to len(dst) numbers. It is an
// *Error if a number or a scale is infinite or NaN; dst then holds part of the
// numbers. A type that the package does not widen and lengths that do not fit are
// a bug of the caller and panic.
func Widen(dst []float32, t Type, src []byte) error {
	f, ok := formats[t]
	if !ok || len(src)%f.bytes != 0 || len(dst) != len(src)/f.bytes*f.numbers {
		panic(fmt.Sprintf("dequant: %d bytes of %v for %d numbers", len(src), t, len(dst)))
	}
	at := f.widen(dst, src)
	if at < 0 {
		return nil
	}
	what := "number"
	if f.numbers > 1 {
		what = "scale"
	}
	return &Error{Offset: at, What: fmt.Sprintf("%v %s is not finite", t, what)}
}
