package train

import (
	"kolm/internal/tensor"
)

// headRows is the number of rows whose logits exist at a time.
const headRows = 512

// stash is what the forward pass of one layer leaves for its backward pass.
// R rows are the tokens of a micro-batch.
type stash struct {
	h1, h2   []float32 // (R, Dim) normed inputs of attention and feed-forward
	r1, r2   []float32 // (R) their inverse root mean squares
	qkv      []float32 // (R, (Heads+2 KVHeads) HeadDim)
	qk       []float32 // (R, (Heads+KVHeads) HeadDim) normed and rotated
	rqk      []float32 // (R, Heads+KVHeads)
	probs    tensor.Probs
	attn     []float32 // (R, Heads HeadDim)
	gateUp   []float32 // (R, 2 FFN)
	activity []float32 // (R, FFN)
}

// worker runs sequences through the model in one goroutine: its activations,
// its scratch and its own sum of gradients.
type worker struct {
	net     *net
	attn    *tensor.Attn
	scratch *tensor.Scratch
	grad    []float32 // (params.total)

	tokens, targets []int32   // (R); a negative target is not scored
	x, dx, dh       []float32 // (R, Dim)
	x0, xf          []float32 // (R, Dim) normed embedding, normed output
	r0, rf          []float32 // (R)
	wide            []float32 // (R, widest activation)
	layers          []stash
	logits          []float32 // (headRows, Vocab)
	hidden          []float32 // (headRows, Dim)
	nll             []float32 // (headRows)
}

// newWorker makes a worker for up to seqs sequences of seq tokens at a time.
func newWorker(n *net, seq, seqs int) (*worker, error) {
	s := n.shape
	attn, err := tensor.NewAttn(seq, s.Window, s.Heads, s.KVHeads, s.HeadDim, s.RopeBase, s.Eps)
	if err != nil {
		return nil, err
	}
	rows := seq * seqs
	floats := func(cols int) []float32 { return make([]float32, rows*cols) }
	w := &worker{
		net: n, attn: attn, scratch: tensor.NewScratch(), grad: make([]float32, n.params.total),
		tokens: make([]int32, rows), targets: make([]int32, rows),
		x: floats(s.Dim), dx: floats(s.Dim), dh: floats(s.Dim), x0: floats(s.Dim), xf: floats(s.Dim),
		r0: floats(1), rf: floats(1), wide: floats(max(s.FFN, attn.Width(), s.Heads*s.HeadDim)),
		layers: make([]stash, s.Layers),
		logits: make([]float32, headRows*s.Vocab), hidden: make([]float32, headRows*s.Dim), nll: make([]float32, headRows),
	}
	for i := range w.layers {
		w.layers[i] = stash{
			h1: floats(s.Dim), h2: floats(s.Dim), r1: floats(1), r2: floats(1),
			qkv: floats(attn.Width()), qk: floats(attn.QKWidth()), rqk: floats(s.Heads + s.KVHeads),
			attn: floats(s.Heads * s.HeadDim), gateUp: floats(2 * s.FFN), activity: floats(s.FFN),
		}
	}
	return w, nil
}

// forward computes xf, the normed output without its gain, of the first rows
// tokens: whole sequences.
func (w *worker) forward(rows int) {
	n, s, d, sc := w.net, w.net.shape, w.net.shape.Dim, w.scratch
	table := n.params.embed.of(n.w)
	for i, t := range w.tokens[:rows] {
		copy(w.dh[i*d:][:d], table[int(t)*d:][:d])
	}
	tensor.RMSNorm(w.x0, w.r0, w.dh, rows, d, s.Eps)
	copy(w.x, w.x0[:rows*d])
	for i := range w.layers {
		l, b := &w.layers[i], &n.params.blocks[i]
		tensor.RMSNorm(l.h1, l.r1, w.x, rows, d, s.Eps)
		tensor.MatMulNT(sc, l.qkv, l.h1, n.packed[b.qkv], rows, false)
		w.attn.NormRope(l.qk, l.rqk, l.qkv, b.qNorm.of(n.w), b.kNorm.of(n.w), rows)
		w.attn.Forward(sc, l.attn, &l.probs, l.qk, l.qkv, rows)
		tensor.MatMulNT(sc, w.x, l.attn, n.packed[b.out], rows, true)
		tensor.RMSNorm(l.h2, l.r2, w.x, rows, d, s.Eps)
		tensor.MatMulNT(sc, l.gateUp, l.h2, n.packed[b.gateUp], rows, false)
		tensor.SwiGLU(l.activity, l.gateUp, rows, s.FFN)
		tensor.MatMulNT(sc, w.x, l.activity, n.packed[b.down], rows, true)
	}
	tensor.RMSNorm(w.xf, w.rf, w.x, rows, d, s.Eps)
}

// loss returns the sum of the targets' code lengths in nats after forward.
// If scale is not zero it also adds the gradients of scale times that sum with
// respect to the output table and gain, and leaves that of xf in dh.
func (w *worker) loss(rows int, scale float32) float64 {
	n, d, v, sc := w.net, w.net.shape.Dim, w.net.shape.Vocab, w.scratch
	embed, norm := n.params.embed, n.params.finalNorm
	var sum float64
	for at := 0; at < rows; at += headRows {
		m := min(headRows, rows-at)
		xf, targets := w.xf[at*d:][:m*d], w.targets[at:][:m]
		tensor.Gain(w.hidden, xf, norm.of(n.w), m, d)
		tensor.MatMulNT(sc, w.logits, w.hidden, n.packed[embed], m, false)
		var dlogits []float32
		if scale != 0 {
			dlogits = w.logits
		}
		tensor.CrossEntropy(dlogits, w.nll, w.logits, targets, m, v, scale)
		for _, x := range w.nll[:m] {
			sum += float64(x)
		}
		if scale != 0 {
			dh := w.dh[at*d:][:m*d]
			tensor.MatMulTN(sc, embed.of(w.grad), w.logits, w.hidden, m, v, d)
			tensor.MatMulNN(sc, dh, w.logits, n.packed[embed], m, false)
			tensor.GainBackward(dh, norm.of(w.grad), dh, xf, norm.of(n.w), m, d)
		}
	}
	return sum
}

// backward adds the gradients of everything below the output norm, from dh.
func (w *worker) backward(rows int) {
	n, s, d, sc, g := w.net, w.net.shape, w.net.shape.Dim, w.scratch, w.grad
	tensor.RMSNormBackward(w.dx, w.dh, w.xf, w.rf, rows, d, false)
	for i := len(w.layers) - 1; i >= 0; i-- {
		l, b := &w.layers[i], &n.params.blocks[i]
		tensor.MatMulTN(sc, b.down.of(g), w.dx, l.activity, rows, d, s.FFN)
		tensor.MatMulNN(sc, w.wide, w.dx, n.packed[b.down], rows, false)
		tensor.SwiGLUBackward(l.gateUp, w.wide, l.gateUp, rows, s.FFN)
		tensor.MatMulTN(sc, b.gateUp.of(g), l.gateUp, l.h2, rows, 2*s.FFN, d)
		tensor.MatMulNN(sc, w.dh, l.gateUp, n.packed[b.gateUp], rows, false)
		tensor.RMSNormBackward(w.dx, w.dh, l.h2, l.r2, rows, d, true)

		tensor.MatMulTN(sc, b.out.of(g), w.dx, l.attn, rows, d, b.out.cols)
		tensor.MatMulNN(sc, l.attn, w.dx, n.packed[b.out], rows, false)
		dqkv := w.wide[:rows*w.attn.Width()]
		w.attn.Backward(sc, dqkv, l.attn, l.qk, l.qkv, &l.probs, rows)
		w.attn.NormRopeBackward(dqkv, b.qNorm.of(g), b.kNorm.of(g), l.qkv, l.rqk, b.qNorm.of(n.w), b.kNorm.of(n.w), rows)
		tensor.MatMulTN(sc, b.qkv.of(g), dqkv, l.h1, rows, b.qkv.rows, d)
		tensor.MatMulNN(sc, w.dh, dqkv, n.packed[b.qkv], rows, false)
		tensor.RMSNormBackward(w.dx, w.dh, l.h1, l.r1, rows, d, true)
	}
	tensor.RMSNormBackward(w.dh, w.dx, w.x0, w.r0, rows, d, false)
	table := n.params.embed.of(g)
	for i, t := range w.tokens[:rows] {
		tensor.Add(table[int(t)*d:][:d], w.dh[i*d:][:d])
	}
}
