package model

import "kolm/internal/kernel"

// AdaptiveHead is an output table that learns while it is used: float32 rows,
// and the same rows in int8, which compute the logits. It belongs to one
// predictor; encoder and decoder that make the same calls get the same bits.
//
// The method is online gradient descent on the softmax of the last layer
// alone, as in dynamic evaluation (B. Krause et al., "Dynamic evaluation of
// neural sequence models", 2018).
type AdaptiveHead struct {
	m       *Model
	order   []int32   // row -> token
	rows    []float32 // (len(order), Dim), current where touched; nil before any is
	packed  *kernel.I8
	touched []bool  // by row: differs from the model's table
	list    []int32 // the touched rows
	stale   []bool  // by row: packed is not quantised from rows yet
	changed []int32 // the stale rows
	due     []int32 // rows that an update changes
	huge    bool    // rows are to have large pages

	q8    []int8  // (Dim)
	q     []uint8 // (m, Dim) scratch of Logits
	scale []float32
}

// NewAdaptiveHead returns an unchanged output table whose row r is that of
// token order[r]; a nil order stands for all tokens in order of their numbers.
// Tokens may be left out. A token out of range panics.
func (m *Model) NewAdaptiveHead(order []int32) *AdaptiveHead {
	if order == nil {
		order = make([]int32, m.c.Vocab)
		for i := range order {
			order[i] = int32(i)
		}
	}
	packed := kernel.NewI8(len(order), m.c.Dim)
	for r, token := range order {
		packed.SetRow(r, m.output.row(int(token)), m.output.Scale[token])
	}
	return m.newAdaptiveHead(append([]int32(nil), order...), packed)
}

func (m *Model) newAdaptiveHead(order []int32, packed *kernel.I8) *AdaptiveHead {
	return &AdaptiveHead{
		m:       m,
		order:   order,
		packed:  packed,
		touched: make([]bool, len(order)),
		stale:   make([]bool, len(order)),
		q8:      make([]int8, m.c.Dim),
	}
}

// Clone returns another head of the rows of h, which was never updated. It is
// quicker than to pack them again.
func (h *AdaptiveHead) Clone() *AdaptiveHead { return h.m.newAdaptiveHead(h.order, h.packed.Clone()) }

// Share is Clone for a head that is never updated either: it has the int8 rows
// in common with h.
func (h *AdaptiveHead) Share() *AdaptiveHead { return h.m.newAdaptiveHead(h.order, h.packed) }

// HugePages is Model.HugePages for the rows.
func (h *AdaptiveHead) HugePages() {
	h.huge = true
	kernel.HugePages(h.rows)
	kernel.HugePages(h.packed.Data)
}

// master is float32 row v.
func (h *AdaptiveHead) master(v int) []float32 {
	if h.rows == nil {
		h.rows = make([]float32, len(h.order)*h.m.c.Dim)
		if h.huge {
			kernel.HugePages(h.rows)
		}
	}
	return row(h.rows, v, h.m.c.Dim)
}

// Rows returns the number of rows, and so of logits.
func (h *AdaptiveHead) Rows() int { return len(h.order) }

// Logits computes dst (m, Rows) from final states x (m, Dim), quantising each.
func (h *AdaptiveHead) Logits(dst, x []float32, m int) {
	h.refresh()
	dim := h.m.c.Dim
	if len(h.scale) < m {
		h.q, h.scale = make([]uint8, m*dim), make([]float32, m)
	}
	for i := range m {
		h.scale[i] = kernel.QuantizeU8(row(h.q, i, dim), row(x, i, dim))
	}
	h.packed.MatMul(dst, h.q, h.scale, m)
}

// Update takes one step down the gradient of the code length of row y, whose
// logits came from final state x (Dim): cum (Rows+1) are the prefix sums of the
// weights w that kernel.Weights made of them. With g = float32(w[v]) * 2^-31,
// less 1 for y, each row becomes FMA(-(lr*g), x, row) and is quantised again by
// kernel.QuantizeS8. Rows whose weight is at most threshold, but for y, stay as
// they are. Rows are visited in order.
func (h *AdaptiveHead) Update(x []float32, y int, cum []uint32, lr float32, threshold uint32) {
	h.due = appendAbove(h.due[:0], cum[:len(h.order)+1], y, threshold)
	for i, v := range h.due {
		if i+1 < len(h.due) {
			h.expect(int(h.due[i+1]))
		}
		g := float32(float32(cum[v+1]-cum[v]) * 0x1p-31)
		if int(v) == y {
			g -= 1
		}
		h.step(int(v), -float32(lr*g), x)
	}
}

// appendAbove appends, in order, the rows whose weight is above threshold, and y.
// Most are not: where the weights of several rows together are not, none is.
func appendAbove(list []int32, cum []uint32, y int, threshold uint32) []int32 {
	const several = 16
	for v, n := 0, len(cum)-1; v < n; v += several {
		end := min(v+several, n)
		if cum[end]-cum[v] <= threshold && (y < v || y >= end) {
			continue
		}
		for r := v; r < end; r++ {
			if cum[r+1]-cum[r] > threshold || r == y {
				list = append(list, int32(r))
			}
		}
	}
	return list
}

// expect has the memory of row v fetched, which step and refresh will need.
func (h *AdaptiveHead) expect(v int) {
	if h.touched[v] {
		kernel.Prefetch(row(h.rows, v, h.m.c.Dim))
	}
	if !h.stale[v] {
		h.packed.Prefetch(v)
	}
}

// step adds a*x to row v.
func (h *AdaptiveHead) step(v int, a float32, x []float32) {
	dim := h.m.c.Dim
	master := h.master(v)
	if !h.touched[v] {
		h.touched[v] = true
		h.list = append(h.list, int32(v))
		token := h.order[v]
		dequantize(master, h.m.output.row(int(token)), h.m.output.Scale[token])
	}
	kernel.Axpy(master, a, x[:dim])
	if !h.stale[v] {
		h.stale[v] = true
		h.changed = append(h.changed, int32(v))
	}
}

// refresh quantises the rows that changed since the last logits: once each,
// however many tokens changed them.
func (h *AdaptiveHead) refresh() {
	for _, v := range h.changed {
		h.packed.SetRow(int(v), h.q8, kernel.QuantizeS8(h.q8, row(h.rows, int(v), h.m.c.Dim)))
		h.stale[v] = false
	}
	h.changed = h.changed[:0]
}

// Reset makes every row that of the model again.
func (h *AdaptiveHead) Reset() {
	for _, v := range h.changed {
		h.stale[v] = false
	}
	h.changed = h.changed[:0]
	for _, v := range h.list {
		token := h.order[v]
		h.packed.SetRow(int(v), h.m.output.row(int(token)), h.m.output.Scale[token])
		h.touched[v] = false
	}
	h.list = h.list[:0]
}

// Table writes the rows that were updated since the beginning or Reset to table,
// (Vocab, Dim), each at the number of its token.
func (h *AdaptiveHead) Table(table []float32) {
	dim := h.m.c.Dim
	for _, v := range h.list {
		copy(row(table, int(h.order[v]), dim), row(h.rows, int(v), dim))
	}
}

// dequantize widens an int8 row: dst = float32(q) * scale.
func dequantize(dst []float32, q []int8, scale float32) {
	for i, v := range q {
		dst[i] = float32(v) * scale
	}
}
