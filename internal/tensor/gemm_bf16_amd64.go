package tensor

import "unsafe"

// Products in bfloat16 have three operand layouts, all of pairs: two
// neighbours along the sum in one 32-bit word.
//
//	rows:   [row][pair]                  A as it is stored
//	panels: [column/32][pair][column%32] B, and a transposed A
//
// The kernel broadcasts pairs of A and multiplies them by 32 columns of B.
const (
	panel      = 32
	tileRows   = 8
	pairBlock  = 128       // pairs of B in the first-level cache: 16 KiB a panel
	blockWords = 128 << 10 // words of A in the second-level cache
	packPairs  = 4         // pairs of rows converted together, panel by panel
)

//go:noescape
func convertBF16(dst *uint16, src *float32, n int)

//go:noescape
func pairRowsBF16(dst *uint16, src *float32, ld, pairs, panels, step int)

//go:noescape
func pairColumnsBF16(dst *uint16, src *float32, ld, groups int)

// toBF16 rounds to nearest even; x is finite.
func toBF16(x float32) uint16 {
	bits := *(*uint32)(unsafe.Pointer(&x))
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// packRows converts a (rows, k) with leading dimension ld to rows of kp words,
// kp a multiple of 32, padded with zeros; rows up to a multiple of 8 as well.
func packRows(dst []uint16, a []float32, ld, rows, k, kp int) {
	if ld == k && k == kp {
		convertBF16(&dst[0], &a[0], rows*k)
	} else {
		full := k / 32 * 32
		for i := range rows {
			d := dst[i*kp:][:kp]
			if full > 0 {
				convertBF16(&d[0], &a[i*ld], full)
			}
			for j := full; j < k; j++ {
				d[j] = toBF16(a[i*ld+j])
			}
			clear(d[k:])
		}
	}
	clear(dst[rows*kp : roundUp(rows, tileRows)*kp])
}

// packAcross makes panels of b (k, n) with leading dimension ld: pairs of rows.
// A panel has pairs kp/2, kp even, padded with zeros.
func packAcross(dst []uint16, b []float32, ld, k, n, kp int) {
	pairs, full := k/2, n/panel
	for p0 := 0; p0 < pairs && full > 0; p0 += packPairs {
		pairRowsBF16(&dst[p0*2*panel], &b[2*p0*ld], 4*ld, min(packPairs, pairs-p0), full, 2*kp*panel)
	}
	edge := func(l, c int) { dst[c/panel*kp*panel+l/2*2*panel+c%panel*2+l%2] = toBF16(b[l*ld+c]) }
	if full*panel < n {
		clear(dst[full*kp*panel:][:kp*panel])
		for l := range 2 * pairs {
			for c := full * panel; c < n; c++ {
				edge(l, c)
			}
		}
	}
	for j := range roundUp(n, panel) / panel {
		clear(dst[j*kp*panel+pairs*2*panel : (j+1)*kp*panel])
	}
	if k%2 == 1 {
		for c := range n {
			edge(k-1, c)
		}
	}
}

// packAlong makes panels of the transpose of b (n, k): pairs of columns. kp is k
// rounded up to even.
func packAlong(dst []uint16, b []float32, ld, n, k, kp int) {
	groups := k / 32
	for j := 0; j < n; j += 16 {
		d := dst[j/panel*kp*panel+j%panel*2:]
		done := 0
		if j+16 <= n && groups > 0 {
			pairColumnsBF16(&d[0], &b[j*ld], 4*ld, groups)
			done = groups * 32
		}
		for l := done; l < kp; l++ {
			for r := range 16 {
				v := uint16(0)
				if j+r < n && l < k {
					v = toBF16(b[(j+r)*ld+l])
				}
				d[l/2*2*panel+r*2+l%2] = v
			}
		}
	}
	if r := n % panel; r > 0 && r <= 16 {
		for p := range kp / 2 {
			clear(dst[n/panel*kp*panel+p*2*panel+panel:][:panel])
		}
	}
}

func packBF16(s *Scratch, w *Weight) {
	w.nt = grow(w.nt, roundUp(w.Rows, panel)*roundUp(w.Cols, 2))
	w.nn = grow(w.nn, roundUp(w.Cols, panel)*roundUp(w.Rows, 2))
	packAlong(w.nt, w.W, w.Cols, w.Rows, w.Cols, roundUp(w.Cols, 2))
	packAcross(w.nn, w.W, w.Cols, w.Rows, w.Cols, roundUp(w.Rows, 2))
}

func ntBF16(s *Scratch, y, x []float32, w *Weight, m int, acc bool) {
	multiplyBF16(s, product{c: y, a: x, ldc: w.Rows, lda: w.Cols, m: m, n: w.Rows, k: w.Cols, acc: acc}, w.nt)
}

func nnBF16(s *Scratch, dx, dy []float32, w *Weight, m int, acc bool) {
	multiplyBF16(s, product{c: dx, a: dy, ldc: w.Cols, lda: w.Rows, m: m, n: w.Cols, k: w.Rows, acc: acc}, w.nn)
}

func gemmBF16(s *Scratch, g product) {
	kp := roundUp(g.k, 2)
	s.b = grow(s.b, roundUp(g.n, panel)*kp)
	if g.transB {
		packAlong(s.b, g.b, g.ldb, g.n, g.k, kp)
	} else {
		packAcross(s.b, g.b, g.ldb, g.k, g.n, kp)
	}
	multiplyBF16(s, g, s.b)
}

// multiplyBF16 computes g with op(B) in panels already. A is converted a block
// of rows at a time.
func multiplyBF16(s *Scratch, g product, b []uint16) {
	if g.k == 0 {
		portableGemm(s, g)
		return
	}
	kp, ka := roundUp(g.k, 2), roundUp(g.k, 32)
	step := max(1, blockWords/ka/panel) * panel
	s.a = grow(s.a, min(step, roundUp(g.m, panel))*ka)
	for m0 := 0; m0 < g.m; m0 += step {
		rows := min(step, g.m-m0)
		t := tiles{ldc: 4 * g.ldc}
		if g.transA {
			packAcross(s.a, g.a[m0:], g.lda, g.k, rows, kp)
			t.rowStep, t.wordStep = 4, 4*panel
		} else {
			packRows(s.a, g.a[m0*g.lda:], g.lda, rows, g.k, ka)
			t.rowStep, t.wordStep, t.tileStep = 2*ka, 4, 2*ka*tileRows
		}
		blockBF16(s, &g, &t, b, m0, rows, kp/2)
	}
}

// blockBF16 multiplies one converted block of A by all panels of B. The pairs
// are cut evenly, so no cut is short.
func blockBF16(s *Scratch, g *product, t *tiles, b []uint16, m0, rows, pairs int) {
	cuts := (pairs + pairBlock - 1) / pairBlock
	each := (pairs + cuts - 1) / cuts
	for p0 := 0; p0 < pairs; p0 += each {
		t.words = min(each, pairs-p0)
		t.acc = 0
		if g.acc || p0 > 0 {
			t.acc = 1
		}
		for j := 0; j < g.n; j += panel {
			t.b = word(b[j*2*pairs+p0*2*panel:])
			columns := min(panel, g.n-j)
			if !g.transA {
				runTiles(s, kernelBF16, *t, word(s.a[2*p0:]), g.c[m0*g.ldc+j:], g.ldc, rows, columns)
				continue
			}
			for i := 0; i < rows; i += panel {
				t.tileStep = 4 * tileRows
				runTiles(s, kernelBF16, *t, word(s.a[i*2*pairs+p0*2*panel:]), g.c[(m0+i)*g.ldc+j:], g.ldc, min(panel, rows-i), columns)
			}
		}
	}
}
