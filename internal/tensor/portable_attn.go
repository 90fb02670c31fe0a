package tensor

func portableNormRope(a *Attn, h headRows) {
	hd, half := a.HeadDim, a.HeadDim/2
	for i := range h.rows {
		cos, sin := a.cos[i%a.T*half:], a.sin[i%a.T*half:]
		for n := range h.heads {
			x, y := h.x[i*h.ldx+n*hd:][:hd], h.y[i*h.ldy+n*hd:][:hd]
			r := 1 / sqrt(dot(x, x)/float32(hd)+a.Eps)
			h.r[i*h.ldr+n] = r
			for j := range half {
				u, v := x[j]*r*h.gain[j], x[j+half]*r*h.gain[j+half]
				y[j], y[j+half] = u*cos[j]-v*sin[j], v*cos[j]+u*sin[j]
			}
		}
	}
}

func portableNormRopeBackward(a *Attn, h headRows) {
	hd, half := a.HeadDim, a.HeadDim/2
	for i := range h.rows {
		cos, sin := a.cos[i%a.T*half:], a.sin[i%a.T*half:]
		for n := range h.heads {
			x, y := h.x[i*h.ldx+n*hd:][:hd], h.y[i*h.ldy+n*hd:][:hd]
			r := h.r[i*h.ldr+n]
			var sum float32
			for j := range half {
				u, v := y[j]*cos[j]+y[j+half]*sin[j], y[j+half]*cos[j]-y[j]*sin[j]
				h.dgain[j] += u * x[j] * r
				h.dgain[j+half] += v * x[j+half] * r
				y[j], y[j+half] = u*h.gain[j], v*h.gain[j+half]
				sum += y[j]*x[j] + y[j+half]*x[j+half]
			}
			mean := sum * r * r / float32(hd)
			for j := range y {
				y[j] = r * (y[j] - mean*x[j])
			}
		}
	}
}

// head is where one query head of one sequence lies in the buffers: offsets of
// its first row.
type head struct {
	q, k, v, dq, dk, o, p int
}

// each calls f for every (sequence, query head), query heads of one key head
// after each other; first is true for the first of them.
func (a *Attn) each(seqs int, f func(h head, first bool)) {
	group := a.Heads / a.KVHeads
	for b := range seqs {
		row := b * a.T
		for n := range a.Heads {
			kv := n / group
			f(head{
				q:  row*a.QKWidth() + n*a.HeadDim,
				k:  row*a.QKWidth() + (a.Heads+kv)*a.HeadDim,
				v:  row*a.Width() + (a.Heads+a.KVHeads+kv)*a.HeadDim,
				dq: row*a.Width() + n*a.HeadDim,
				dk: row*a.Width() + (a.Heads+kv)*a.HeadDim,
				o:  row*a.Heads*a.HeadDim + n*a.HeadDim,
				p:  (b*a.Heads + n) * a.T * a.span(),
			}, n%group == 0)
		}
	}
}

func portableAttnForward(a *Attn, s *Scratch, o []float32, p *Probs, qk, qkv []float32, seqs int) {
	p.b = nil
	p.f = grow(p.f, seqs*a.Heads*a.T*a.span())
	hd, ldo := a.HeadDim, a.Heads*a.HeadDim
	a.each(seqs, func(h head, _ bool) {
		for i := range a.T {
			prob := p.f[h.p+i*a.span():][:a.span()]
			clear(prob)
			base, first := a.firstKey(i/block*block), max(0, i-a.Window+1)
			q := qk[h.q+i*a.QKWidth():][:hd]
			top := float32(-1e30)
			for j := first; j <= i; j++ {
				prob[j-base] = dot(q, qk[h.k+j*a.QKWidth():]) * a.scale
				top = max(top, prob[j-base])
			}
			var sum float32
			for j := first; j <= i; j++ {
				prob[j-base] = exp(prob[j-base] - top)
				sum += prob[j-base]
			}
			out := o[h.o+i*ldo:][:hd]
			clear(out)
			for j := first; j <= i; j++ {
				prob[j-base] /= sum
				portableAxpy(out, prob[j-base], qkv[h.v+j*a.Width():])
			}
		}
	})
}

func portableAttnBackward(a *Attn, s *Scratch, dqkv, do, qk, qkv []float32, p *Probs, seqs int) {
	clear(dqkv[:seqs*a.T*a.Width()])
	s.scores = grow(s.scores, a.span())
	ds := s.scores
	hd, w, ldo, values := a.HeadDim, a.Width(), a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	a.each(seqs, func(h head, _ bool) {
		for i := range a.T {
			prob := p.f[h.p+i*a.span():][:a.span()]
			base, first := a.firstKey(i/block*block), max(0, i-a.Window+1)
			q, g := qk[h.q+i*a.QKWidth():][:hd], do[h.o+i*ldo:][:hd]
			var sum float32
			for j := first; j <= i; j++ {
				ds[j-base] = dot(g, qkv[h.v+j*w:])
				sum += ds[j-base] * prob[j-base]
			}
			dq := dqkv[h.dq+i*w:][:hd]
			for j := first; j <= i; j++ {
				v := prob[j-base] * (ds[j-base] - sum) * a.scale
				dk := dqkv[h.dk+j*w:]
				portableAxpy(dq, v, qk[h.k+j*a.QKWidth():])
				portableAxpy(dk[:hd], v, q)
				portableAxpy(dk[values:][:hd], prob[j-base], g)
			}
		}
	})
}

// grow returns a slice of n elements, x itself if it is long enough.
func grow[T any](x []T, n int) []T {
	if len(x) < n {
		return make([]T, n)
	}
	return x
}
