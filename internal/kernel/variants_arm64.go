//go:build !purego

package kernel

// variants returns what this CPU runs besides the portable variant, best first.
// NEON with its fused multiply-add is part of every arm64 CPU.
func variants() []*variant { return []*variant{neon()} }

func neon() *variant {
	return &variant{
		name:     "neon",
		matF32:   matF32Neon,
		matI8:    matI8Neon,
		dotI8:    dotI8Neon,
		maxAbs:   maxAbsNeon,
		quantize: quantizeNeon,
		dequant:  dequantNeon,
		sumSq:    sumSqNeon,
		scale:    scaleNeon,
		mul:      mulNeon,
		max:      maxNeon,
		expSum:   expSumNeon,
		siluMul:  siluMulNeon,
		rope:     ropeNeon,
		add:      addNeon,
		axpy:     axpyNeon,
		weights:  weightsNeon,
		prefix:   prefixNeon,
		scatter:  scatterGo,
		adam:     adamGo,
	}
}

// neonRows is the number of rows that the large matrix tiles take at once.
const neonRows = 4

func matF32Neon(dst, x, w []float32, m, rows, cols int) {
	var last [neonRows * Panel]float32 // for a last panel that is not full
	for r := 0; r < rows; r += Panel {
		panel, n := &w[r*cols], min(Panel, rows-r)
		for i := 0; i < m; {
			to, stride := &last[0], Panel
			if n == Panel {
				to, stride = &dst[i*rows+r], rows
			}
			done := 1
			if m-i >= neonRows {
				done = neonRows
				matF32x4NEON(to, stride, &x[i*cols], panel, cols)
			} else {
				matF32x1NEON(to, &x[i*cols], panel, cols)
			}
			for j := 0; n < Panel && j < done; j++ {
				copy(dst[(i+j)*rows+r:][:n], last[j*Panel:])
			}
			i += done
		}
	}
}

// dotPanelNeon stores the integer products of up to neonRows of the m rows of x
// with one panel, and returns how many rows it did.
func dotPanelNeon(dst []int32, stride int, x []uint8, panel []int8, m, k int) int {
	if k == 0 {
		clear(dst[:Panel])
		return 1
	}
	if m < neonRows {
		dotI8x1NEON(&dst[0], &x[0], &panel[0], k)
		return 1
	}
	dotI8x4NEON(&dst[0], stride, &x[0], &panel[0], k)
	dotI8x4NEON(&dst[Panel/2], stride, &x[0], &panel[2*Panel], k) // outputs 8 to 15 of every group of 4 columns
	return neonRows
}

func dotI8Neon(dst []int32, x []uint8, w []int8, m, n, k int) {
	for r := 0; r < n; r += Panel {
		for i := 0; i < m; {
			i += dotPanelNeon(dst[i*n+r:], n, x[i*k:], w[r*k:], m-i, k)
		}
	}
}

func matI8Neon(dst []float32, x []uint8, xs []float32, w *I8, m int) {
	var acc [neonRows * Panel]int32
	for r := 0; r < w.Rows; r += Panel {
		n := min(Panel, w.Rows-r)
		for i := 0; i < m; {
			done := dotPanelNeon(acc[:], Panel, x[i*w.Cols:], w.Data[r*w.Cols:], m-i, w.Cols)
			for j := range done {
				dequantNeon(dst[(i+j)*w.Rows+r:][:n], acc[j*Panel:], w.Sum[r:], xs[i+j], w.Scale[r:])
			}
			i += done
		}
	}
}

// The elementwise functions give blocks of 16 to assembly and what is left to
// the portable variant: the result of an element does not depend on its place.

func addNeon(dst, x []float32) {
	b := len(x) / 16
	if b > 0 {
		addNEON(&dst[0], &x[0], b)
	}
	addGo(dst[16*b:], x[16*b:])
}

func mulNeon(dst, x []float32) {
	b := len(x) / 16
	if b > 0 {
		mulNEON(&dst[0], &x[0], b)
	}
	mulGo(dst[16*b:], x[16*b:])
}

func scaleNeon(dst, x []float32, r float32) {
	b := len(x) / 16
	if b > 0 {
		scaleNEON(&dst[0], &x[0], b, r)
	}
	scaleGo(dst[16*b:], x[16*b:], r)
}

func axpyNeon(dst []float32, a float32, x []float32) {
	b := len(x) / 16
	if b > 0 {
		axpyNEON(&dst[0], a, &x[0], b)
	}
	axpyGo(dst[16*b:], a, x[16*b:])
}

func quantizeNeon(q []uint8, x []float32, inv float32, zero uint8) {
	b := len(x) / 16
	if b > 0 {
		quantizeNEON(&q[0], &x[0], b, inv, expRound, zero)
	}
	quantizeGo(q[16*b:], x[16*b:], inv, zero)
}

func dequantNeon(dst []float32, acc, bias []int32, a float32, scale []float32) {
	b := len(dst) / 16
	if b > 0 {
		dequantNEON(&dst[0], &acc[0], &bias[0], &scale[0], b, a)
	}
	dequantGo(dst[16*b:], acc[16*b:], bias[16*b:], a, scale[16*b:])
}

func ropeNeon(x, cos, sin []float32) {
	h := len(x) / 2
	if h%16 != 0 {
		ropeGo(x, cos, sin)
		return
	}
	ropeNEON(&x[0], &x[h], &cos[0], &sin[0], h/16)
}

func weightsNeon(w []uint32, e []float32, k float32) (total uint32) {
	b := len(e) / 16
	if b > 0 {
		total = weightsNEON(&w[0], &e[0], b, k)
	}
	return total + weightsGo(w[16*b:], e[16*b:], k)
}

func prefixNeon(cum, w []uint32) {
	b := len(w) / 16
	cum[0] = 0
	if b > 0 {
		prefixNEON(&cum[1], &w[0], b)
	}
	for i := 16 * b; i < len(w); i++ {
		cum[i+1] = cum[i] + w[i]
	}
}

func maxNeon(x []float32) float32 {
	b := len(x) / 16
	if b == 0 {
		return maxGo(x)
	}
	m := maxNEON(&x[0], b)
	for _, v := range x[16*b:] {
		m = max(m, v)
	}
	return m
}

func maxAbsNeon(x []float32) float32 {
	b := len(x) / 16
	a := maxAbsGo(x[16*b:])
	if b > 0 {
		a = max(a, maxAbsNEON(&x[0], b))
	}
	return a
}

func sumSqNeon(x []float32) float32 {
	var lane [16]float32
	b := len(x) / 16
	if b > 0 {
		sumSqNEON(&lane, &x[0], b)
	}
	for i, v := range x[16*b:] {
		lane[i] = FMA32(v, v, lane[i])
	}
	return tree(&lane)
}

// The functions below evaluate exponentials: there a last block filled up with
// zeros is cheaper than single elements.

func expSumNeon(dst, x []float32, m float32) float32 {
	var lane [16]float32
	b := len(x) / 16
	if b > 0 {
		expSumNEON(&lane, &dst[0], &x[0], b, m)
	}
	if rest := x[16*b:]; len(rest) > 0 {
		var e, none [16]float32
		copy(e[:], rest)
		expSumNEON(&none, &e[0], &e[0], 1, m)
		for i := range rest {
			lane[i] += e[i]
		}
		copy(dst[16*b:], e[:len(rest)])
	}
	return tree(&lane)
}

func siluMulNeon(dst, gate, up []float32) {
	b := len(gate) / 8
	if b > 0 {
		siluMulNEON(&dst[0], &gate[0], &up[0], b)
	}
	if rest := gate[8*b:]; len(rest) > 0 {
		var g, u [8]float32
		copy(g[:], rest)
		copy(u[:], up[8*b:])
		siluMulNEON(&g[0], &g[0], &u[0], 1)
		copy(dst[8*b:], g[:len(rest)])
	}
}
