package learn

import (
	"kolm/internal/kernel"
	"kolm/internal/model"
)

// batch holds the tokens of a step and what the forward pass leaves for the
// backward pass. Its rows, R in comments, are the tokens of all sequences, one
// after another.
type batch struct {
	tokens, targets []int32 // (R)
	starts          []int   // first row of each sequence, and R
	places          []int   // (R) place in its sequence
	scored          int     // targets that are not negative

	x, dx, dh []float32 // (R, Dim) residual stream, its gradient, that of normed rows
	xf        []float32 // (R, Dim) normed output without gain
	rf        []float32 // (R) its inverse root mean square
	wide      []float32 // (R, widest) gradients between matrices
	layers    []stash
	gain      []float32 // (sequences, layers, 2, HeadDim) gradients of the gains of heads
}

// stash is what one layer keeps.
type stash struct {
	h1, h2 []float32 // (R, Dim) normed inputs of attention and feed-forward
	r1, r2 []float32 // (R)
	qkv    []float32 // (R, all heads)
	qk     []float32 // (R, query and key heads) normed and rotated
	rqk    []float32 // (R, number of query and key heads)
	probs  []float32 // (sequences, Heads, Length, Length) row i of n long rows
	attn   []float32 // (R, query heads)
	gateUp []float32 // (R, 2 FFN)
	act    []float32 // (R, FFN)
}

func (b *batch) make(c model.Config, o Options) {
	n := o.Length * o.Sequences
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	floats := func(cols int) []float32 { return make([]float32, n*cols) }
	b.x, b.dx, b.dh, b.xf, b.rf = floats(c.Dim), floats(c.Dim), floats(c.Dim), floats(c.Dim), floats(1)
	b.wide = floats(max(q+2*kv, c.FFN))
	b.gain = make([]float32, o.Sequences*c.Layers*2*c.HeadDim)
	b.layers = make([]stash, c.Layers)
	for i := range b.layers {
		b.layers[i] = stash{
			h1: floats(c.Dim), h2: floats(c.Dim), r1: floats(1), r2: floats(1),
			qkv: floats(q + 2*kv), qk: floats(q + kv), rqk: floats(c.Heads + c.KVHeads),
			probs: floats(c.Heads * o.Length), attn: floats(q), gateUp: floats(2 * c.FFN), act: floats(c.FFN),
		}
	}
}

// fill takes the sequences of a step.
func (b *batch) fill(seqs []Sequence) {
	b.tokens, b.targets, b.starts, b.places, b.scored = b.tokens[:0], b.targets[:0], b.starts[:0], b.places[:0], 0
	for _, s := range seqs {
		b.starts = append(b.starts, len(b.tokens))
		b.tokens = append(b.tokens, s.Tokens...)
		b.targets = append(b.targets, s.Targets[:len(s.Tokens)]...)
		for t := range s.Tokens {
			b.places = append(b.places, t)
		}
	}
	b.starts = append(b.starts, len(b.tokens))
	for _, t := range b.targets {
		if t >= 0 {
			b.scored++
		}
	}
}

// span is a sequence's rows of x, whose rows are n long.
func (b *batch) span(x []float32, s, n int) []float32 {
	return x[b.starts[s]*n : b.starts[s+1]*n]
}

// worker is the scratch of one goroutine.
type worker struct {
	rows     []float32  // (Length, widest)
	line     []float32  // (widest)
	q, o     []float32  // (Length, HeadDim) of one head
	dp       []float32  // (Length, Length)
	flip     []float32  // something transposed
	gradient []float32  // (chunk, columns) of a matrix
	a        kernel.F32 // keys, values or queries of one head
	logits   []float32  // (headRows, Vocab)
	hidden   []float32  // (headRows, Dim)
}

// headRows is the number of rows whose logits exist at a time in a worker.
const headRows = 32

func newWorker(c model.Config, o Options) *worker {
	n, widest := o.Length, max(c.Dim, c.FFN)
	return &worker{
		rows: make([]float32, n*widest), line: make([]float32, widest),
		q: make([]float32, n*c.HeadDim), o: make([]float32, n*c.HeadDim), dp: make([]float32, n*n),
		flip: make([]float32, n*n), logits: make([]float32, headRows*c.Vocab), hidden: make([]float32, headRows*c.Dim),
	}
}

// norm makes y, (rows, n), of the rows of x, and keeps their factors in r.
func norm(y, r, x []float32, n int, eps float32) {
	for i := range len(x) / n {
		row := x[i*n:][:n]
		r[i] = kernel.InverseRMS(row, eps)
		kernel.Scale(y[i*n:], row, r[i])
	}
}

// forward runs the batch through the body.
func (l *Learner) forward() {
	b, c := &l.b, &l.c
	d := c.Dim
	l.rows(func(w *worker, from, to int) {
		for i := from; i < to; i++ {
			copy(b.x[i*d:][:d], l.input.w[int(b.tokens[i])*d:])
		}
	})
	for i := range l.layers {
		l.rows(func(w *worker, from, to int) { l.projections(i, from, to) })
		l.each(c.Heads, func(w *worker, s, h int) { l.attention(w, i, s, h) })
		l.rows(func(w *worker, from, to int) { l.feedForward(w, i, from, to) })
	}
	l.rows(func(w *worker, from, to int) {
		norm(b.xf[from*d:], b.rf[from:], b.x[from*d:to*d], d, c.Eps)
	})
}

// projections makes the heads of rows in layer i.
func (l *Learner) projections(i, from, to int) {
	a, st, d := &l.layers[i], &l.b.layers[i], l.c.Dim
	norm(st.h1[from*d:], st.r1[from:], l.b.x[from*d:to*d], d, l.c.Eps)
	a.qkv.nt.MatMul(st.qkv[from*a.qkv.rows:], st.h1[from*d:to*d], to-from)
	for row := from; row < to; row++ {
		l.rotate(i, row)
	}
}

// feedForward adds to rows of x what layer i makes of the attention output, and
// the feed-forward block.
func (l *Learner) feedForward(w *worker, i, from, to int) {
	b, c, n := &l.b, &l.c, to-from
	a, st, d := &l.layers[i], &b.layers[i], c.Dim
	x, h2 := b.x[from*d:to*d], st.h2[from*d:to*d]
	a.out.nt.MatMul(w.rows, st.attn[from*a.out.cols:], n)
	kernel.Add(x, w.rows[:n*d])
	norm(h2, st.r2[from:], x, d, c.Eps)
	gateUp, act := st.gateUp[from*2*c.FFN:], st.act[from*c.FFN:]
	a.gateUp.nt.MatMul(gateUp, h2, n)
	for t := range n {
		gu := gateUp[t*2*c.FFN:][:2*c.FFN]
		kernel.SiluMul(act[t*c.FFN:], gu[:c.FFN], gu[c.FFN:])
	}
	a.down.nt.MatMul(w.rows, act, n)
	kernel.Add(x, w.rows[:n*d])
}

// loss leaves the gradient of the output of headRows rows, or as many as there
// are, in dx: that of the mean code length of all targets, in nats.
func (l *Learner) loss(w *worker, at int) {
	b, d, v := &l.b, l.c.Dim, l.c.Vocab
	scale := 1 / float32(max(1, b.scored))
	n := min(headRows, len(b.tokens)-at)
	h, dh := w.hidden[:n*d], b.dh[at*d:][:n*d]
	copy(h, b.xf[at*d:])
	for i := range n {
		kernel.Mul(h[i*d:][:d], l.outputNorm)
	}
	l.output.nt.MatMul(w.logits, h, n)
	for i := range n {
		p := w.logits[i*v:][:v]
		if t := b.targets[at+i]; t >= 0 {
			kernel.Softmax(p)
			p[t] -= 1
		} else {
			clear(p)
		}
	}
	l.output.nn.MatMul(dh, w.logits, n)
	for i := range n {
		row := dh[i*d:][:d]
		kernel.Scale(row, row, scale)
		kernel.Mul(row, l.outputNorm)
		normBackward(b.dx[(at+i)*d:][:d], row, b.xf[(at+i)*d:][:d], b.rf[at+i])
	}
}
