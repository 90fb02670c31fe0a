package tensor

import (
	"fmt"
	"math"
)

// block is the number of queries, and the alignment of keys, that attention
// works on at a time.
const block = 32

// Attn is causal sliding-window attention with grouped queries over sequences
// of T rows: position i sees positions i-Window+1 .. i, query head h uses key
// and value head h*KVHeads/Heads. Its heads are normed (RMS with a gain) and
// rotated first.
//
// A fused buffer qkv (rows, Width) holds in each row the query heads, then the
// key heads, then the value heads; qk (rows, QKWidth) holds normed and rotated
// queries and keys. Rows are seqs*T.
type Attn struct {
	T, Window, Heads, KVHeads, HeadDim int
	Eps                                float32

	cos, sin []float32 // (T, HeadDim/2)
	scale    float32   // of the scores
}

// NewAttn makes the rotation table for positions 0..t-1. t and headDim must be
// multiples of 32, heads of kvHeads.
func NewAttn(t, window, heads, kvHeads, headDim int, ropeBase float64, eps float32) (*Attn, error) {
	if t <= 0 || t%block != 0 || headDim <= 0 || headDim%32 != 0 {
		return nil, fmt.Errorf("tensor: attention over %d rows with heads of %d: both must be multiples of 32", t, headDim)
	}
	if kvHeads <= 0 || heads%kvHeads != 0 || window <= 0 {
		return nil, fmt.Errorf("tensor: attention with %d heads, %d key heads, window %d: heads must be a multiple of key heads, window positive", heads, kvHeads, window)
	}
	a := &Attn{T: t, Window: min(window, t), Heads: heads, KVHeads: kvHeads, HeadDim: headDim, Eps: eps,
		scale: float32(1 / math.Sqrt(float64(headDim)))}
	half := headDim / 2
	for i := range t {
		for j := range half {
			angle := float64(i) * math.Pow(ropeBase, -float64(j)/float64(half))
			a.cos = append(a.cos, float32(math.Cos(angle)))
			a.sin = append(a.sin, float32(math.Sin(angle)))
		}
	}
	return a, nil
}

// Width is the length of a row of qkv, QKWidth of a row of qk.
func (a *Attn) Width() int { return (a.Heads + 2*a.KVHeads) * a.HeadDim }

// QKWidth is the length of a row of qk.
func (a *Attn) QKWidth() int { return (a.Heads + a.KVHeads) * a.HeadDim }

// span is the number of keys that a block of queries touches at most.
func (a *Attn) span() int { return min(a.T, (a.Window+block-2)/block*block+block) }

// firstKey is the first key that the block of queries at q0 touches, rounded
// down to a multiple of block.
func (a *Attn) firstKey(q0 int) int { return max(0, q0-a.Window+1) / block * block }

// Probs keeps the attention probabilities between Forward and Backward.
type Probs struct {
	f []float32 // (seqs, Heads, T, span), or
	b []uint16  // the same in bfloat16
}

// headRows is the work of NormRope or its gradient on consecutive heads of all
// rows: x and r are those of the raw rows, y of the rotated ones or their
// gradient, which becomes that of x.
type headRows struct {
	x, y, r, gain, dgain []float32
	ldx, ldy, ldr        int
	rows, heads          int
}

// NormRope writes qk (rows, QKWidth): each query and key head of qkv
// (rows, Width) divided by its root mean square, times the gain gq or gk
// (HeadDim), rotated by its position (row mod T; halves of a head are the pairs).
// r (rows, Heads+KVHeads) keeps the inverse root mean squares.
func (a *Attn) NormRope(qk, r, qkv, gq, gk []float32, rows int) {
	a.needHeads(qk, a.QKWidth(), r, qkv, gq, gk, rows)
	for _, h := range a.headRows(qk, a.QKWidth(), r, qkv, gq, gk, rows) {
		active.normRope(a, h)
	}
}

// NormRopeBackward turns the gradients of qk in the first QKWidth columns of
// dqkv (rows, Width) into gradients of qkv, in place, and adds the gradients of
// the gains to dgq and dgk (HeadDim). qkv and r are NormRope's.
func (a *Attn) NormRopeBackward(dqkv, dgq, dgk, qkv, r, gq, gk []float32, rows int) {
	a.needHeads(dqkv, a.Width(), r, qkv, gq, gk, rows)
	need("dgq", len(dgq), a.HeadDim)
	need("dgk", len(dgk), a.HeadDim)
	h := a.headRows(dqkv, a.Width(), r, qkv, gq, gk, rows)
	h[0].dgain, h[1].dgain = dgq, dgk
	active.normRopeBackward(a, h[0])
	active.normRopeBackward(a, h[1])
}

func (a *Attn) headRows(y []float32, ldy int, r, qkv, gq, gk []float32, rows int) [2]headRows {
	ldr, q := a.Heads+a.KVHeads, a.Heads*a.HeadDim
	return [2]headRows{
		{x: qkv, y: y, r: r, gain: gq, ldx: a.Width(), ldy: ldy, ldr: ldr, rows: rows, heads: a.Heads},
		{x: qkv[q:], y: y[q:], r: r[a.Heads:], gain: gk, ldx: a.Width(), ldy: ldy, ldr: ldr, rows: rows, heads: a.KVHeads},
	}
}

func (a *Attn) needHeads(y []float32, ldy int, r, qkv, gq, gk []float32, rows int) {
	a.needRows(rows)
	need("qk", len(y), rows*ldy)
	need("qkv", len(qkv), rows*a.Width())
	need("r", len(r), rows*(a.Heads+a.KVHeads))
	need("gq", len(gq), a.HeadDim)
	need("gk", len(gk), a.HeadDim)
}

func (a *Attn) needRows(rows int) {
	if rows <= 0 || rows%a.T != 0 {
		panic(fmt.Sprintf("tensor: %d rows are not whole sequences of %d", rows, a.T))
	}
}

// Forward computes o (rows, Heads*HeadDim) = softmax(q k^T / sqrt(HeadDim)) v
// within each sequence and keeps the probabilities in p, which grows to fit;
// queries and keys come from qk (rows, QKWidth), values from qkv (rows, Width).
func (a *Attn) Forward(s *Scratch, o []float32, p *Probs, qk, qkv []float32, rows int) {
	a.needRows(rows)
	need("o", len(o), rows*a.Heads*a.HeadDim)
	need("qk", len(qk), rows*a.QKWidth())
	need("qkv", len(qkv), rows*a.Width())
	active.attnForward(a, s, o, p, qk, qkv, rows/a.T)
}

// Backward writes all of dqkv (rows, Width): the gradients of qk and of the
// values, from do (rows, Heads*HeadDim) and the p of Forward. NormRopeBackward
// comes next.
func (a *Attn) Backward(s *Scratch, dqkv, do, qk, qkv []float32, p *Probs, rows int) {
	a.needRows(rows)
	need("dqkv", len(dqkv), rows*a.Width())
	need("do", len(do), rows*a.Heads*a.HeadDim)
	need("qk", len(qk), rows*a.QKWidth())
	need("qkv", len(qkv), rows*a.Width())
	if n := rows * a.Heads * a.span(); len(p.f) < n && len(p.b) < n {
		panic("tensor: attention backward without the probabilities of a forward")
	}
	active.attnBackward(a, s, dqkv, do, qk, qkv, p, rows/a.T)
}
