package half

import (
	"math"
	"testing"
)

// TestHalf goes through every binary16 number: widening is exact, narrowing
// finds it again, and the numbers between two neighbours go to the nearer one.
func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		h := uint16(h)
		f := ToFloat(h)
		if math.IsNaN(float64(f)) {
			if h&0x7c00 != 0x7c00 || h&0x3ff == 0 || FromFloat(f)&0x7fff != 0x7e00 {
				t.Fatalf("%#x is NaN", h)
			}
			continue
		}
		if f64 := halfValue(h); float64(f) != f64 || math.Signbit(float64(f)) != math.Signbit(f64) {
			t.Fatalf("%#x is %v, want %v", h, f, f64)
		}
		if got := FromFloat(f); got != h {
			t.Fatalf("%v is %#x, want %#x", f, got, h)
		}
		if h&0x7fff >= 0x7bff {
			continue
		}
		middle := (f + ToFloat(h+1)) / 2 // exact in float32
		even := h + h&1
		below := math.Float32frombits(math.Float32bits(middle) - 1) // nearer to zero
		above := math.Float32frombits(math.Float32bits(middle) + 1)
		if FromFloat(middle) != even || FromFloat(below) != h || FromFloat(above) != h+1 {
			t.Fatalf("around %v: %#x %#x %#x, want %#x %#x %#x", middle,
				FromFloat(below), FromFloat(middle), FromFloat(above), h, even, h+1)
		}
	}
	for _, c := range []struct {
		f    float32
		want uint16
	}{{65504, 0x7bff}, {65519.99, 0x7bff}, {65520, 0x7c00}, {-1e30, 0xfc00}, {1e-30, 0}, {-1e-30, 0x8000}, {0x1p-25, 0}, {0x1.8p-25, 1}} {
		if got := FromFloat(c.f); got != c.want {
			t.Errorf("%v is %#x, want %#x", c.f, got, c.want)
		}
	}
}

// halfValue is the definition.
func halfValue(h uint16) float64 {
	sign := 1 - 2*float64(h>>15)
	e, frac := int(h>>10&31), float64(h&1023)
	switch e {
	case 0:
		return sign * frac * 0x1p-24
	case 31:
		return sign * math.Inf(1)
	}
	return sign * math.Ldexp(1+frac/1024, e-15)
}
