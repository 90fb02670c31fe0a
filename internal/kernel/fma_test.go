package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// bigFMA is a*b+c by exact rational arithmetic, with the sign rules of IEEE
// 754 for a zero result.
func bigFMA(a, b, c float32) float32 {
	p := new(big.Float).SetPrec(2000).SetFloat64(float64(a) * float64(b))
	sum := new(big.Float).SetPrec(2000).Add(p, big.NewFloat(float64(c)))
	if sum.Sign() == 0 {
		return float32(float64(a)*float64(b)) + c // both zero or cancelling: exact
	}
	f, _ := sum.Float32()
	return f
}

func TestFMA32(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	bits := func() float32 {
		for {
			if f := math.Float32frombits(rng.Uint32()); !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) {
				return f
			}
		}
	}
	near := func(lo, hi int) float32 { // random mantissa, exponent in a range
		e := lo + rng.IntN(hi-lo)
		return math.Float32frombits(rng.Uint32()&(1<<31|1<<23-1) | uint32(e+127)<<23)
	}
	few := func(n int) float32 { // n significant bits, so that ties are frequent
		return float32(int(rng.Uint32()>>(32-n))-1<<(n-1)) * exp2(rng.IntN(40)-20)
	}
	mustRoundTwice := map[string]bool{"far tie": true, "under tie": true}
	cases := map[string]func() (a, b, c float32){
		"any bits": func() (a, b, c float32) { return bits(), bits(), bits() },
		"near one": func() (a, b, c float32) { return near(-3, 3), near(-3, 3), near(-6, 6) },
		"ties":     func() (a, b, c float32) { return few(12), few(13), few(24) },
		"far tie": func() (a, b, c float32) { // the product is a hair under half a unit of c
			j, e := float32(rng.IntN(64))*0x1p-23, rng.IntN(100)-50
			return 1 + j, (1 - j) * exp2(e-24), (1 + float32(rng.IntN(1<<23))*0x1p-23) * exp2(e)
		},
		"subnormal": func() (a, b, c float32) { return near(-80, -60), near(-80, -60), few(10) * 0x1p-126 },
		"under tie": func() (a, b, c float32) { // the same with a subnormal c
			j := float32(rng.IntN(64)) * 0x1p-23
			return (1 + j) * 0x1p-75, (j - 1) * 0x1p-75, float32(rng.IntN(1<<22)) * 0x1p-149
		},
		"huge":       func() (a, b, c float32) { return near(60, 66), near(60, 66), near(120, 128) },
		"zeros":      func() (a, b, c float32) { return few(1) * 0, few(2), few(1) * 0 },
		"product -c": func() (a, b, c float32) { a, b = near(-3, 3), near(-3, 3); return a, b, -(a * b) },
	}
	n := 60000
	if testing.Short() {
		n = 10000
	}
	for name, gen := range cases {
		slow := 0
		for range n {
			a, b, c := gen()
			got, want := FMA32(a, b, c), bigFMA(a, b, c)
			if math.Float32bits(got) != math.Float32bits(want) {
				t.Fatalf("%s: FMA32(%x, %x, %x) = %x, want %x", name, a, b, c, got, want)
			}
			if p := float64(a) * float64(b); float32(p+float64(c)) != want {
				slow++
			}
		}
		if mustRoundTwice[name] && slow < n/10 {
			t.Errorf("%s: rounding twice would have been wrong %d times in %d only: the cases do not test it", name, slow, n)
		}
	}
}

func exp2(e int) float32 { return float32(math.Ldexp(1, e)) }

// TestFMA32DoubleRounding has cases built so that the float64 sum is a tie of
// float32 and the exact sum is not.
func TestFMA32DoubleRounding(t *testing.T) {
	for _, c := range []struct{ a, b, c, want float32 }{
		{1 + 0x1p-23, 0x1p-24, 1, 1 + 0x1p-23},                      // tie + a bit: up
		{1 + 0x1p-12, 0x1p-52 + 0x1p-64, 1 + 0x1p-23, 1 + 0x1p-23},  // far below
		{0x1p-40, 0x1p-40, 1, 1},                                    // lost
		{-0x1p-40, 0x1p-40, 1, 1},                                   // lost
		{1 - 0x1p-24, 0x1p-149, 0x1p-149, 0x1p-148},                 // subnormal, just below a tie
		{0x1p-75, 0x1p-75, 0, 0},                                    // half the smallest: to even
		{0x1p-75, 0x1p-75 + 0x1p-98, 0, 0x1p-149},                   // above half
		{math.MaxFloat32, 1, 0x1p103, float32(math.Inf(1))},         // tie at the end: to even
		{math.MaxFloat32, 1, 0x1p103 - 0x1p79, math.MaxFloat32},     // below that tie
		{-math.MaxFloat32, 2, math.MaxFloat32, -math.MaxFloat32},    // passes through
		{math.MaxFloat32, math.MaxFloat32, 0, float32(math.Inf(1))}, // overflow
	} {
		if got := FMA32(c.a, c.b, c.c); got != c.want || got != bigFMA(c.a, c.b, c.c) {
			t.Errorf("FMA32(%x, %x, %x) = %x, want %x (%x)", c.a, c.b, c.c, got, c.want, bigFMA(c.a, c.b, c.c))
		}
	}
}

func BenchmarkFMA32(b *testing.B) {
	var acc float32
	for i := 0; i < b.N; i++ {
		acc = FMA32(1.25, acc, 0.5)
	}
	sink = acc
}

var sink float32
