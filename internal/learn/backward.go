package learn

import "kolm/internal/kernel"

// backward goes back through all layers from dx and moves the masters of each.
// What shares memory fixes the order: down and out take dx before it changes,
// gradients of gate and up stand where these were, and so on. The products use
// packed copies, which are made anew only after the step.
func (l *Learner) backward() {
	b := &l.b
	for i := len(l.layers) - 1; i >= 0; i-- {
		a, st := &l.layers[i], &b.layers[i]
		l.learn(product{a.down, b.dx, st.act})
		l.rows(func(w *worker, from, to int) { l.feedForwardBackward(w, i, from, to) })
		l.learn(product{a.gateUp, st.gateUp, st.h2}, product{a.out, b.dx, st.attn})
		l.attentionBlockBackward(i)
		l.learn(product{a.qkv, b.wide, st.h1})
		l.learnGains(i)
	}
}

// part is the number of rows that one goroutine takes at a time where rows do
// not know of each other: enough to read a matrix for.
const part = 48

// rows calls f for all rows of the batch, some at a time.
func (l *Learner) rows(f func(w *worker, from, to int)) {
	n, part := len(l.b.tokens), min(part, l.o.Length)
	parallel(l.o.Threads, (n+part-1)/part, func(worker, i int) {
		f(l.workers[worker], i*part, min(n, (i+1)*part))
	})
}

// each calls f for every sequence of the batch and every i < n.
func (l *Learner) each(n int, f func(w *worker, s, i int)) {
	parallel(l.o.Threads, n*(len(l.b.starts)-1), func(worker, k int) { f(l.workers[worker], k/n, k%n) })
}

// feedForwardBackward takes rows of dx from behind the feed-forward block of
// layer i to before it, and leaves the gradient of gate and up in their place.
func (l *Learner) feedForwardBackward(w *worker, i, from, to int) {
	b, d, f := &l.b, l.c.Dim, l.c.FFN
	a, st, n := &l.layers[i], &b.layers[i], to-from
	gateUp := st.gateUp[from*2*f : to*2*f]
	a.down.nn.MatMul(w.rows, b.dx[from*d:to*d], n)
	for t := range n {
		siluBackward(gateUp[t*2*f:][:2*f], w.rows[t*f:][:f], w.line)
	}
	a.gateUp.nn.MatMul(b.dh[from*d:], gateUp, n)
	l.residualBackward(from, to, st.h2, st.r2)
}

// attentionBlockBackward is feedForwardBackward for the attention block and all
// rows. The gradient of all heads is left in wide.
func (l *Learner) attentionBlockBackward(i int) {
	b, d := &l.b, l.c.Dim
	a, st := &l.layers[i], &b.layers[i]
	do, width := a.out.cols, a.qkv.rows
	l.rows(func(w *worker, from, to int) {
		a.out.nn.MatMul(st.attn[from*do:], b.dx[from*d:to*d], to-from)
		clear(b.wide[from*width : to*width])
	})
	l.each(l.c.KVHeads, func(w *worker, s, g int) { l.attentionBackward(w, i, s, g) })
	l.each(1, func(_ *worker, s, _ int) { l.headsBackward(b.span(b.wide, s, width), i, s) })
	l.rows(func(w *worker, from, to int) {
		a.qkv.nn.MatMul(b.dh[from*d:], b.wide[from*width:to*width], to-from)
		l.residualBackward(from, to, st.h1, st.r1)
	})
}

// residualBackward adds to rows of dx what their gradient dh gives, behind a norm
// whose results were h and factors r.
func (l *Learner) residualBackward(from, to int, h, r []float32) {
	b, d := &l.b, l.c.Dim
	for t := from; t < to; t++ {
		dh := b.dh[t*d:][:d]
		normBackward(dh, dh, h[t*d:][:d], r[t])
		kernel.Add(b.dx[t*d:], dh)
	}
}

// A product is one matrix's share of the backward pass: dy (R, rows) and x (R,
// cols) make its gradient, each element a chain of fused multiply-adds in the
// order of R.
type product struct {
	m     *matrix
	dy, x []float32
}

// chunk is the number of rows, or of columns, that one goroutine takes at a time.
const chunk = 64

// learn computes gradients and moves the masters of matrices.
func (l *Learner) learn(list ...product) {
	n := len(l.b.tokens)
	for len(l.packed) < len(list) {
		l.packed = append(l.packed, kernel.F32{})
	}
	type part struct{ product, at int }
	var columns, rows []part
	for k, p := range list {
		l.packed[k] = kernel.F32{Rows: p.m.cols, Cols: n, Data: grow(l.packed[k].Data, p.m.cols*n)}
		for at := 0; at < p.m.cols; at += chunk {
			columns = append(columns, part{k, at})
		}
		for at := 0; at < p.m.rows; at += chunk {
			rows = append(rows, part{k, at})
		}
	}
	parallel(l.o.Threads, len(columns), func(_, i int) {
		c := columns[i]
		p, cols := list[c.product], min(chunk, list[c.product].m.cols-c.at)
		packPanels(l.packed[c.product].Data[c.at*n:], p.x[c.at:], p.m.cols, n, cols)
	})
	parallel(l.o.Threads, len(rows), func(worker, i int) {
		r, w := rows[i], l.workers[worker]
		m, dy := list[r.product].m, list[r.product].dy
		k := min(chunk, m.rows-r.at)
		w.flip, w.gradient = grow(w.flip, k*n), grow(w.gradient, k*m.cols)
		transpose(w.flip, dy[r.at:], m.rows, n, k)
		l.packed[r.product].MatMul(w.gradient, w.flip, k)
		from, to := r.at*m.cols, (r.at+k)*m.cols
		l.correction.move(m.w[from:to], m.moment[from:], m.square[from:], w.gradient, l.o.Rate.Matrix)
	})
}
