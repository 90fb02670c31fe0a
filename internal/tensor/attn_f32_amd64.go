package tensor

// Attention on float32 products: keys, and in the backward pass values, of a head
// are transposed once; then each block of queries is a few products.

// transposeHead writes x (T, HeadDim), ld apart, as (HeadDim, T).
func (a *Attn) transposeHead(dst, x []float32, ld int) {
	for i := range a.T {
		for j, v := range x[i*ld:][:a.HeadDim] {
			dst[j*a.T+i] = v
		}
	}
}

// softmaxRow turns n scores, of which first..last count, into probabilities.
func softmaxRow(p, s []float32, first, last int, scale float32) {
	const none = -1e30 // exp of it is zero
	for j := range max(0, first) {
		s[j] = none
	}
	for j := last + 1; j < len(s); j++ {
		s[j] = none
	}
	active.scale(s[max(0, first):last+1], scale)
	active.scale(p[:len(s)], 1/active.expSum(p, s, active.maxOf(s)))
}

func attnForwardF32(a *Attn, s *Scratch, o []float32, p *Probs, qk, qkv []float32, seqs int) {
	p.b = nil
	p.f = grow(p.f, seqs*a.Heads*a.T*a.span())
	hd, ldo, span, ldq, w := a.HeadDim, a.Heads*a.HeadDim, a.span(), a.QKWidth(), a.Width()
	s.fheads = grow(s.fheads, a.T*hd)
	s.scores = grow(s.scores, block*span)
	a.each(seqs, func(h head, first bool) {
		if first {
			a.transposeHead(s.fheads, qk[h.k:], ldq)
		}
		for q0 := 0; q0 < a.T; q0 += block {
			base := a.firstKey(q0)
			n := q0 + block - base
			prob := p.f[h.p+q0*span:]
			Gemm(s, s.scores, span, qk[h.q+q0*ldq:], ldq, false, s.fheads[base:], a.T, false, block, n, hd, false)
			for i := range block {
				at := q0 + i - base
				softmaxRow(prob[i*span:], s.scores[i*span:][:n], at-a.Window+1, at, a.scale)
			}
			Gemm(s, o[h.o+q0*ldo:], ldo, prob, span, false, qkv[h.v+base*w:], w, false, block, hd, n, false)
		}
	})
}

func attnBackwardF32(a *Attn, s *Scratch, dqkv, do, qk, qkv []float32, p *Probs, seqs int) {
	clear(dqkv[:seqs*a.T*a.Width()])
	hd, ldo, span, ldq, w, values := a.HeadDim, a.Heads*a.HeadDim, a.span(), a.QKWidth(), a.Width(), a.KVHeads*a.HeadDim
	s.fheads = grow(s.fheads, a.T*hd)
	s.scores = grow(s.scores, block*span)
	a.each(seqs, func(h head, first bool) {
		if first {
			a.transposeHead(s.fheads, qkv[h.v:], w)
		}
		for q0 := 0; q0 < a.T; q0 += block {
			base := a.firstKey(q0)
			n := q0 + block - base
			prob, g, dk := p.f[h.p+q0*span:], do[h.o+q0*ldo:], dqkv[h.dk+base*w:]
			Gemm(s, s.scores, span, g, ldo, false, s.fheads[base:], a.T, false, block, n, hd, false)
			for i := range block {
				d, row := s.scores[i*span:][:n], prob[i*span:]
				sum := dot(d, row)
				for j, v := range d {
					d[j] = row[j] * (v - sum) * a.scale
				}
			}
			Gemm(s, dqkv[h.dq+q0*w:], w, s.scores, span, false, qk[h.k+base*ldq:], ldq, false, block, hd, n, false)
			Gemm(s, dk, w, s.scores, span, true, qk[h.q+q0*ldq:], ldq, false, n, hd, block, true)
			Gemm(s, dk[values:], w, prob, span, true, g, ldo, false, n, hd, block, true)
		}
	})
}
