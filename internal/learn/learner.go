package learn

import (
	"fmt"

	"kolm/internal/kernel"
	"kolm/internal/model"
)

// Options choose how a Learner learns. All of them but Threads change bits.
type Options struct {
	Length    int // most tokens in a sequence; at most the model's window
	Sequences int // most sequences in a batch
	Rate      Rate
	Threads   int
}

// Sequence is a text to learn from: Targets[i], if not negative, follows
// Tokens[:i+1]. The first token stands at position 0.
type Sequence struct {
	Tokens, Targets []int32
}

// Learner holds the float32 masters of a model's body and moves them down the
// gradient of the code length. Learners that begin with the same weights and
// options and take the same steps have the same bits. One goroutine at a time
// may use it.
type Learner struct {
	c     model.Config
	o     Options
	first *model.Weights // what Reset returns to

	correction correction // of the steps since

	layers     []layer
	outputNorm []float32 // gain, not learned
	input      *table
	output     *matrix // given by SetOutput, not learned

	cos, sin, unsin []float32 // (Length, HeadDim/2); unsin rotates back
	b               batch
	workers         []*worker
	packed          []kernel.F32 // inputs of the matrices that are learned at once
}

// layer is one transformer block. The gains before its matrices are in them.
type layer struct {
	qkv, out, gateUp, down *matrix
	qNorm, kNorm           *vector
}

// matrix is a weight matrix, its moments, and the packed copies for products.
type matrix struct {
	rows, cols int
	w          []float32  // (rows, cols)
	moment     []float32  // (rows, cols)
	square     []float32  // (rows, cols)
	nt, nn     kernel.F32 // w and the transposed of w
}

// vector is a gain with its moments.
type vector struct {
	w, moment, square, grad []float32
}

// New returns a learner that begins with the weights w of a model of shape c,
// which must be valid for it. Int8 weights are taken as they are.
func New(c model.Config, w *model.Weights, o Options) (*Learner, error) {
	if err := w.Validate(c); err != nil {
		return nil, err
	}
	if o.Length < 1 || o.Length > c.Window || o.Sequences < 1 || o.Threads < 1 {
		return nil, fmt.Errorf("learn: %d sequences of %d tokens in %d threads: want at least one each, sequences no longer than the window of %d",
			o.Sequences, o.Length, o.Threads, c.Window)
	}
	l := &Learner{c: c, o: o, first: w, outputNorm: w.OutputNorm, layers: make([]layer, c.Layers)}
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	for i := range l.layers {
		l.layers[i] = layer{
			qkv: newMatrix(q+2*kv, c.Dim), out: newMatrix(c.Dim, q),
			gateUp: newMatrix(2*c.FFN, c.Dim), down: newMatrix(c.Dim, c.FFN),
			qNorm: newVector(c.HeadDim), kNorm: newVector(c.HeadDim),
		}
	}
	l.input = newTable(c.Vocab, c.Dim)
	l.output = &matrix{rows: c.Vocab, cols: c.Dim, w: make([]float32, c.Vocab*c.Dim)}
	l.rotations()
	l.b.make(c, o)
	for range o.Threads {
		l.workers = append(l.workers, newWorker(c, o))
	}
	l.Reset()
	return l, nil
}

func newMatrix(rows, cols int) *matrix {
	n := rows * cols
	return &matrix{rows: rows, cols: cols, w: make([]float32, n), moment: make([]float32, n), square: make([]float32, n)}
}

func newVector(n int) *vector {
	return &vector{w: make([]float32, n), moment: make([]float32, n), square: make([]float32, n), grad: make([]float32, n)}
}

// rotations fills the tables of rotary positions.
func (l *Learner) rotations() {
	half, rope := l.c.HeadDim/2, kernel.NewRopeTable(l.c.HeadDim, l.c.RopeBase)
	n := l.o.Length * half
	l.cos, l.sin, l.unsin = make([]float32, n), make([]float32, n), make([]float32, n)
	for p := range l.o.Length {
		rope.At(p, l.cos[p*half:][:half], l.sin[p*half:][:half])
	}
	kernel.Scale(l.unsin, l.sin, -1)
}

// Reset makes the masters those of the first weights and forgets all moments.
func (l *Learner) Reset() {
	l.correction = correction{power1: 1, power2: 1}
	for i := range l.layers {
		a, from := &l.layers[i], &l.first.Layers[i]
		a.qkv.set(from.AttnNorm, from.Q, from.K, from.V)
		a.out.set(nil, from.O)
		a.gateUp.set(from.FFNNorm, from.Gate, from.Up)
		a.down.set(nil, from.Down)
		a.qNorm.set(from.QNorm)
		a.kNorm.set(from.KNorm)
	}
	l.input.set(l.first.Embed)
	widen(l.output.w, l.first.Output)
	l.pack()
}

// set makes m the matrices of equal row length on top of each other, each
// column times its gain, if any.
func (m *matrix) set(gain []float32, from ...model.Matrix) {
	at := m.w
	for _, f := range from {
		widen(at, f)
		at = at[f.Rows*f.Cols:]
	}
	if gain != nil {
		for r := range m.rows {
			kernel.Mul(m.w[r*m.cols:][:m.cols], gain)
		}
	}
	clear(m.moment)
	clear(m.square)
}

func (v *vector) set(from []float32) {
	copy(v.w, from)
	clear(v.moment)
	clear(v.square)
}

// widen writes the numbers of m, (Rows, Cols), to dst.
func widen(dst []float32, m model.Matrix) {
	if m.F != nil {
		copy(dst, m.F)
		return
	}
	for r, s := range m.Scale {
		row := dst[r*m.Cols:][:m.Cols]
		for i, q := range m.Q[r*m.Cols:][:m.Cols] {
			row[i] = float32(q) * s
		}
	}
}

// SetOutput copies the output table, (Vocab, Dim), that the steps to come
// predict with.
func (l *Learner) SetOutput(table []float32) { copy(l.output.w, table) }

// pack prepares the masters of the body for products.
func (l *Learner) pack() {
	ms := l.matrices()
	parallel(l.o.Threads, 2*len(ms), func(_, i int) { ms[i/2].pack(i%2 == 0) })
}

// pack makes the packed copy of m, or of its transposed.
func (m *matrix) pack(nt bool) {
	if nt {
		packRows(&m.nt, m.w, m.cols, m.rows, m.cols)
	} else {
		packCols(&m.nn, m.w, m.cols, m.rows, m.cols)
	}
}

// matrices lists those that are learned.
func (l *Learner) matrices() []*matrix {
	var ms []*matrix
	for i := range l.layers {
		a := &l.layers[i]
		ms = append(ms, a.qkv, a.out, a.gateUp, a.down)
	}
	return ms
}

// Step learns from a batch: it moves the masters once down the gradient of the
// mean code length of all targets.
func (l *Learner) Step(seqs []Sequence) {
	l.b.fill(seqs)
	if l.b.scored == 0 {
		return
	}
	l.gradients()
	l.pack()
}

// gradients does all of a step but for the packing.
func (l *Learner) gradients() {
	l.correction.next()
	l.forward()
	parallel(l.o.Threads, 2, func(_, i int) { l.output.pack(i == 0) })
	parallel(l.o.Threads, (len(l.b.tokens)+headRows-1)/headRows, func(worker, i int) { l.loss(l.workers[worker], i*headRows) })
	l.backward()
	if l.o.Rate.Input != 0 {
		l.learnInput()
	}
}

// Export makes the layers of m, a Copy of the first model, those of the masters,
// and of its input table the rows that the last step moved.
func (l *Learner) Export(m *model.Model) {
	parallel(l.o.Threads, len(l.layers), func(_, i int) {
		a := &l.layers[i]
		m.SetLayer(i, model.Update{QKV: a.qkv.w, O: a.out.w, GateUp: a.gateUp.w, Down: a.down.w,
			QNorm: a.qNorm.w, KNorm: a.kNorm.w})
	})
	if l.o.Rate.Input != 0 {
		for _, r := range l.input.list {
			m.SetEmbed(int(r), l.input.row(l.input.w, r))
		}
	}
}
