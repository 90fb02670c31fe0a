package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Relative to the root of the sum of squares of the products: float32 sums, and
// bfloat16 operands of 8 bits each.
const (
	float32Tolerance  = 1e-5
	bfloat16Tolerance = 1.5e-2
)

func tolerance() float64 {
	if active.name == "bf16" {
		return bfloat16Tolerance
	}
	return float32Tolerance
}

// onEach runs f with every backend of this CPU.
func onEach(t *testing.T, f func(t *testing.T)) {
	was := Backend()
	defer Use(was)
	for _, name := range Backends() {
		t.Run(name, func(t *testing.T) {
			if err := Use(name); err != nil {
				t.Fatal(err)
			}
			f(t)
		})
	}
}

func randoms(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

const canary = 12345.678

// guarded is a slice of n random values with canaries behind it.
func guarded(r *rand.Rand, n int) []float32 {
	x := randoms(r, n+16)
	for i := range 16 {
		x[n+i] = canary
	}
	return x[:n]
}

func checkCanaries(t *testing.T, what string, x []float32) {
	t.Helper()
	for i, v := range x[:len(x)+16][len(x):] {
		if v != canary {
			t.Fatalf("%s: wrote %d behind the end", what, i)
		}
	}
}

func TestGemm(t *testing.T) {
	onEach(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		s := NewScratch()
		for _, size := range [][3]int{{8, 32, 32}, {1, 1, 1}, {1, 32, 64}, {7, 31, 33}, {9, 33, 65}, {40, 96, 256}, {64, 64, 600}, {37, 50, 301}, {300, 40, 17}, {33, 16, 40}, {260, 35, 530}} {
			for variant := range 8 {
				testGemm(t, r, s, size[0], size[1], size[2], variant&1 != 0, variant&2 != 0, variant&4 != 0)
			}
		}
	})
}

func testGemm(t *testing.T, r *rand.Rand, s *Scratch, m, n, k int, transA, transB, acc bool) {
	t.Helper()
	lda, ldb, ldc := k+r.IntN(3), n+r.IntN(3), n+r.IntN(3)
	stored := [2]int{m, k}
	if transA {
		lda, stored = m+r.IntN(3), [2]int{k, m}
	}
	a := randoms(r, stored[0]*lda)
	stored = [2]int{k, n}
	if transB {
		ldb, stored = k+r.IntN(3), [2]int{n, k}
	}
	b := randoms(r, stored[0]*ldb)
	c := guarded(r, m*ldc)
	before := append([]float32(nil), c...)
	Gemm(s, c, ldc, a, lda, transA, b, ldb, transB, m, n, k, acc)
	checkCanaries(t, "c", c)
	at := func(x []float32, ld, i, l int, trans bool) float64 {
		if trans {
			i, l = l, i
		}
		return float64(x[i*ld+l])
	}
	for i := range m {
		for j := range ldc {
			want, squares := float64(before[i*ldc+j]), 1.0
			if j < n {
				if !acc {
					want = 0
				}
				for l := range k {
					v := at(a, lda, i, l, transA) * at(b, ldb, l, j, transB)
					want += v
					squares += v * v
				}
			}
			if got := float64(c[i*ldc+j]); math.Abs(got-want) > tolerance()*math.Sqrt(squares) {
				t.Fatalf("(%d, %d, %d) transA %v transB %v acc %v: c[%d][%d] = %g, want %g", m, n, k, transA, transB, acc, i, j, got, want)
			}
		}
	}
}

func TestWeight(t *testing.T) {
	onEach(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		s := NewScratch()
		for _, size := range [][3]int{{16, 64, 32}, {5, 33, 47}, {200, 256, 96}} {
			m, rows, cols := size[0], size[1], size[2]
			w := NewWeight(rows, cols, randoms(r, rows*cols))
			w.Pack(s)
			x, dy := randoms(r, m*cols), randoms(r, m*rows)
			for _, acc := range []bool{false, true} {
				y, dx := guarded(r, m*rows), guarded(r, m*cols)
				wantY, wantX := append([]float32(nil), y...), append([]float32(nil), dx...)
				MatMulNT(s, y, x, w, m, acc)
				MatMulNN(s, dx, dy, w, m, acc)
				checkCanaries(t, "y", y)
				checkCanaries(t, "dx", dx)
				portableGemm(nil, product{c: wantY, a: x, b: w.W, ldc: rows, lda: cols, ldb: cols, transB: true, m: m, n: rows, k: cols, acc: acc})
				portableGemm(nil, product{c: wantX, a: dy, b: w.W, ldc: cols, lda: rows, ldb: cols, m: m, n: cols, k: rows, acc: acc})
				compare(t, "y", y, wantY, tolerance()*math.Sqrt(float64(cols)))
				compare(t, "dx", dx, wantX, tolerance()*math.Sqrt(float64(rows)))
			}
		}
	})
}

// compare fails if a value of got is further than tol, or tol times its size,
// from want.
func compare(t *testing.T, what string, got, want []float32, tol float64) {
	t.Helper()
	if len(want) == 0 {
		t.Fatalf("%s: nothing to compare", what)
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - float64(w)); !(d <= tol*max(1, math.Abs(float64(w)))) {
			t.Fatalf("%s[%d] = %g, want %g", what, i, got[i], w)
		}
	}
}

func BenchmarkMatMul(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	s := NewScratch()
	for _, size := range [][3]int{{512, 512, 256}, {512, 256, 256}, {512, 1536, 256}, {512, 256, 768}, {512, 4096, 256}, {4096, 1536, 256}} {
		m, rows, cols := size[0], size[1], size[2]
		w := NewWeight(rows, cols, randoms(r, rows*cols))
		x, y := randoms(r, m*cols), randoms(r, m*rows)
		w.Pack(s)
		rate := func(b *testing.B) {
			b.ReportMetric(2*float64(m)*float64(rows)*float64(cols)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		}
		name := fmt.Sprintf("%dx%dx%d", m, rows, cols)
		b.Run("NT/"+name, func(b *testing.B) {
			for range b.N {
				MatMulNT(s, y, x, w, m, false)
			}
			rate(b)
		})
		b.Run("NN/"+name, func(b *testing.B) {
			for range b.N {
				MatMulNN(s, x, y, w, m, false)
			}
			rate(b)
		})
		b.Run("TN/"+name, func(b *testing.B) {
			for range b.N {
				MatMulTN(s, w.W, y, x, m, rows, cols)
			}
			rate(b)
		})
	}
}
