package learn

import (
	"math"

	"kolm/internal/kernel"
)

// heads calls f for each query and key head of row t of layer i: x is the raw
// head, y the normed and rotated one, r its factor.
func (l *Learner) heads(i, row int, f func(x, y []float32, r *float32, query bool)) {
	c, st := &l.c, &l.b.layers[i]
	all, hd := c.Heads+c.KVHeads, c.HeadDim
	qkv, qk := st.qkv[row*(all+c.KVHeads)*hd:], st.qk[row*all*hd:]
	for h := range all {
		f(qkv[h*hd:][:hd], qk[h*hd:][:hd], &st.rqk[row*all+h], h < c.Heads)
	}
}

// rotation is the cosines and sines of position t.
func (l *Learner) rotation(sin []float32, t int) (cosT, sinT []float32) {
	half := l.c.HeadDim / 2
	return l.cos[t*half:][:half], sin[t*half:][:half]
}

// places are where the heads of one query head begin in a row.
func (l *Learner) places(h int) (q, k, v, qkWidth, width int) {
	c := &l.c
	g := h / (c.Heads / c.KVHeads)
	return h * c.HeadDim, (c.Heads + g) * c.HeadDim, (c.Heads + c.KVHeads + g) * c.HeadDim,
		(c.Heads + c.KVHeads) * c.HeadDim, (c.Heads + 2*c.KVHeads) * c.HeadDim
}

// root is the factor of the scores.
func (l *Learner) root() float32 { return float32(1 / math.Sqrt(float64(l.c.HeadDim))) }

// rotate norms and rotates the query and key heads of a row of layer i.
func (l *Learner) rotate(i, row int) {
	a := &l.layers[i]
	cos, sin := l.rotation(l.sin, l.b.places[row])
	l.heads(i, row, func(x, y []float32, r *float32, query bool) {
		*r = kernel.InverseRMS(x, l.c.Eps)
		kernel.Scale(y, x, *r)
		if query {
			kernel.Mul(y, a.qNorm.w)
		} else {
			kernel.Mul(y, a.kNorm.w)
		}
		kernel.Rope(y, cos, sin)
	})
}

// attention computes the attention output of query head h of sequence s in layer
// i.
func (l *Learner) attention(w *worker, i, s, h int) {
	b, c, st := &l.b, &l.c, &l.b.layers[i]
	first, n, hd := b.starts[s], b.starts[s+1]-b.starts[s], c.HeadDim
	q, k, v, qkw, width := l.places(h)
	qk, qkv, p := st.qk[first*qkw:], st.qkv[first*width:], l.probs(i, s, h)
	gather(w.q, qk[q:], qkw, n, hd)
	kernel.Scale(w.q, w.q[:n*hd], l.root())
	packRows(&w.a, qk[k:], qkw, n, hd)
	w.a.MatMul(p, w.q, n)
	for t := range n {
		row := p[t*n:][:n]
		kernel.Softmax(row[:t+1])
		clear(row[t+1:])
	}
	packCols(&w.a, qkv[v:], width, n, hd)
	w.a.MatMul(w.o, p, n)
	for t := range n {
		copy(st.attn[(first+t)*c.Heads*hd+q:][:hd], w.o[t*hd:])
	}
}

// probs is the place of the attention probabilities of head h, (n, n), of
// sequence s in layer i.
func (l *Learner) probs(i, s, h int) []float32 {
	size := l.o.Length * l.o.Length
	return l.b.layers[i].probs[(s*l.c.Heads+h)*size:][:size]
}

// attentionBackward turns the gradient of the attention output, where that was,
// into that of key and value head g and its query heads, in wide, for sequence s of
// layer i.
func (l *Learner) attentionBackward(w *worker, i, s, g int) {
	b, c, st := &l.b, &l.c, &l.b.layers[i]
	first, n, hd, rep := b.starts[s], b.starts[s+1]-b.starts[s], c.HeadDim, c.Heads/c.KVHeads
	do := b.span(st.attn, s, c.Heads*hd)
	for h := g * rep; h < (g+1)*rep; h++ {
		q, k, v, qkw, width := l.places(h)
		dqkv := b.span(b.wide, s, width)
		qk, qkv, p := st.qk[first*qkw:], st.qkv[first*width:], l.probs(i, s, h)[:n*n]
		g := w.o[:n*hd]
		gather(g, do[q:], c.Heads*hd, n, hd)
		packRows(&w.a, qkv[v:], width, n, hd)
		w.a.MatMul(w.dp, g, n)
		w.flip = grow(w.flip, n*n)
		transpose(w.flip, p, n, n, n)
		packCols(&w.a, g, hd, n, hd)
		w.a.MatMul(w.q, w.flip, n)
		addTo(dqkv[v:], w.q, width, n, hd)
		for t := range n {
			l.scoresBackward(w.dp[t*n:][:n], p[t*n:][:n], t)
		}
		packCols(&w.a, qk[k:], qkw, n, hd)
		w.a.MatMul(w.q, w.dp, n)
		addTo(dqkv[q:], w.q, width, n, hd)
		transpose(w.flip, w.dp, n, n, n)
		packCols(&w.a, qk[q:], qkw, n, hd)
		w.a.MatMul(w.q, w.flip, n)
		addTo(dqkv[k:], w.q, width, n, hd)
	}
}

// scoresBackward turns the gradient dp of row t of probabilities into that of
// the products of heads.
func (l *Learner) scoresBackward(dp, p []float32, t int) {
	mean := float32(dot(dp[:t+1], p))
	root := l.root()
	for j := range dp[:t+1] {
		dp[j] = float32(p[j]*(dp[j]-mean)) * root
	}
	clear(dp[t+1:])
}

// headsBackward turns the gradients of normed and rotated heads in dqkv into
// those of the raw ones.
func (l *Learner) headsBackward(dqkv []float32, i, s int) {
	b, c, a := &l.b, &l.c, &l.layers[i]
	hd, width := c.HeadDim, (c.Heads+2*c.KVHeads)*c.HeadDim
	gains := b.gain[(s*c.Layers+i)*2*hd:][:2*hd]
	clear(gains)
	y := make([]float32, hd)
	for t := range b.starts[s+1] - b.starts[s] {
		cos, unsin := l.rotation(l.unsin, t)
		at := dqkv[t*width:]
		l.heads(i, b.starts[s]+t, func(x, _ []float32, r *float32, query bool) {
			gain, sum := a.qNorm.w, gains[:hd]
			if !query {
				gain, sum = a.kNorm.w, gains[hd:]
			}
			dy := at[:hd]
			at = at[hd:]
			kernel.Rope(dy, cos, unsin)
			kernel.Scale(y, x, *r)
			for j, v := range dy {
				sum[j] += float32(v * y[j])
			}
			kernel.Mul(dy, gain)
			normBackward(dy, dy, y, *r)
		})
	}
}

// addTo adds x, (rows, n), to rows that are stride apart.
func addTo(dst, x []float32, stride, rows, n int) {
	for r := range rows {
		kernel.Add(dst[r*stride:][:n], x[r*n:][:n])
	}
}
