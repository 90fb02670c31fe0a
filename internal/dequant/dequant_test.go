package dequant

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"kolm/internal/half"
	"kolm/internal/nofuse"
)

// number is the definition: number i of a block, one at a time and in float64.
func number(t Type, b []byte, i int) float64 {
	h := func(at int) float64 { return float64(half.ToFloat(uint16(b[at]) | uint16(b[at+1])<<8)) }
	bit := func(at, n int) int { return int(b[at+n/8]) >> (n % 8) & 1 }
	bits := func(at, first, n int) (v int) { // n bits of byte at, from bit first on
		for k := range n {
			v |= bit(at, first+k) << k
		}
		return v
	}
	nibble := func(at, i int) int { // of 32 numbers in 16 bytes
		if i < 16 {
			return bits(at+i, 0, 4)
		}
		return bits(at+i-16, 4, 4)
	}
	table := []float64{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}
	// Scale and minimum of part k of a block of Q4_K or Q5_K. The twelve bytes are
	//	EEaaaaaa FFbbbbbb GGcccccc HHdddddd  low bits of scales a-d, high bits of e-h
	//	eeAAAAAA ...                         the same of the minima
	//	(minimum of e)(scale of e) ...       low four bits of e-h
	sixBits := func(k int) (s, m float64) {
		if k < 4 {
			return float64(bits(4+k, 0, 6)), float64(bits(8+k, 0, 6))
		}
		return float64(bits(8+k, 0, 4) + 16*bits(k, 6, 2)), float64(bits(8+k, 4, 4) + 16*bits(4+k, 6, 2))
	}
	switch t {
	case F32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case F16:
		return h(0)
	case BF16:
		return float64(math.Float32frombits(uint32(b[0])<<16 | uint32(b[1])<<24))
	case Q8_0:
		return h(0) * float64(int8(b[2+i]))
	case Q4_0:
		return h(0) * float64(nibble(2, i)-8)
	case Q4_1:
		return h(0)*float64(nibble(4, i)) + h(2)
	case Q5_0:
		return h(0) * float64(nibble(6, i)+16*bit(2, i)-16)
	case Q5_1:
		return h(0)*float64(nibble(8, i)+16*bit(4, i)) + h(2)
	case IQ4_NL:
		return h(0) * table[nibble(2, i)]
	case Q2_K:
		q := bits(16+i/128*32+i%32, i%128/32*2, 2)
		return h(80)*float64(bits(i/16, 0, 4))*float64(q) - h(82)*float64(bits(i/16, 4, 4))
	case Q3_K:
		q := bits(32+i/128*32+i%32, i%128/32*2, 2) - 4 + 4*bits(i%32, i/32, 1)
		k := i / 16
		s := bits(96+k%8, k/8*4, 4) + 16*bits(104+k%4, k/4*2, 2)
		return h(108) * float64(s-32) * float64(q)
	case Q4_K:
		s, m := sixBits(i / 32)
		return h(0)*s*float64(bits(16+i/64*32+i%32, i%64/32*4, 4)) - h(2)*m
	case Q5_K:
		s, m := sixBits(i / 32)
		q := bits(48+i/64*32+i%32, i%64/32*4, 4) + 16*bits(16+i%32, i/32, 1)
		return h(0)*s*float64(q) - h(2)*m
	case Q6_K:
		n := i % 128
		q := bits(i/128*64+n%64, n/64*4, 4) + 16*bits(128+i/128*32+n%32, n/32*2, 2)
		return h(208) * float64(int8(b[192+i/16])) * float64(q-32)
	case IQ4_XS:
		k := i / 32
		s := bits(4+k/2, k%2*4, 4) + 16*bits(2+k/4, k%4*2, 2)
		return h(0) * float64(s-32) * table[nibble(8+k*16, i%32)]
	}
	panic(t)
}

// scales are the places of the binary16 numbers in a block.
var scales = map[Type][]int{
	Q8_0: {0}, Q4_0: {0}, Q4_1: {0, 2}, Q5_0: {0}, Q5_1: {0, 2}, IQ4_NL: {0},
	Q2_K: {80, 82}, Q3_K: {108}, Q4_K: {0, 2}, Q5_K: {0, 2}, Q6_K: {208}, IQ4_XS: {0},
}

// random returns n blocks of random bits with finite scales.
func random(rng *rand.Rand, t Type, n int) []byte {
	_, size := t.Block()
	b := make([]byte, n*size)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	for at := 0; at < len(b); at += size {
		for _, s := range scales[t] {
			b[at+s+1] &^= 0x40 // below 2
		}
		switch t {
		case F32:
			b[at+3] &^= 0x40
		case F16, BF16:
			b[at+1] &^= 0x40
		}
	}
	return b
}

func TestDefinition(t *testing.T) {
	if len(formats) != 15 {
		t.Fatalf("%d types", len(formats))
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for typ, f := range formats {
		const blocks = 200
		src := random(rng, typ, blocks)
		dst := make([]float32, blocks*f.numbers)
		if err := Widen(dst, typ, src); err != nil {
			t.Errorf("%v: %v", typ, err)
			continue
		}
		for i, got := range dst {
			b := src[i/f.numbers*f.bytes:][:f.bytes]
			want := number(typ, b, i%f.numbers)
			// Three roundings, relative to the larger of two terms.
			if d := math.Abs(float64(got) - want); d > 0x1p-22*math.Abs(want)+0x1p-22*size(typ, b) {
				t.Errorf("%v: number %d is %v, want %v", typ, i, got, want)
				break
			}
		}
	}
}

// size bounds the terms whose difference is a number.
func size(t Type, b []byte) float64 {
	switch t {
	case Q4_1, Q5_1:
		return math.Abs(float64(f16(b))*31) + math.Abs(float64(f16(b[2:])))
	case Q2_K:
		return 15 * (3*math.Abs(float64(f16(b[80:]))) + math.Abs(float64(f16(b[82:]))))
	case Q4_K, Q5_K:
		return 63 * (31*math.Abs(float64(f16(b))) + math.Abs(float64(f16(b[2:]))))
	}
	return 0
}

// TestByHand checks blocks whose numbers were worked out on paper.
func TestByHand(t *testing.T) {
	// 1 is 0x3c00, 2 is 0x4000, 0.5 is 0x3800 in binary16.
	one, two, part := []byte{0, 0x3c}, []byte{0, 0x40}, []byte{0, 0x38}
	fill := func(n int, v byte) []byte { return slices.Repeat([]byte{v}, n) }
	for _, c := range []struct {
		name string
		t    Type
		b    []byte
		want map[int]float32
	}{
		{"f32", F32, []byte{0, 0, 0x80, 0xbf}, map[int]float32{0: -1}},
		{"f16", F16, []byte{0, 0xc0}, map[int]float32{0: -2}},
		{"bf16", BF16, []byte{0x49, 0x40}, map[int]float32{0: 3.140625}},
		{"q8_0", Q8_0, slices.Concat(part, []byte{0x80, 127, 0xff}, fill(29, 0)), map[int]float32{0: -64, 1: 63.5, 2: -.5, 31: 0}},
		{"q4_0", Q4_0, slices.Concat(two, []byte{0xf0}, fill(15, 0x88)), map[int]float32{0: -16, 16: 14, 1: 0, 31: 0}},
		{"q4_1", Q4_1, slices.Concat(two, one, []byte{0xf0}, fill(15, 0x21)), map[int]float32{0: 1, 16: 31, 1: 3, 17: 5}},
		{"q5_0", Q5_0, slices.Concat(one, []byte{1, 0, 0, 0x80}, fill(16, 0x10)), map[int]float32{0: 0, 1: -16, 16: -15, 31: 1}},
		{"q5_1", Q5_1, slices.Concat(one, two, []byte{2, 0, 1, 0}, fill(16, 0xf3)), map[int]float32{0: 5, 1: 21, 16: 33, 17: 17}},
		{"iq4_nl", IQ4_NL, slices.Concat(one, []byte{0xf0}, fill(15, 0x87)), map[int]float32{0: -127, 16: 113, 1: -10, 17: 1}},
		// Scale 1 and minimum 2 in every part: 1*0.5*q - 2*1.
		{"q2_k", Q2_K, slices.Concat(fill(16, 0x21), fill(64, 0xe4), part, one), map[int]float32{0: -2, 32: -1.5, 64: -1, 96: -.5, 128: -2, 255: -.5}},
		// Low bits of all scales 0, high bits 2 in scale 0, 1 in scale 4: s-32 is 0 and -16.
		{"q3_k", Q3_K, slices.Concat(fill(32, 0x04), fill(64, 0x03), append(fill(8, 0), 0x06, 0, 0, 0), one),
			map[int]float32{0: 0, 64: -16 * 0, 65: 0, 128: 32, 160: 128}},
		// Scale 0: 5, scale 4: 1 + 16*2 = 33; minimum 4: 3 + 16*1 = 19.
		{"q4_k", Q4_K, slices.Concat(one, one, []byte{0x85, 0, 0, 0, 0x40, 0, 0, 0, 0x31, 0, 0, 0}, fill(128, 0x72)),
			map[int]float32{0: 10, 32: 0, 128: 2*33 - 19, 159: 47}},
		{"q5_k", Q5_K, slices.Concat(one, one, []byte{5, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0}, []byte{1}, fill(31, 0), fill(128, 0x72)),
			map[int]float32{0: 5*18 - 7, 1: 5*2 - 7}},
		{"q6_k", Q6_K, slices.Concat(fill(128, 0x21), fill(64, 0xe4), append(fill(15, 1), 0xff), two),
			map[int]float32{0: 2 * (1 - 32), 32: 2 * (17 - 32), 64: 2 * (34 - 32), 96: 2 * (50 - 32), 255: -2 * (50 - 32)}},
		// Part 0 has 1 in the low and 2 in the high bits: 33-32; part 1 has 0: -32.
		{"iq4_xs", IQ4_XS, slices.Concat(one, []byte{2, 0}, []byte{1, 0, 0, 0}, fill(128, 0x8f)),
			map[int]float32{0: 113, 16: 1, 32: -32 * 113, 48: -32}},
	} {
		n, _ := c.t.Block()
		dst := make([]float32, n)
		if err := Widen(dst, c.t, c.b); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for i, want := range c.want {
			if dst[i] != want {
				t.Errorf("%s: number %d is %v, want %v", c.name, i, dst[i], want)
			}
		}
	}
}

func TestNotFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for typ, f := range formats {
		places := scales[typ]
		if places == nil {
			places = []int{0}
		}
		for _, s := range places {
			for _, v := range []byte{0, 0xff} { // infinity, NaN
				src := random(rng, typ, 9)
				at := 5*f.bytes + s
				switch typ {
				case F32:
					copy(src[at:], []byte{0, v & 1, 0x80, 0x7f})
				case BF16:
					copy(src[at:], []byte{0x80 | v&1, 0x7f})
				default:
					copy(src[at:], []byte{v & 1, 0xfc})
				}
				err := Widen(make([]float32, 9*f.numbers), typ, src)
				var e *Error
				if !errors.As(err, &e) || e.Offset != at {
					t.Errorf("%v: error is %v, want one at byte %d", typ, err, at)
				}
			}
		}
	}
}

func TestNarrow(t *testing.T) {
	x := []float32{1, -2.5, 0, 65504}
	for _, typ := range []Type{F32, F16} {
		b, err := Narrow(x, typ)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(x))
		if err := Widen(got, typ, b); err != nil || !slices.Equal(got, x) {
			t.Errorf("%v: %v %v", typ, got, err)
		}
	}
	if _, err := Narrow([]float32{65520}, F16); err == nil {
		t.Error("a number too large for F16 was narrowed")
	}
}

func TestNames(t *testing.T) {
	if s := Type(16).String(); s != "IQ2_XXS" {
		t.Error(s)
	}
	if s := Type(77).String(); s != "type 77" {
		t.Error(s)
	}
	if n, b := Type(16).Block(); n != 0 || b != 0 {
		t.Error("a type that is not widened has a block")
	}
}

func BenchmarkWiden(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, typ := range []Type{F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS} {
		b.Run(typ.String(), func(b *testing.B) {
			f := formats[typ]
			dst := make([]float32, 4096)
			src := random(rng, typ, len(dst)/f.numbers)
			for b.Loop() {
				if err := Widen(dst, typ, src); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(dst)), "ns/number")
		})
	}
}

func TestNotFused(t *testing.T) { nofuse.Check(t, "kolm/internal/dequant") }
