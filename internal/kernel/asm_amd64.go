//go:build !purego

package kernel

import "unsafe"

// The functions in assembly. Z stands for AVX-512, Y for AVX2.

//go:noescape
func f32x8x2Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x4x4Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x3x4Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x2x4Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x1x4Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x8x1Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x4x1Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x3x1Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x2x1Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x1x1Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func i8x8x2Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)

//go:noescape
func i8x4x4Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)

//go:noescape
func i8x3x4Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)

//go:noescape
func i8x2x4Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)

//go:noescape
func i8x1x4Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)

//go:noescape
func i8x8x1Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)

//go:noescape
func i8x4x1Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)

//go:noescape
func i8x3x1Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)

//go:noescape
func i8x2x1Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)

//go:noescape
func i8x1x1Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)

//go:noescape
func maxAbsZ(x *float32, n int) float32

//go:noescape
func maxZ(x *float32, n int) float32

//go:noescape
func sumSqZ(x *float32, n int) float32

//go:noescape
func expSumZ(dst, x *float32, n int, m float32) float32

//go:noescape
func siluMulZ(dst, gate, up *float32, n int)

//go:noescape
func scaleZ(dst, x *float32, n int, r float32)

//go:noescape
func mulZ(dst, x *float32, n int)

//go:noescape
func addZ(dst, x *float32, n int)

//go:noescape
func axpyZ(dst *float32, a float32, x *float32, n int)

//go:noescape
func ropeZ(x, cos, sin *float32, h int)

//go:noescape
func quantizeZ(q *uint8, x *float32, n int, inv float32, zero int32)

//go:noescape
func dequantZ(dst *float32, acc, bias *int32, n int, a float32, scale *float32)

//go:noescape
func weightsZ(w *uint32, e *float32, n int, k float32) uint32

//go:noescape
func prefixZ(cum, w *uint32, n int)

//go:noescape
func attentionZ(q *uint8, x, w *float32, n int) (scale float32)

//go:noescape
func scatterZ(panel, q *int8, n int) (sum int32)

//go:noescape
func adamZ(w, m, v, grad *float32, n int, a *Adam)

//go:noescape
func f32x4x1Y(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x3x1Y(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x2x2Y(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x1x4Y(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x2x1Y(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func f32x1x1Y(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

//go:noescape
func i8x2x1Y(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)

//go:noescape
func i8x1x1Y(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)

//go:noescape
func maxAbsY(x *float32, n int) float32

//go:noescape
func maxY(x *float32, n int) float32

//go:noescape
func sumSqY(x *float32, n int) float32

//go:noescape
func expSumY(dst, x *float32, n int, m float32) float32

//go:noescape
func siluMulY(dst, gate, up *float32, n int)

//go:noescape
func scaleY(dst, x *float32, n int, r float32)

//go:noescape
func mulY(dst, x *float32, n int)

//go:noescape
func addY(dst, x *float32, n int)

//go:noescape
func axpyY(dst *float32, a float32, x *float32, n int)

//go:noescape
func ropeY(x, cos, sin *float32, h int)

//go:noescape
func dequantY(dst *float32, acc, bias *int32, n int, a float32, scale *float32)

//go:noescape
func weightsY(w *uint32, e *float32, n int, k float32) uint32

//go:noescape
func quantizeY(q *uint8, x *float32, n int, inv float32, zero int32)

func peakF32Z(n int)
func peakI8Z(n int)
func peakF32Y(n int)
