package learn

import (
	"sync"
	"sync/atomic"

	"kolm/internal/kernel"
)

// dot is the sum of products of x and y, (n), in binary64: the products are
// exact there, element i goes to lane i mod 4, and the lanes are added as (0+2) +
// (1+3).
func dot(x, y []float32) float64 {
	var lane [4]float64
	y = y[:len(x)]
	i := 0
	for ; i+4 <= len(x); i += 4 {
		lane[0] += float64(float64(x[i]) * float64(y[i]))
		lane[1] += float64(float64(x[i+1]) * float64(y[i+1]))
		lane[2] += float64(float64(x[i+2]) * float64(y[i+2]))
		lane[3] += float64(float64(x[i+3]) * float64(y[i+3]))
	}
	for ; i < len(x); i++ {
		lane[i%4] += float64(float64(x[i]) * float64(y[i]))
	}
	return (lane[0] + lane[2]) + (lane[1] + lane[3])
}

// normBackward makes dx = r (dy - y mean(dy y)) of the gradient dy of a normed
// row y = r x, all (n). dx may be dy.
func normBackward(dx, dy, y []float32, r float32) {
	mean := float32(dot(dy, y)) / float32(len(y))
	for i, v := range y {
		dx[i] = r * float32(dy[i]-float32(v*mean))
	}
}

// siluBackward turns gu, (2n) gate and up, into its gradient, from the gradient
// da, (n), of SiluMul. e is scratch, (n).
func siluBackward(gu, da, e []float32) {
	n := len(da)
	gate, up := gu[:n], gu[n:][:n]
	kernel.Scale(e, gate, -1)
	kernel.Exp(e, e[:n])
	for i, g := range gate {
		s := 1 / (1 + e[i])
		silu := float32(g * s)
		// d silu / dg = s + silu (1-s)
		slope := s + float32(silu*(1-s))
		gate[i] = float32(da[i]*up[i]) * slope
		up[i] = da[i] * silu
	}
}

// packRows makes p the matrix of rows rows, each cols long and stride apart in x.
func packRows(p *kernel.F32, x []float32, stride, rows, cols int) {
	p.Rows, p.Cols = rows, cols
	p.Data = grow(p.Data, (rows+kernel.Panel-1)/kernel.Panel*kernel.Panel*cols)
	if rows%kernel.Panel != 0 {
		clear(p.Data[rows/kernel.Panel*kernel.Panel*cols:])
	}
	for r := range rows {
		panel := p.Data[r/kernel.Panel*kernel.Panel*cols+r%kernel.Panel:]
		for c, v := range x[r*stride:][:cols] {
			panel[c*kernel.Panel] = v
		}
	}
}

// packCols is packRows for the transposed matrix: cols rows of rows numbers.
func packCols(p *kernel.F32, x []float32, stride, rows, cols int) {
	p.Rows, p.Cols = cols, rows
	p.Data = grow(p.Data, (cols+kernel.Panel-1)/kernel.Panel*kernel.Panel*rows)
	packPanels(p.Data, x, stride, rows, cols)
}

// packPanels writes the panels of packCols.
func packPanels(data, x []float32, stride, rows, cols int) {
	for c := 0; c < cols; c += kernel.Panel {
		panel, n := data[c*rows:], min(kernel.Panel, cols-c)
		for r := range rows {
			to := panel[r*kernel.Panel:][:kernel.Panel]
			clear(to[copy(to, x[r*stride+c:][:n]):])
		}
	}
}

// transpose writes the transposed of x, (rows, cols) with rows stride apart, to
// dst, (cols, rows).
func transpose(dst, x []float32, stride, rows, cols int) {
	const tile = 16
	for r0 := 0; r0 < rows; r0 += tile {
		for c := range cols {
			to := dst[c*rows+r0:][:min(tile, rows-r0)]
			for i := range to {
				to[i] = x[(r0+i)*stride+c]
			}
		}
	}
}

// gather copies rows of n numbers, stride apart, to dst (rows, n).
func gather(dst, x []float32, stride, rows, n int) {
	for r := range rows {
		copy(dst[r*n:][:n], x[r*stride:])
	}
}

// grow returns a slice of n elements, x itself if it is long enough.
func grow[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}

// parallel calls f(worker, i) for every i < n from the given number of
// goroutines, each with its own worker number.
func parallel(workers, n int, f func(worker, i int)) {
	if workers = min(workers, n); workers <= 1 {
		for i := range n {
			f(0, i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(w, i)
			}
		})
	}
	wg.Wait()
}
