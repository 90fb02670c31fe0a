package model

import (
	"math"

	"kolm/internal/half"
)

// Quantize rounds float32 weights w, row-major (rows, cols), to int8 with one
// scale per row: w[r][c] is close to q[r][c] * scale[r].
//
// The scale is the smallest binary16 number that is at least max|w[r]| / 127,
// so that a GGUF Q8_0 file holds it exactly, and q = RNE(w / scale), the exact
// quotient rounded once, in [-127, 127]. A row of zeros has scale 0. Rows
// beyond 127 * 65504 saturate. All weights must be finite.
func Quantize(rows, cols int, w []float32) (q []int8, scale []float32) {
	q, scale = make([]int8, rows*cols), make([]float32, rows)
	for r := range rows {
		scale[r] = quantizeRow(q[r*cols:(r+1)*cols], w[r*cols:(r+1)*cols])
	}
	return q, scale
}

func quantizeRow(q []int8, w []float32) float32 {
	var a float32
	for _, x := range w {
		a = max(a, float32(math.Abs(float64(x))))
	}
	scale := halfScale(a)
	if scale == 0 {
		clear(q)
		return 0
	}
	// A float64 quotient of a 24-bit and an 11-bit number is a tie only if the
	// exact one is, so rounding it rounds the exact quotient.
	s := float64(scale)
	for i, x := range w {
		v := math.RoundToEven(float64(x) / s)
		q[i] = int8(max(-127, min(127, v)))
	}
	return scale
}

// halfScale is the smallest binary16 number s with s * 127 >= a.
func halfScale(a float32) float32 {
	h := half.FromFloat(a / 127)
	if float64(half.ToFloat(h))*127 < float64(a) { // the product is exact
		h++
	}
	return half.ToFloat(min(h, 0x7bff))
}
