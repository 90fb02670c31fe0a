package kernel

import "math"

// maxPos bounds the positions of a RopeTable.
const maxPos = 1 << 20

// RopeTable holds the rotation frequencies of one head size.
type RopeTable struct {
	freq []float64 // base^(-2j/headDim)
}

// NewRopeTable returns the frequencies base^(-2j/headDim) for the pairs j below
// headDim/2. headDim is even, base at least 1.
func NewRopeTable(headDim int, base float64) *RopeTable {
	if headDim <= 0 || headDim%2 != 0 || !(base >= 1 && base <= 1e30) {
		fail("NewRopeTable: head size %d, base %g", headDim, base)
	}
	t := &RopeTable{freq: make([]float64, headDim/2)}
	ln := ln64(base)
	for j := range t.freq {
		t.freq[j] = exp64(float64(-float64(2*j) / float64(headDim) * ln))
	}
	return t
}

// At fills cos and sin, each headDim/2 long, with the cosine and the sine of
// pos times the frequency, for 0 <= pos < 2^20.
func (t *RopeTable) At(pos int, cos, sin []float32) {
	if pos < 0 || pos >= maxPos || len(cos) < len(t.freq) || len(sin) < len(t.freq) {
		fail("RopeTable.At: position %d, cos %d, sin %d of %d", pos, len(cos), len(sin), len(t.freq))
	}
	for j, f := range t.freq {
		s, c := sincos64(float64(float64(pos) * f))
		cos[j], sin[j] = float32(c), float32(s)
	}
}

// The float64 functions below use only +, -, *, / in the order written, with
// explicit conversions so that no compiler fuses.

// Pi/2 and ln 2 in two parts: the product of the first, of 32 bits, with an
// integer below 2^21 is exact.
const (
	invPio2 = 0x1.45f306dc9c883p-1
	pio2Hi  = 0x1.921fb544p+0
	pio2Lo  = 0x1.0b4611a626331p-34
	round64 = 0x1.8p+52

	invLn2 = 0x1.71547652b82fep+0
	ln2Hi  = 0x1.62e42fefp-1
	ln2Lo  = 0x1.473de6af278edp-34
)

// Taylor coefficients, highest first, each 1/k! rounded to float64. Those of
// sine and cosine end where the error, 1e-10, is far below float32.
var (
	sinCoef = [5]float64{-1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6}
	cosCoef = [5]float64{-1.0 / 3628800, 1.0 / 40320, -1.0 / 720, 1.0 / 24, -1.0 / 2}
	expCoef = []float64{1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1, 1}
	lnCoef  = []float64{1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1}
)

// horner evaluates the polynomial with coefficients c, highest first.
func horner(x float64, c []float64) float64 {
	p := c[0]
	for _, v := range c[1:] {
		p = float64(p*x) + v
	}
	return p
}

// sincos64 returns the sine and the cosine of x for 0 <= x < 2^20: x = n pi/2 +
// r, polynomials in r*r, then the quadrant n mod 4.
func sincos64(x float64) (sin, cos float64) {
	n := float64(float64(x*invPio2)+round64) - round64
	r := float64(x-float64(n*pio2Hi)) - float64(n*pio2Lo)
	r2 := float64(r * r)
	s, c := sinCoef[0], cosCoef[0]
	for i := 1; i < len(sinCoef); i++ { // horner for both, side by side
		s = float64(s*r2) + sinCoef[i]
		c = float64(c*r2) + cosCoef[i]
	}
	s = r + float64(float64(r*r2)*s)
	c = 1 + float64(r2*c)
	switch int64(n) & 3 {
	case 1:
		return c, -s
	case 2:
		return -s, -c
	case 3:
		return -c, s
	}
	return s, c
}

// exp64 returns e**x for -700 < x <= 0.
func exp64(x float64) float64 {
	n := float64(float64(x*invLn2)+round64) - round64
	r := float64(x-float64(n*ln2Hi)) - float64(n*ln2Lo)
	return horner(r, expCoef) * math.Float64frombits(uint64(1023+int64(n))<<52)
}

// ln64 returns the natural logarithm of a normal x: x = 2^e m with m in
// [sqrt(1/2), sqrt(2)), ln m = 2 atanh((m-1)/(m+1)) by its series.
func ln64(x float64) float64 {
	bits := math.Float64bits(x)
	e := float64(int64(bits>>52) - 1022)
	m := math.Float64frombits(bits&(1<<52-1) | 1022<<52) // [1/2, 1)
	if m < 0x1.6a09e667f3bcdp-1 {
		m, e = 2*m, e-1
	}
	s := (m - 1) / (m + 1)
	atanh := float64(s * horner(float64(s*s), lnCoef))
	return float64(e*ln2Hi) + float64(float64(e*ln2Lo)+float64(2*atanh))
}
