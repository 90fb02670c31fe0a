package tensor

import "unsafe"

// Products in float32, for CPUs without bfloat16. B goes into panels of the
// kernel's width; A is read where it lies, or copied in blocks if transposed.
const (
	wordBlock = 256 // words of B in the first-level cache
	rowBlock  = 96  // rows of A in the second-level cache: whole tiles of 6 and 8
)

// packAcrossF32 makes panels of b (k, n), padded with zeros to whole panels.
func packAcrossF32(dst, b []float32, ld, k, n, width int) {
	for j := 0; j < n; j += width {
		columns := min(width, n-j)
		for l := range k {
			row := dst[j*k+l*width:][:width]
			clear(row[copy(row, b[l*ld+j:][:columns]):])
		}
	}
}

// packAlongF32 makes panels of the transpose of b (n, k).
func packAlongF32(dst, b []float32, ld, n, k, width int) {
	for j := 0; j < n; j += width {
		out := dst[j*k:][:k*width]
		for r := range width {
			if j+r >= n {
				for l := range k {
					out[l*width+r] = 0
				}
				continue
			}
			for l, v := range b[(j+r)*ld:][:k] {
				out[l*width+r] = v
			}
		}
	}
}

func (k tileKernel) pack(s *Scratch, w *Weight) {
	w.fnt = grow(w.fnt, roundUp(w.Rows, k.columns)*w.Cols)
	w.fnn = grow(w.fnn, roundUp(w.Cols, k.columns)*w.Rows)
	packAlongF32(w.fnt, w.W, w.Cols, w.Rows, w.Cols, k.columns)
	packAcrossF32(w.fnn, w.W, w.Cols, w.Rows, w.Cols, k.columns)
}

func (k tileKernel) nt(s *Scratch, y, x []float32, w *Weight, m int, acc bool) {
	k.multiply(s, product{c: y, a: x, ldc: w.Rows, lda: w.Cols, m: m, n: w.Rows, k: w.Cols, acc: acc}, w.fnt)
}

func (k tileKernel) nn(s *Scratch, dx, dy []float32, w *Weight, m int, acc bool) {
	k.multiply(s, product{c: dx, a: dy, ldc: w.Cols, lda: w.Rows, m: m, n: w.Cols, k: w.Rows, acc: acc}, w.fnn)
}

func (k tileKernel) gemm(s *Scratch, g product) {
	s.fb = grow(s.fb, roundUp(g.n, k.columns)*g.k)
	if g.transB {
		packAlongF32(s.fb, g.b, g.ldb, g.n, g.k, k.columns)
	} else {
		packAcrossF32(s.fb, g.b, g.ldb, g.k, g.n, k.columns)
	}
	k.multiply(s, g, s.fb)
}

// multiply computes g with op(B) in panels already, a block of A at a time.
func (k tileKernel) multiply(s *Scratch, g product, b []float32) {
	if g.k == 0 || g.m == 0 {
		portableGemm(s, g)
		return
	}
	for l0 := 0; l0 < g.k; l0 += wordBlock {
		t := tiles{ldc: 4 * g.ldc, words: min(wordBlock, g.k-l0)}
		if g.acc || l0 > 0 {
			t.acc = 1
		}
		for m0 := 0; m0 < g.m; m0 += rowBlock {
			rows := min(rowBlock, g.m-m0)
			a := k.blockOfA(s, &g, &t, m0, rows, l0)
			for j := 0; j < g.n; j += k.columns {
				t.b = word(b[j*g.k+l0*k.columns:])
				runTiles(s, k, t, a, g.c[m0*g.ldc+j:], g.ldc, rows, min(k.columns, g.n-j))
			}
		}
	}
}

// blockOfA returns the first word of a block of op(A) and sets the steps of t:
// A itself, or a copy if it is transposed or its last tile is not whole.
func (k tileKernel) blockOfA(s *Scratch, g *product, t *tiles, m0, rows, l0 int) unsafe.Pointer {
	if !g.transA && rows%k.rows == 0 {
		t.rowStep, t.wordStep, t.tileStep = 4*g.lda, 4, 4*g.lda*k.rows
		return word(g.a[m0*g.lda+l0:])
	}
	s.fa = grow(s.fa, rowBlock*wordBlock)
	if g.transA {
		for l := range t.words {
			copy(s.fa[l*rowBlock:][:rows], g.a[(l0+l)*g.lda+m0:])
		}
		t.rowStep, t.wordStep, t.tileStep = 4, 4*rowBlock, 4*k.rows
	} else {
		for i := range rows {
			copy(s.fa[i*wordBlock:][:t.words], g.a[(m0+i)*g.lda+l0:])
		}
		t.rowStep, t.wordStep, t.tileStep = 4*wordBlock, 4, 4*wordBlock*k.rows
	}
	return word(s.fa)
}
