package tensor

import "fmt"

// Weight is a matrix that many products share: its master values and copies
// packed for the backend in use.
type Weight struct {
	Rows, Cols int
	W          []float32 // master, (Rows, Cols)

	nt, nn   []uint16  // bfloat16 panels of W^T and of W
	fnt, fnn []float32 // float32 panels of the same
}

// NewWeight wraps w, (rows, cols), without copying it.
func NewWeight(rows, cols int, w []float32) *Weight {
	need("weight", len(w), rows*cols)
	return &Weight{Rows: rows, Cols: cols, W: w[:rows*cols]}
}

// Pack prepares W for MatMulNT and MatMulNN. It must be called before the first
// product and after every change of W. Different weights may be packed at the
// same time.
func (w *Weight) Pack(s *Scratch) { active.pack(s, w) }

// MatMulNT computes y = x W^T, or y += x W^T if acc: x (m, w.Cols), y (m, w.Rows).
func MatMulNT(s *Scratch, y, x []float32, w *Weight, m int, acc bool) {
	need("y", len(y), m*w.Rows)
	need("x", len(x), m*w.Cols)
	active.nt(s, y, x, w, m, acc)
}

// MatMulNN computes dx = dy W, or dx += dy W if acc: dy (m, w.Rows), dx (m, w.Cols).
func MatMulNN(s *Scratch, dx, dy []float32, w *Weight, m int, acc bool) {
	need("dx", len(dx), m*w.Cols)
	need("dy", len(dy), m*w.Rows)
	active.nn(s, dx, dy, w, m, acc)
}

// MatMulTN computes dw += dy^T x, the gradient of a weight: dy (m, rows),
// x (m, cols), dw (rows, cols).
func MatMulTN(s *Scratch, dw, dy, x []float32, m, rows, cols int) {
	Gemm(s, dw, cols, dy, rows, true, x, cols, false, rows, cols, m, true)
}

// product is C (+)= op(A) op(B) with op(A) (m, k) and op(B) (k, n).
type product struct {
	c, a, b        []float32
	ldc, lda, ldb  int
	transA, transB bool
	m, n, k        int
	acc            bool
}

// Gemm computes c = op(a) op(b), or c += op(a) op(b) if acc: c (m, n), op(a)
// (m, k), op(b) (k, n). a is stored (m, k), or (k, m) if transA; b is stored
// (k, n), or (n, k) if transB. ldc, lda, ldb are the distances between stored
// rows. c must not overlap a or b.
func Gemm(s *Scratch, c []float32, ldc int, a []float32, lda int, transA bool, b []float32, ldb int, transB bool, m, n, k int, acc bool) {
	if m == 0 || n == 0 {
		return
	}
	needMatrix("c", c, ldc, m, n, false)
	needMatrix("a", a, lda, m, k, transA)
	needMatrix("b", b, ldb, k, n, transB)
	active.gemm(s, product{c, a, b, ldc, lda, ldb, transA, transB, m, n, k, acc})
}

func needMatrix(what string, x []float32, ld, rows, cols int, trans bool) {
	if trans {
		rows, cols = cols, rows
	}
	if ld < cols {
		panic(fmt.Sprintf("tensor: leading dimension %d of %s is less than its %d columns", ld, what, cols))
	}
	if rows > 0 && cols > 0 {
		need(what, len(x), (rows-1)*ld+cols)
	}
}
