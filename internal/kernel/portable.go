package kernel

import "math"

// The portable variant: plain Go, and the meaning of every other variant.
// Lengths have been checked by the exported functions.

func portable() *variant {
	return &variant{
		name:     "portable",
		matF32:   matF32Go,
		matI8:    matI8Go,
		dotI8:    dotI8Go,
		maxAbs:   maxAbsGo,
		quantize: quantizeGo,
		dequant:  dequantGo,
		sumSq:    sumSqGo,
		scale:    scaleGo,
		mul:      mulGo,
		max:      maxGo,
		expSum:   expSumGo,
		siluMul:  siluMulGo,
		rope:     ropeGo,
		add:      addGo,
		axpy:     axpyGo,
		weights:  weightsGo,
		prefix:   prefixGo,
	}
}

// matF32Go has FMA32 written out, which is beyond the compiler's inlining
// budget, and holds the float32 accumulators as float64.
func matF32Go(dst, x, w []float32, m, rows, cols int) {
	for r := 0; r < rows; r += Panel {
		panel := w[r*cols:][:Panel*cols]
		for i := range m {
			var acc [Panel]float64
			for c, xc := range x[i*cols:][:cols] {
				xv, wc := float64(xc), (*[Panel]float32)(panel[c*Panel:])
				for j := range acc {
					p := xv * float64(wc[j])
					s := float64(p) + acc[j]
					if math.Float64bits(s)&halfMask == halfBit || (s < minNormal && s > -minNormal) {
						s = float64(fmaSlow(p, acc[j]))
					}
					acc[j] = float64(float32(s))
				}
			}
			row := dst[i*rows:][:rows][r:]
			for j := range row[:min(Panel, len(row))] {
				row[j] = float32(acc[j])
			}
		}
	}
}

// dotPanel returns the 16 integer products of one row of x with one panel.
func dotPanel(x []uint8, panel []int8) (acc [Panel]int32) {
	for c := 0; c < len(x); c += 4 {
		x4 := (*[4]uint8)(x[c:])
		x0, x1, x2, x3 := int32(x4[0]), int32(x4[1]), int32(x4[2]), int32(x4[3])
		w := (*[4 * Panel]int8)(panel[c*Panel:])
		for j := range acc {
			acc[j] += x0*int32(w[4*j]) + x1*int32(w[4*j+1]) + x2*int32(w[4*j+2]) + x3*int32(w[4*j+3])
		}
	}
	return acc
}

func matI8Go(dst []float32, x []uint8, xs []float32, w *I8, m int) {
	for r := 0; r < w.Rows; r += Panel {
		panel := w.Data[r*w.Cols:][:Panel*w.Cols]
		for i := range m {
			acc := dotPanel(x[i*w.Cols:][:w.Cols], panel)
			n := min(Panel, w.Rows-r)
			dequantGo(dst[i*w.Rows+r:][:n], acc[:n], w.Sum[r:], xs[i], w.Scale[r:])
		}
	}
}

func dotI8Go(dst []int32, x []uint8, w []int8, m, n, k int) {
	for r := 0; r < n; r += Panel {
		panel := w[r*k:][:Panel*k]
		for i := range m {
			acc := dotPanel(x[i*k:][:k], panel)
			copy(dst[i*n+r:], acc[:])
		}
	}
}

func dequantGo(dst []float32, acc, bias []int32, a float32, scale []float32) {
	for i := range dst {
		dst[i] = float32(a*scale[i]) * float32(acc[i]-bias[i])
	}
}

func maxAbsGo(x []float32) float32 {
	var a float32
	for _, v := range x {
		a = max(a, math.Float32frombits(math.Float32bits(v)&^(1<<31)))
	}
	return a
}

// quantizeGo rounds by adding and subtracting 1.5*2^23, as |x*inv| is below
// 2^22; the integer stands in the low bits of the sum.
func quantizeGo(q []uint8, x []float32, inv float32, zero uint8) {
	for i, v := range x {
		t := float32(v*inv) + expRound
		q[i] = uint8(math.Float32bits(t)) + zero
	}
}

// tree adds 16 lanes in the written order.
func tree(lane *[16]float32) float32 {
	for h := 8; h > 0; h /= 2 {
		for i := range h {
			lane[i] += lane[i+h]
		}
	}
	return lane[0]
}

func sumSqGo(x []float32) float32 {
	var lane [16]float32
	for i, v := range x {
		lane[i%16] = FMA32(v, v, lane[i%16])
	}
	return tree(&lane)
}

func scaleGo(dst, x []float32, r float32) {
	for i, v := range x {
		dst[i] = v * r
	}
}

func mulGo(dst, x []float32) {
	for i, v := range x {
		dst[i] *= v
	}
}

func maxGo(x []float32) float32 {
	m := x[0]
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

func expSumGo(dst, x []float32, m float32) float32 {
	var lane [16]float32
	for i, v := range x {
		e := Exp32(v - m)
		dst[i] = e
		lane[i%16] += e
	}
	return tree(&lane)
}

func siluMulGo(dst, gate, up []float32) {
	for i, g := range gate {
		s := 1 / (1 + Exp32(-g))
		dst[i] = float32(g*s) * up[i]
	}
}

func ropeGo(x, cos, sin []float32) {
	h := len(x) / 2
	for j := range h {
		a, b := x[j], x[j+h]
		x[j] = FMA32(a, cos[j], -float32(b*sin[j]))
		x[j+h] = FMA32(b, cos[j], float32(a*sin[j]))
	}
}

func addGo(dst, x []float32) {
	for i, v := range x {
		dst[i] += v
	}
}

func axpyGo(dst []float32, a float32, x []float32) {
	for i, v := range x {
		dst[i] = FMA32(a, v, dst[i])
	}
}

func weightsGo(w []uint32, e []float32, k float32) (total uint32) {
	for i, v := range e {
		w[i] = uint32(float32(v*k)) + 1
		total += w[i]
	}
	return total
}

func prefixGo(cum, w []uint32) {
	var s uint32
	for i, v := range w {
		cum[i] = s
		s += v
	}
	cum[len(w)] = s
}
