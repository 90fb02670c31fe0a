package kernel

import "unsafe"

// A tile computes the products of some rows of x with groups of panels, each
// group some panels wide. Distances from row to row are in bytes. One step along
// the sum reads 64 bytes of a panel and 4 bytes of a row of x: one column of
// float32, or four of bytes. groups and steps are at least 1.
type (
	tileF32 func(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)

	// With sum nil a tile of bytes stores int32, else float32 as I8.MatMul.
	tileI8 func(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
)

// A shape is a tile for a number of rows: a wide one and one a panel wide.
type shape[T any] struct {
	rows, panels int
	wide, one    T
}

// A tiling covers any number of rows: its shapes are ordered from the most rows
// to a single one. The number of panels of every shape divides 4.
type tiling[T any] []shape[T]

// keep is the number of bytes of weights that stay in the second cache while
// the rows of x pass by.
const keep = 256 << 10

// run calls tile for parts that cover m rows and n panels.
func (t tiling[T]) run(m, n, steps int, tile func(f T, row, panel, groups int)) {
	chunk := max(4, keep/(64*steps)&^3)
	for p := 0; p < n; p += chunk {
		k := min(chunk, n-p)
		for i := 0; i < m; {
			s := t.fit(m - i)
			g := k / s.panels
			if g > 0 {
				tile(s.wide, i, p, g)
			}
			if rest := k - g*s.panels; rest > 0 {
				tile(s.one, i, p+g*s.panels, rest)
			}
			i += s.rows
		}
	}
}

// fit returns the shape with the most rows that are not more than m.
func (t tiling[T]) fit(m int) *shape[T] {
	for i := range t {
		if t[i].rows <= m {
			return &t[i]
		}
	}
	panic("kernel: a tiling has no shape of one row")
}

// matF32Tiled returns the matrix product made of tiles. Tiles write whole
// panels: an incomplete last one goes to a buffer first.
func matF32Tiled(t tiling[tileF32]) func(dst, x, w []float32, m, rows, cols int) {
	return func(dst, x, w []float32, m, rows, cols int) {
		full := rows / Panel
		t.run(m, full, cols, func(f tileF32, i, p, groups int) {
			f(&dst[i*rows+p*Panel], 4*rows, &x[i*cols], 4*cols, &w[p*Panel*cols], cols, groups)
		})
		if full*Panel == rows {
			return
		}
		last := make([]float32, m*Panel)
		t.run(m, 1, cols, func(f tileF32, i, _, groups int) {
			f(&last[i*Panel], 4*Panel, &x[i*cols], 4*cols, &w[full*Panel*cols], cols, groups)
		})
		unpad(dst, last, m, rows)
	}
}

// matI8Tiled is matF32Tiled for bytes.
func matI8Tiled(t tiling[tileI8]) func(dst []float32, x []uint8, xs []float32, w *I8, m int) {
	return func(dst []float32, x []uint8, xs []float32, w *I8, m int) {
		rows, cols := w.Rows, w.Cols
		full := rows / Panel
		t.run(m, full, cols/4, func(f tileI8, i, p, groups int) {
			r := p * Panel
			f(unsafe.Pointer(&dst[i*rows+r]), 4*rows, &x[i*cols], cols, &w.Data[r*cols], cols/4, groups, &xs[i], &w.Scale[r], &w.Sum[r])
		})
		if full*Panel == rows {
			return
		}
		last, r := make([]float32, m*Panel), full*Panel
		t.run(m, 1, cols/4, func(f tileI8, i, _, groups int) {
			f(unsafe.Pointer(&last[i*Panel]), 4*Panel, &x[i*cols], cols, &w.Data[r*cols], cols/4, groups, &xs[i], &w.Scale[r], &w.Sum[r])
		})
		unpad(dst, last, m, rows)
	}
}

// unpad copies the incomplete last panel of each row to dst (m, rows).
func unpad(dst, last []float32, m, rows int) {
	n := rows % Panel
	for i := range m {
		copy(dst[(i+1)*rows-n:][:n], last[i*Panel:])
	}
}

func dotI8Tiled(t tiling[tileI8]) func(dst []int32, x []uint8, w []int8, m, n, k int) {
	return func(dst []int32, x []uint8, w []int8, m, n, k int) {
		t.run(m, n/Panel, k/4, func(f tileI8, i, p, groups int) {
			f(unsafe.Pointer(&dst[i*n+p*Panel]), 4*n, &x[i*k], k, &w[p*Panel*k], k/4, groups, nil, nil, nil)
		})
	}
}
