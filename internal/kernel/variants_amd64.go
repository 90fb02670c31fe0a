//go:build !purego

package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// variants returns what this CPU runs besides the portable variant, best first.
func variants() []*variant {
	x := &cpu.X86
	var v []*variant
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512VL && x.HasAVX512DQ && x.HasAVX512VNNI && x.HasFMA && x.HasBMI2 {
		v = append(v, avx512())
	}
	if x.HasAVX2 && x.HasFMA {
		v = append(v, avx2())
	}
	return v
}

func avx512() *variant {
	f32 := tiling[tileF32]{
		{8, 2, f32x8x2Z, f32x8x1Z},
		{4, 4, f32x4x4Z, f32x4x1Z},
		{3, 4, f32x3x4Z, f32x3x1Z},
		{2, 4, f32x2x4Z, f32x2x1Z},
		{1, 4, f32x1x4Z, f32x1x1Z},
	}
	i8 := tiling[tileI8]{
		{8, 2, i8x8x2Z, i8x8x1Z},
		{4, 4, i8x4x4Z, i8x4x1Z},
		{3, 4, i8x3x4Z, i8x3x1Z},
		{2, 4, i8x2x4Z, i8x2x1Z},
		{1, 4, i8x1x4Z, i8x1x1Z},
	}
	v := portable()
	v.name = "avx512"
	v.matF32 = matF32Tiled(f32)
	v.matI8 = matI8Tiled(i8)
	v.dotI8 = dotI8Tiled(i8)

	v.maxAbs = func(x []float32) float32 { return maxAbsZ(&x[0], len(x)) }
	v.max = func(x []float32) float32 { return maxZ(&x[0], len(x)) }
	v.sumSq = func(x []float32) float32 { return sumSqZ(&x[0], len(x)) }
	v.expSum = func(dst, x []float32, m float32) float32 { return expSumZ(&dst[0], &x[0], len(x), m) }
	v.siluMul = func(dst, gate, up []float32) { siluMulZ(&dst[0], &gate[0], &up[0], len(gate)) }
	v.scale = func(dst, x []float32, r float32) { scaleZ(&dst[0], &x[0], len(x), r) }
	v.mul = func(dst, x []float32) { mulZ(&dst[0], &x[0], len(x)) }
	v.add = func(dst, x []float32) { addZ(&dst[0], &x[0], len(x)) }
	v.axpy = func(dst []float32, a float32, x []float32) { axpyZ(&dst[0], a, &x[0], len(x)) }
	v.rope = func(x, cos, sin []float32) { ropeZ(&x[0], &cos[0], &sin[0], len(x)/2) }
	v.quantize = func(q []uint8, x []float32, inv float32, zero uint8) {
		quantizeZ(&q[0], &x[0], len(x), inv, int32(zero))
	}
	v.dequant = func(dst []float32, acc, bias []int32, a float32, scale []float32) {
		dequantZ(&dst[0], &acc[0], &bias[0], len(dst), a, &scale[0])
	}
	v.weights = func(w []uint32, e []float32, k float32) uint32 { return weightsZ(&w[0], &e[0], len(e), k) }
	v.attention = func(q []uint8, x, w []float32) float32 { return attentionZ(&q[0], &x[0], &w[0], len(x)) }
	v.scatter = func(panel, q []int8) int32 {
		if len(q)%64 != 0 || len(q) == 0 {
			return scatterGo(panel, q)
		}
		return scatterZ(&panel[0], &q[0], len(q))
	}
	v.adam = func(w, m, v, g []float32, a *Adam) { adamZ(&w[0], &m[0], &v[0], &g[0], len(w), a) }
	v.prefix = func(cum, w []uint32) { prefixZ(&cum[0], unsafe.SliceData(w), len(w)) }
	return v
}

func avx2() *variant {
	f32 := tiling[tileF32]{
		{4, 1, f32x4x1Y, f32x4x1Y},
		{3, 1, f32x3x1Y, f32x3x1Y},
		{2, 2, f32x2x2Y, f32x2x1Y},
		{1, 4, f32x1x4Y, f32x1x1Y},
	}
	i8 := tiling[tileI8]{
		{2, 1, i8x2x1Y, i8x2x1Y},
		{1, 1, i8x1x1Y, i8x1x1Y},
	}
	v := portable()
	v.name = "avx2"
	v.matF32 = matF32Tiled(f32)
	v.matI8 = matI8Tiled(i8)
	v.dotI8 = dotI8Tiled(i8)

	v.maxAbs = func(x []float32) float32 { return maxAbsY(&x[0], len(x)) }
	v.max = func(x []float32) float32 { return maxY(&x[0], len(x)) }
	v.sumSq = func(x []float32) float32 { return sumSqY(&x[0], len(x)) }
	v.expSum = func(dst, x []float32, m float32) float32 { return expSumY(&dst[0], &x[0], len(x), m) }
	v.siluMul = func(dst, gate, up []float32) { siluMulY(&dst[0], &gate[0], &up[0], len(gate)) }
	v.scale = func(dst, x []float32, r float32) { scaleY(&dst[0], &x[0], len(x), r) }
	v.mul = func(dst, x []float32) { mulY(&dst[0], &x[0], len(x)) }
	v.add = func(dst, x []float32) { addY(&dst[0], &x[0], len(x)) }
	v.axpy = func(dst []float32, a float32, x []float32) { axpyY(&dst[0], a, &x[0], len(x)) }
	v.rope = func(x, cos, sin []float32) { ropeY(&x[0], &cos[0], &sin[0], len(x)/2) }
	v.dequant = func(dst []float32, acc, bias []int32, a float32, scale []float32) {
		dequantY(&dst[0], &acc[0], &bias[0], len(dst), a, &scale[0])
	}
	v.weights = func(w []uint32, e []float32, k float32) uint32 { return weightsY(&w[0], &e[0], len(e), k) }
	v.quantize = func(q []uint8, x []float32, inv float32, zero uint8) {
		n := len(x) &^ 15
		if n > 0 {
			quantizeY(&q[0], &x[0], n, inv, int32(zero))
		}
		quantizeGo(q[n:], x[n:], inv, zero)
	}
	return v
}

// expWide is expTable for loads of 8 elements.
var expWide = func() (wide [len(expTable)][8]float32) {
	for i, c := range expTable {
		for j := range wide[i] {
			wide[i][j] = c
		}
	}
	return wide
}()

// laneMask, read at 64-4n bytes, masks the first n of 16 lanes.
var laneMask = func() (mask [32]uint32) {
	for i := range 16 {
		mask[i] = 1<<32 - 1
	}
	return mask
}()
