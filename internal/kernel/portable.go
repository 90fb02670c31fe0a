package kernel

import (
	"encoding/binary"
	"math"
	"unsafe"
)

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
		scatter:  scatterGo,
		adam:     adamGo,
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

// dotPanel sets acc to the integer products of rows of x, one or two of cols
// each, with one panel.
//
// One 64-bit product makes two of bytes: the weights of two outputs stand in
// the halves of a word, made unsigned by adding 128, so that no half carries
// into the other for 65 536 columns. What the 128 add is taken away at the end.
func dotPanel(acc *[2][Panel]int32, x []uint8, rows, cols int, panel []int8) {
	const most = 1 << 16
	clear(acc[:])
	for from := 0; from < cols; from += most {
		n := min(most, cols-from)
		p, q := x[from:][:n], x[(rows-1)*cols+from:][:n]
		addPairs(&acc[0], &acc[1], p, q, panel[from*Panel:][:n*Panel])
	}
}

const (
	unsign = 0x8080808080808080 // turns a byte w into w+128
	halves = 0x000000ff000000ff
)

// addPairs adds to a and b the products of x and y with a panel.
func addPairs(a, b *[Panel]int32, x, y []uint8, panel []int8) {
	var sa, sb [Panel / 2]uint64
	var na, nb uint64
	for k := 0; k+4 <= len(x) && k+4 <= len(y); k += 4 {
		p, q := x[k:k+4], y[k:k+4]
		x0, x1, x2, x3 := uint64(p[0]), uint64(p[1]), uint64(p[2]), uint64(p[3])
		y0, y1, y2, y3 := uint64(q[0]), uint64(q[1]), uint64(q[2]), uint64(q[3])
		na += x0 + x1 + x2 + x3
		nb += y0 + y1 + y2 + y3
		w := (*[Panel / 2][8]int8)(unsafe.Pointer((*[4 * Panel]int8)(panel[k*Panel:])))
		for j := range w {
			v := binary.LittleEndian.Uint64((*[8]uint8)(unsafe.Pointer(&w[j]))[:]) ^ unsign
			u := v & halves
			s, t := x0*u, y0*u
			u = v >> 8 & halves
			s, t = s+x1*u, t+y1*u
			u = v >> 16 & halves
			s, t = s+x2*u, t+y2*u
			u = v >> 24 & halves
			sa[j] += s + x3*u
			sb[j] += t + y3*u
		}
	}
	for j := range sa {
		a[2*j] += int32(uint32(sa[j])) - 128*int32(na)
		a[2*j+1] += int32(sa[j]>>32) - 128*int32(na)
		b[2*j] += int32(uint32(sb[j])) - 128*int32(nb)
		b[2*j+1] += int32(sb[j]>>32) - 128*int32(nb)
	}
}

func matI8Go(dst []float32, x []uint8, xs []float32, w *I8, m int) {
	var acc [2][Panel]int32
	for r := 0; r < w.Rows; r += Panel {
		panel, n := w.Data[r*w.Cols:][:Panel*w.Cols], min(Panel, w.Rows-r)
		for i := 0; i < m; i += 2 {
			k := min(2, m-i)
			dotPanel(&acc, x[i*w.Cols:], k, w.Cols, panel)
			for l := range k {
				dequantGo(dst[(i+l)*w.Rows+r:][:n], acc[l][:n], w.Sum[r:], xs[i+l], w.Scale[r:])
			}
		}
	}
}

func dotI8Go(dst []int32, x []uint8, w []int8, m, n, k int) {
	var acc [2][Panel]int32
	for r := 0; r < n; r += Panel {
		for i := 0; i < m; i += 2 {
			rows := min(2, m-i)
			dotPanel(&acc, x[i*k:], rows, k, w[r*k:][:Panel*k])
			for l := range rows {
				copy(dst[(i+l)*n+r:], acc[l][:])
			}
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
