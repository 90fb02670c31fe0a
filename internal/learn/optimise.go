package learn

import (
	"kolm/internal/kernel"
	"kolm/internal/model"
)

// Rate says how far a step of Adam moves what is learned (Kingma and Ba, "Adam:
// a method for stochastic optimization", 2015). Nothing moves at rate 0.
type Rate struct {
	Matrix float32 // of the matrices
	Gain   float32 // of the gains of query and key heads
	Input  float32 // of the rows of the input table that occur in the batch
}

// rest1 and rest2 are the shares of the new gradient and of its square in the
// moments; least is added to the root that divides.
const (
	rest1 = 0x1p-3
	rest2 = 0x1p-6
	least = 0x1p-30
)

// correction undoes that moments begin at zero: 1/(1 - (1-rest)^steps).
type correction struct {
	power1, power2 float64 // (1-rest)^steps
	first, second  float32
}

// next turns to the next step.
func (c *correction) next() {
	c.power1 = float64(c.power1 * (1 - rest1))
	c.power2 = float64(c.power2 * (1 - rest2))
	c.first, c.second = float32(1/(1-c.power1)), float32(1/(1-c.power2))
}

// move takes one step of w down the gradient g, all (n), with moments m and v.
func (c *correction) move(w, m, v, g []float32, rate float32) {
	kernel.Adam{Rest1: rest1, Rest2: rest2, Second: c.second, Rate: float32(rate * c.first), Least: least}.Step(w, m, v, g)
}

// learnGains moves the gains of layer i, whose gradients are summed over the
// sequences in order.
func (l *Learner) learnGains(i int) {
	c, a := &l.c, &l.layers[i]
	for k, v := range []*vector{a.qNorm, a.kNorm} {
		clear(v.grad)
		for s := range len(l.b.starts) - 1 {
			kernel.Add(v.grad, l.b.gain[((s*c.Layers+i)*2+k)*c.HeadDim:][:c.HeadDim])
		}
		if l.o.Rate.Gain != 0 {
			l.correction.move(v.w, v.moment, v.square, v.grad, l.o.Rate.Gain)
		}
	}
}

// table is the input table. Rows that do not occur keep their moments.
type table struct {
	cols                    int
	w, moment, square, grad []float32 // (rows, cols)
	seen                    []bool    // by row: occurs in the batch
	list                    []int32   // those rows
}

func newTable(rows, cols int) *table {
	n := rows * cols
	return &table{cols: cols, w: make([]float32, n), moment: make([]float32, n), square: make([]float32, n),
		grad: make([]float32, n), seen: make([]bool, rows)}
}

func (t *table) set(from model.Matrix) {
	widen(t.w, from)
	t.list = t.list[:0]
	clear(t.seen)
	clear(t.moment)
	clear(t.square)
}

// row is row r of x, (rows, cols).
func (t *table) row(x []float32, r int32) []float32 { return x[int(r)*t.cols:][:t.cols] }

// learnInput moves the rows of the batch's tokens, whose gradients are summed
// in the order of the tokens.
func (l *Learner) learnInput() {
	t := l.input
	for _, r := range t.list {
		t.seen[r] = false
	}
	t.list = t.list[:0]
	for i, r := range l.b.tokens {
		g := t.row(t.grad, r)
		if !t.seen[r] {
			t.seen[r] = true
			t.list = append(t.list, r)
			clear(g)
		}
		kernel.Add(g, l.b.dx[i*t.cols:][:t.cols])
	}
	for _, r := range t.list {
		l.correction.move(t.row(t.w, r), t.row(t.moment, r), t.row(t.square, r), t.row(t.grad, r), l.o.Rate.Input)
	}
}
