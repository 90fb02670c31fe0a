package lm

import (
	"fmt"
	"sync"

	"kolm/internal/kernel"
)

// A Source holds the weights of a matrix in whatever form.
type Source interface {
	// ReadRow writes row r as float32 numbers to dst. An error says where the
	// row is and what is wrong with it. It may be called concurrently.
	ReadRow(dst []float32, r int) error
}

// Matrix is a weight matrix of Rows outputs and Cols inputs. Its weights stay in
// its Source; multiplying widens a few rows at a time or, for a matrix that a
// Model keeps, all of them once.
type Matrix struct {
	Rows, Cols int
	source     Source

	keep   bool
	once   sync.Once
	packed *kernel.F32
	err    error // of packing
}

// NewMatrix returns a matrix over a source of rows of cols numbers.
func NewMatrix(rows, cols int, source Source) *Matrix {
	return &Matrix{Rows: rows, Cols: cols, source: source}
}

// Floats returns a matrix over float32 numbers, row-major (rows, cols), which
// must not be changed afterwards.
func Floats(rows, cols int, w []float32) *Matrix {
	if len(w) != rows*cols {
		panic(fmt.Sprintf("lm: %d numbers for %d rows of %d", len(w), rows, cols))
	}
	return NewMatrix(rows, cols, floats{w, cols})
}

type floats struct {
	w    []float32
	cols int
}

func (f floats) ReadRow(dst []float32, r int) error {
	copy(dst, f.w[r*f.cols:][:f.cols])
	return nil
}

// Row writes row r to dst (Cols).
func (m *Matrix) Row(dst []float32, r int) error {
	return m.source.ReadRow(dst[:m.Cols], r)
}

// Column writes column c to dst (Rows). It reads the whole matrix.
func (m *Matrix) Column(dst []float32, c int) error {
	row := make([]float32, m.Cols)
	for r := range m.Rows {
		if err := m.Row(row, r); err != nil {
			return err
		}
		dst[r] = row[c]
	}
	return nil
}

// MatMul computes dst (n, Rows) = x (n, Cols) times the transposed matrix, by up
// to threads goroutines. Every output is a chain of fused multiply-adds in the
// order of the columns.
func (m *Matrix) MatMul(dst, x []float32, n, threads int) error {
	switch {
	case n == 0:
		return nil
	case !m.keep:
		return m.stream(dst, x, n, threads)
	}
	m.once.Do(func() { m.pack(threads) })
	if m.err != nil {
		return m.err
	}
	if n == 1 {
		return split(m.panels(), max(1, taskWeights/(kernel.Panel*m.Cols)), threads, func(from, to int) error {
			p := m.part(from, to)
			p.MatMul(dst[from*kernel.Panel:][:p.Rows], x, 1)
			return nil
		})
	}
	return split(n, max(16, (n+2*threads-1)/(2*threads)+7&^7), threads, func(from, to int) error {
		m.packed.MatMul(dst[from*m.Rows:to*m.Rows], x[from*m.Cols:to*m.Cols], to-from)
		return nil
	})
}

// taskWeights is about how many weights one task of a product has, few enough to
// stay in the second cache.
const taskWeights = 32 << 10

func (m *Matrix) panels() int { return (m.Rows + kernel.Panel - 1) / kernel.Panel }

// part is the part of the packed matrix from panel from to panel to.
func (m *Matrix) part(from, to int) kernel.F32 {
	return kernel.F32{
		Rows: min(to*kernel.Panel, m.Rows) - from*kernel.Panel, Cols: m.Cols,
		Data: m.packed.Data[from*kernel.Panel*m.Cols : to*kernel.Panel*m.Cols],
	}
}

// pack widens all weights.
func (m *Matrix) pack(threads int) {
	m.packed = &kernel.F32{Rows: m.Rows, Cols: m.Cols, Data: make([]float32, m.panels()*kernel.Panel*m.Cols)}
	m.err = split(m.panels(), max(1, taskWeights/(kernel.Panel*m.Cols)), threads, func(from, to int) error {
		p, rows := m.part(from, to), borrow(kernel.Panel*m.Cols)
		defer giveBack(rows)
		return m.widen(&p, *rows, from)
	})
}

// stream multiplies without keeping the widened weights.
func (m *Matrix) stream(dst, x []float32, n, threads int) error {
	group := max(1, taskWeights/(kernel.Panel*m.Cols))
	return split(m.panels(), group, threads, func(from, to int) error {
		width := (to - from) * kernel.Panel
		rows, data, out := borrow(kernel.Panel*m.Cols), borrow(width*m.Cols), borrow(n*width)
		defer giveBack(rows, data, out)
		p := kernel.F32{Rows: min(to*kernel.Panel, m.Rows) - from*kernel.Panel, Cols: m.Cols, Data: *data}
		if err := m.widen(&p, *rows, from); err != nil {
			return err
		}
		p.MatMul(*out, x, n)
		for i := range n {
			copy(dst[i*m.Rows+from*kernel.Panel:], (*out)[i*p.Rows:][:p.Rows])
		}
		return nil
	})
}

// widen fills the panels of p, of which the first is panel first of m. rows is
// room for the rows of one panel.
func (m *Matrix) widen(p *kernel.F32, rows []float32, first int) error {
	cols := m.Cols
	for at := 0; at < p.Rows; at += kernel.Panel {
		have := min(kernel.Panel, p.Rows-at)
		clear(rows[have*cols:])
		for r := range have {
			if err := m.source.ReadRow(rows[r*cols:][:cols], first*kernel.Panel+at+r); err != nil {
				return err
			}
		}
		panel := p.Data[at*cols:][:kernel.Panel*cols]
		for r := range kernel.Panel {
			row := rows[r*cols:][:cols]
			for c, v := range row {
				panel[c*kernel.Panel+r] = v
			}
		}
	}
	return nil
}

// pool lends memory to the tasks of products.
var pool sync.Pool

func borrow(n int) *[]float32 {
	if b, ok := pool.Get().(*[]float32); ok && cap(*b) >= n {
		*b = (*b)[:n]
		return b
	}
	b := make([]float32, n)
	return &b
}

func giveBack(list ...*[]float32) {
	for _, b := range list {
		pool.Put(b)
	}
}
