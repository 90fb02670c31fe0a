package kernel

import (
	"fmt"
	"slices"
	"unsafe"
)

// Panel is the number of outputs whose weights lie side by side.
const Panel = 16

func panels(rows int) int { return (rows + Panel - 1) / Panel }

// F32 is a float32 weight matrix of Rows outputs and Cols inputs, packed in
// panels of 16 outputs: Data[row/16][col][row%16]. The rows that fill the last
// panel are zero.
type F32 struct {
	Rows, Cols int
	Data       []float32
}

// PackF32 packs the row-major matrix w (rows, cols).
func PackF32(rows, cols int, w []float32) *F32 {
	if rows <= 0 || cols <= 0 || len(w) != rows*cols {
		fail("PackF32: %d weights for (%d, %d)", len(w), rows, cols)
	}
	p := &F32{Rows: rows, Cols: cols, Data: make([]float32, panels(rows)*Panel*cols)}
	for r := range rows {
		p.SetRow(r, w[r*cols:][:cols])
	}
	return p
}

// SetRow replaces the weights of output r; len(w) is Cols.
func (w *F32) SetRow(r int, row []float32) {
	if r < 0 || r >= w.Rows || len(row) != w.Cols {
		fail("F32.SetRow: row %d of %d, %d of %d weights", r, w.Rows, len(row), w.Cols)
	}
	panel := w.Data[r/Panel*Panel*w.Cols:]
	for c, v := range row {
		panel[c*Panel+r%Panel] = v
	}
}

// MatMul computes dst (m, Rows) = x (m, Cols) times the transposed matrix. Each
// output is a chain of fused multiply-adds from +0 in the order of the columns.
func (w *F32) MatMul(dst, x []float32, m int) {
	if m < 0 || len(dst) < m*w.Rows || len(x) < m*w.Cols {
		fail("F32.MatMul: dst %d, x %d for (%d, %d), m %d", len(dst), len(x), w.Rows, w.Cols, m)
	}
	if w.Cols < 1 || len(w.Data) < panels(w.Rows)*Panel*w.Cols {
		fail("F32.MatMul: a matrix not made by PackF32")
	}
	if m > 0 {
		active.Load().matF32(dst[:m*w.Rows], x[:m*w.Cols], w.Data, m, w.Rows, w.Cols)
	}
}

// I8 is an int8 weight matrix of Rows outputs and Cols inputs with one scale an
// output, packed in panels of 16 outputs and groups of 4 inputs:
// Data[row/16][col/4][row%16][col%4]. Cols is a multiple of 4. Scale and Sum
// have one entry a row and zeros up to a multiple of 16. Sum[r] is 128 times
// the sum of row r: what the offset of the activations adds to its products.
type I8 struct {
	Rows, Cols int
	Data       []int8
	Scale      []float32
	Sum        []int32
}

// NewI8 returns a zero matrix. Cols is rounded up to a multiple of 4.
func NewI8(rows, cols int) *I8 {
	if rows <= 0 || cols <= 0 {
		fail("NewI8: (%d, %d)", rows, cols)
	}
	cols = (cols + 3) &^ 3
	n := panels(rows) * Panel
	return &I8{Rows: rows, Cols: cols, Data: make([]int8, n*cols), Scale: make([]float32, n), Sum: make([]int32, n)}
}

// Clone returns a copy.
func (w *I8) Clone() *I8 {
	c := *w
	c.Data, c.Scale, c.Sum = slices.Clone(w.Data), slices.Clone(w.Scale), slices.Clone(w.Sum)
	return &c
}

// SetRow replaces the weights and the scale of output r. A q shorter than Cols
// is followed by zeros.
func (w *I8) SetRow(r int, q []int8, scale float32) {
	if r < 0 || r >= w.Rows || len(q) > w.Cols {
		fail("I8.SetRow: row %d of %d, %d of %d weights", r, w.Rows, len(q), w.Cols)
	}
	at := r/Panel*Panel*w.Cols + r%Panel*4
	panel := w.Data[at : at+(w.Cols-4)*Panel+4]
	n := len(q) &^ 3
	sum := active.Load().scatter(panel, q[:n])
	for c := n; c < w.Cols; c += 4 {
		var last [4]int8
		copy(last[:], q[min(c, len(q)):])
		sum += scatterGo(panel[c*Panel:], last[:])
	}
	w.Scale[r], w.Sum[r] = scale, 128*sum
}

// scatterGo copies groups of four numbers to every 64th place of a panel and adds
// them up. len(q) is a multiple of 4.
func scatterGo(panel, q []int8) (sum int32) {
	for c := 0; c < len(q); c += 4 {
		to, from := (*[4]int8)(panel[c*Panel:]), (*[4]int8)(q[c:])
		*to = *from
		sum += int32(from[0]) + int32(from[1]) + int32(from[2]) + int32(from[3])
	}
	return sum
}

// Prefetch asks for the memory of output r, which SetRow will soon write: it is
// scattered over as many cache lines as there are groups of inputs.
func (w *I8) Prefetch(r int) {
	prefetch(unsafe.Pointer(&w.Data[r/Panel*Panel*w.Cols]), 4*Panel, w.Cols/4)
}

// Prefetch asks for a row that will soon be used.
func Prefetch(x []float32) {
	prefetch(unsafe.Pointer(unsafe.SliceData(x)), 64, len(x)/16)
}

// MatMul computes dst (m, Rows) from x (m, Cols), quantised by QuantizeU8, and
// the scales xs (m): with acc the integer product of the row of x less Sum[r],
// dst = (xs*Scale[r]) * float32(acc), two float32 products.
func (w *I8) MatMul(dst []float32, x []uint8, xs []float32, m int) {
	if m < 0 || len(dst) < m*w.Rows || len(x) < m*w.Cols || len(xs) < m {
		fail("I8.MatMul: dst %d, x %d, xs %d for (%d, %d), m %d", len(dst), len(x), len(xs), w.Rows, w.Cols, m)
	}
	n := panels(w.Rows) * Panel
	if w.Cols < 4 || w.Cols%4 != 0 || len(w.Data) < n*w.Cols || len(w.Scale) < n || len(w.Sum) < n {
		fail("I8.MatMul: a matrix not made by NewI8")
	}
	if m > 0 {
		active.Load().matI8(dst[:m*w.Rows], x[:m*w.Cols], xs[:m], w, m)
	}
}

// DotU8S8 computes the raw integer products dst (m, n) of x (m, k) and w, n
// rows of k in the panel layout of I8. n is a multiple of 16, k of 4.
func DotU8S8(dst []int32, x []uint8, w []int8, m, n, k int) {
	if m < 0 || n < 0 || k < 0 || n%Panel != 0 || k%4 != 0 || len(dst) < m*n || len(x) < m*k || len(w) < n*k {
		fail("DotU8S8: dst %d, x %d, w %d for m %d, n %d, k %d", len(dst), len(x), len(w), m, n, k)
	}
	if k == 0 {
		clear(dst[:m*n])
	} else if m > 0 && n > 0 {
		active.Load().dotI8(dst[:m*n], x[:m*k], w[:n*k], m, n, k)
	}
}

// fail panics: a caller passed slices or sizes that do not fit. That is a bug of
// the caller, never a matter of the input.
func fail(format string, args ...any) {
	panic("kernel: " + fmt.Sprintf(format, args...))
}
