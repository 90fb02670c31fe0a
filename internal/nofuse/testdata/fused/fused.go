// Package fused has what nofuse must find.
package fused

import m "math"

func Fused(x, y, z float32) float32 {
	return x*y + z
}

func Inexact(x float64) float64 { return m.Exp(x) }
