package tensor

import (
	"math"
	"unsafe"
)

// ropeRow is the argument of the kernels that norm and rotate the heads of one row.
type ropeRow struct {
	x, y, r, gain, dgain, cos, sin *float32
	half, heads                    int // values of half a head
	eps                            float32
}

//go:noescape
func normRope512(h *ropeRow)

//go:noescape
func normRopeBackward512(h *ropeRow)

// softmaxRows is the argument of softmax512: rows of n scores, of which columns
// first..last count in the first row, one further in each next. lds, ldp are bytes.
type softmaxRows struct {
	s                              *float32
	p                              *uint16
	lds, ldp, n, rows, first, last int
	scale                          float32 // times log2(e)
}

//go:noescape
func softmax512(a *softmaxRows)

// softmaxPairs is the argument of softmaxBackward512: pairs of rows of n columns,
// n a multiple of 32. ds = p * (dp - sum(dp*p)) * scale; pt and dst are p and ds
// in panels of pairs of rows, step bytes from panel to panel. The kernel
// advances pt and dst.
type softmaxPairs struct {
	dp              *float32
	p, ds, pt, dst  *uint16
	lddp, ldp, ldds int // bytes
	n, pairs, step  int
	scale           float32
}

//go:noescape
func softmaxBackward512(a *softmaxPairs)

// row is the kernels' argument for row i.
func (h *headRows) row(a *Attn, i int) ropeRow {
	half := a.HeadDim / 2
	at := i % a.T * half
	return ropeRow{
		x: &h.x[i*h.ldx], y: &h.y[i*h.ldy], r: &h.r[i*h.ldr], gain: &h.gain[0],
		cos: &a.cos[at], sin: &a.sin[at], half: half, heads: h.heads, eps: a.Eps,
	}
}

func normRopeRows512(a *Attn, h headRows) {
	for i := range h.rows {
		row := h.row(a, i)
		normRope512(&row)
	}
}

func normRopeBackwardRows512(a *Attn, h headRows) {
	for i := range h.rows {
		row := h.row(a, i)
		row.dgain = &h.dgain[0]
		normRopeBackward512(&row)
	}
}

// attnPanels is the scratch of one head: operands of (T, HeadDim), and in the
// backward pass the panels of p and ds, one a block of keys, span/2 pairs of
// queries each, from the block's own position on.
type attnPanels struct {
	q, k, v, o []uint16
	rows       []uint16 // queries, or gradients of outputs, as rows
	ds, pt, dt []uint16
	s          []float32 // scores of a block of queries
}

func (a *Attn) panels(s *Scratch, backward bool) attnPanels {
	size, span := a.T*a.HeadDim, a.span()
	total := 5 * size
	if backward {
		total += block*span + 2*a.T*span
	}
	s.heads = grow(s.heads, total)
	s.scores = grow(s.scores, block*span)
	left := s.heads
	cut := func(n int) []uint16 {
		part := left[:n]
		left = left[n:]
		return part
	}
	p := attnPanels{q: cut(size), k: cut(size), v: cut(size), o: cut(size), rows: cut(size), s: s.scores}
	if backward {
		p.ds, p.pt, p.dt = cut(block*span), cut(a.T*span), cut(a.T*span)
	}
	return p
}

// scores multiplies the rows of the block of queries at q0 by the panels of keys
// from base on into p.s.
func (a *Attn) scores(s *Scratch, p *attnPanels, keys []uint16, q0, base, n int) {
	hd := a.HeadDim
	t := tiles{rowStep: 2 * hd, wordStep: 4, tileStep: 2 * hd * tileRows, ldc: 4 * a.span(), words: hd / 2}
	for j := 0; j < n; j += panel {
		t.b = unsafe.Pointer(&keys[(base+j)*hd])
		runTiles(s, kernelBF16, t, word(p.rows[q0*hd:]), p.s[j:], a.span(), block, panel)
	}
}

// gather multiplies block rows of n words of x, ldx apart, by the panels over T
// pairs of rows in b, from row base on, into c.
func (a *Attn) gather(s *Scratch, c []float32, ldc int, x []uint16, ldx int, b []uint16, base, n int) {
	t := tiles{rowStep: 2 * ldx, wordStep: 4, tileStep: 2 * ldx * tileRows, ldc: 4 * ldc, words: n / 2}
	for j := 0; j < a.HeadDim; j += panel {
		t.b = unsafe.Pointer(&b[j*a.T+base*panel])
		runTiles(s, kernelBF16, t, word(x), c[j:], ldc, block, panel)
	}
}

func attnForwardBF16(a *Attn, s *Scratch, o []float32, p *Probs, qk, qkv []float32, seqs int) {
	p.f = nil
	p.b = grow(p.b, seqs*a.Heads*a.T*a.span())
	x, hd, ldo, span := a.panels(s, false), a.HeadDim, a.Heads*a.HeadDim, a.span()
	a.each(seqs, func(h head, first bool) {
		if first {
			packAlong(x.k, qk[h.k:], a.QKWidth(), a.T, hd, hd)
			packAcross(x.v, qkv[h.v:], a.Width(), a.T, hd, a.T)
		}
		packRows(x.rows, qk[h.q:], a.QKWidth(), a.T, hd, hd)
		for q0 := 0; q0 < a.T; q0 += block {
			base := a.firstKey(q0)
			n := q0 + block - base
			a.scores(s, &x, x.k, q0, base, n)
			prob := p.b[h.p+q0*span:]
			softmax512(&softmaxRows{s: &x.s[0], p: &prob[0], lds: 4 * span, ldp: 2 * span, n: n, rows: block,
				first: q0 - a.Window + 1 - base, last: q0 - base, scale: a.scale * math.Log2E})
			a.gather(s, o[h.o+q0*ldo:], ldo, prob, span, x.v, base, n)
		}
	})
}

func attnBackwardBF16(a *Attn, s *Scratch, dqkv, do, qk, qkv []float32, p *Probs, seqs int) {
	x, hd, ldo, span, w := a.panels(s, true), a.HeadDim, a.Heads*a.HeadDim, a.span(), a.Width()
	a.each(seqs, func(h head, first bool) {
		if first {
			packAcross(x.k, qk[h.k:], a.QKWidth(), a.T, hd, a.T)
			packAlong(x.v, qkv[h.v:], w, a.T, hd, hd)
		}
		packAcross(x.q, qk[h.q:], a.QKWidth(), a.T, hd, a.T)
		packAcross(x.o, do[h.o:], ldo, a.T, hd, a.T)
		packRows(x.rows, do[h.o:], ldo, a.T, hd, hd)
		for q0 := 0; q0 < a.T; q0 += block {
			base := a.firstKey(q0)
			n := q0 + block - base
			a.scores(s, &x, x.v, q0, base, n)
			at := base*span + (q0-base)*panel // panel of the first key block, at this block of queries
			softmaxBackward512(&softmaxPairs{dp: &x.s[0], p: &p.b[h.p+q0*span], ds: &x.ds[0], pt: &x.pt[at], dst: &x.dt[at],
				lddp: 4 * span, ldp: 2 * span, ldds: 2 * span, n: n, pairs: block / 2, step: 2 * panel * (span - panel), scale: a.scale})
			a.gather(s, dqkv[h.dq+q0*w:], w, x.ds, span, x.k, base, n)
		}
		for k0 := 0; k0 < a.T; k0 += block {
			n := min(span, a.T-k0)
			dk := dqkv[h.dk+k0*w:]
			a.spread(s, dk[a.KVHeads*hd:], x.pt[k0*span:], x.o, k0, n, !first)
			a.spread(s, dk, x.dt[k0*span:], x.q, k0, n, !first)
		}
	})
}

// spread multiplies the transpose of a panel, n queries by 32 keys, by the n rows
// of b from k0 on: the gradient of a block of keys or values.
func (a *Attn) spread(s *Scratch, c []float32, x, b []uint16, k0, n int, acc bool) {
	w := a.Width()
	t := tiles{rowStep: 4, wordStep: 4 * panel, tileStep: 4 * tileRows, ldc: 4 * w, words: n / 2}
	if acc {
		t.acc = 1
	}
	for j := 0; j < a.HeadDim; j += panel {
		t.b = unsafe.Pointer(&b[j*a.T+k0*panel])
		runTiles(s, kernelBF16, t, word(x), c[j:], w, block, panel)
	}
}
