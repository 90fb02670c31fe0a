package tensor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var attnShapes = []Attn{
	{T: 32, Window: 32, Heads: 1, KVHeads: 1, HeadDim: 32},
	{T: 64, Window: 200, Heads: 2, KVHeads: 2, HeadDim: 64},
	{T: 128, Window: 32, Heads: 4, KVHeads: 2, HeadDim: 64},
	{T: 160, Window: 33, Heads: 3, KVHeads: 1, HeadDim: 32},
	{T: 96, Window: 1, Heads: 2, KVHeads: 1, HeadDim: 96},
	{T: 192, Window: 96, Heads: 2, KVHeads: 1, HeadDim: 64},
}

// attnTolerance: bfloat16 probabilities and operands, values and sums about 1.
func attnTolerance() float64 {
	if active.name == "bf16" {
		return 4e-2
	}
	return 1e-4
}

func onEachShape(t *testing.T, f func(t *testing.T, r *rand.Rand, a *Attn)) {
	onEach(t, func(t *testing.T) {
		for _, c := range attnShapes {
			t.Run(fmt.Sprintf("T%dW%dH%dKV%dhd%d", c.T, c.Window, c.Heads, c.KVHeads, c.HeadDim), func(t *testing.T) {
				a, err := NewAttn(c.T, c.Window, c.Heads, c.KVHeads, c.HeadDim, 10000, 1e-6)
				if err != nil {
					t.Fatal(err)
				}
				f(t, rand.New(rand.NewPCG(19, 20)), a)
			})
		}
	})
}

// slowAttention is attention in float64 straight from the definition.
func slowAttention(a *Attn, qk, qkv []float32, seqs int) []float32 {
	o := make([]float32, seqs*a.T*a.Heads*a.HeadDim)
	for i := range seqs * a.T {
		pos := i % a.T
		for n := range a.Heads {
			kv := n / (a.Heads / a.KVHeads)
			var sum float64
			out := make([]float64, a.HeadDim)
			for p := max(0, pos-a.Window+1); p <= pos; p++ {
				j := i - pos + p
				var s float64
				for l := range a.HeadDim {
					s += float64(qk[i*a.QKWidth()+n*a.HeadDim+l]) * float64(qk[j*a.QKWidth()+(a.Heads+kv)*a.HeadDim+l])
				}
				e := math.Exp(s / math.Sqrt(float64(a.HeadDim)))
				sum += e
				for l := range out {
					out[l] += e * float64(qkv[j*a.Width()+(a.Heads+a.KVHeads+kv)*a.HeadDim+l])
				}
			}
			for l, v := range out {
				o[(i*a.Heads+n)*a.HeadDim+l] = float32(v / sum)
			}
		}
	}
	return o
}

func TestAttention(t *testing.T) {
	onEachShape(t, func(t *testing.T, r *rand.Rand, a *Attn) {
		const seqs = 2
		rows := seqs * a.T
		s, p := NewScratch(), &Probs{}
		qk, qkv := randoms(r, rows*a.QKWidth()), randoms(r, rows*a.Width())
		o := guarded(r, rows*a.Heads*a.HeadDim)
		a.Forward(s, o, p, qk, qkv, rows)
		checkCanaries(t, "o", o)
		compare(t, "o", o, slowAttention(a, qk, qkv, seqs), attnTolerance())

		do, dqkv := randoms(r, len(o)), guarded(r, len(qkv))
		a.Backward(s, dqkv, do, qk, qkv, p, rows)
		checkCanaries(t, "dqkv", dqkv)
		was, tol := Backend(), 2*attnTolerance()
		Use("portable")
		defer Use(was)
		want := make([]float32, len(qkv))
		a.Forward(s, o, p, qk, qkv, rows)
		a.Backward(s, want, do, qk, qkv, p, rows)
		compare(t, "dqkv", dqkv, want, tol)
		if was != "portable" {
			return
		}
		checkAttnGradient(t, r, a, s, qk, qkv, do, dqkv, rows)
	})
}

// checkAttnGradient compares dqkv with difference quotients of the portable forward.
func checkAttnGradient(t *testing.T, r *rand.Rand, a *Attn, s *Scratch, qk, qkv, do, dqkv []float32, rows int) {
	t.Helper()
	o, p := make([]float32, len(do)), &Probs{}
	loss := func() float64 {
		a.Forward(s, o, p, qk, qkv, rows)
		return weigh(o, do)
	}
	const h = 1e-2
	for range 8 {
		i, j := r.IntN(rows), r.IntN(a.Width())
		x := &qkv[i*a.Width()+j]
		if j < a.QKWidth() {
			x = &qk[i*a.QKWidth()+j]
		}
		was := *x
		*x = was + h
		high := loss()
		*x = was - h
		low := loss()
		*x = was
		want, got := (high-low)/(2*h), float64(dqkv[i*a.Width()+j])
		if math.Abs(want-got) > 2e-3*(1+math.Abs(want)) {
			t.Fatalf("row %d column %d: gradient %g, difference quotient %g", i, j, got, want)
		}
	}
}

func TestNormRope(t *testing.T) {
	onEachShape(t, func(t *testing.T, r *rand.Rand, a *Attn) {
		rows := 2 * a.T
		qkv, gq, gk := randoms(r, rows*a.Width()), randoms(r, a.HeadDim), randoms(r, a.HeadDim)
		qk, inv := guarded(r, rows*a.QKWidth()), guarded(r, rows*(a.Heads+a.KVHeads))
		a.NormRope(qk, inv, qkv, gq, gk, rows)
		checkCanaries(t, "qk", qk)
		checkCanaries(t, "r", inv)
		compare(t, "qk", qk, slowNormRope(a, qkv, gq, gk, rows), elementTolerance)

		g := randoms(r, rows*a.QKWidth())
		d, dgq, dgk := guarded(r, rows*a.Width()), guarded(r, a.HeadDim), guarded(r, a.HeadDim)
		clear(dgq)
		clear(dgk)
		values := clone(d)
		for i := range rows {
			copy(d[i*a.Width():][:a.QKWidth()], g[i*a.QKWidth():])
		}
		a.NormRopeBackward(d, dgq, dgk, qkv, inv, gq, gk, rows)
		for what, x := range map[string][]float32{"dqkv": d, "dgq": dgq, "dgk": dgk} {
			checkCanaries(t, what, x)
		}
		for i := range rows {
			at := i*a.Width() + a.QKWidth()
			compare(t, "values", d[at:][:a.KVHeads*a.HeadDim], values[at:][:a.KVHeads*a.HeadDim], 0)
			clear(d[at:][:a.KVHeads*a.HeadDim])
		}
		out, scratch := make([]float32, len(qk)), make([]float32, len(inv))
		loss := func() float64 {
			a.NormRope(out, scratch, qkv, gq, gk, rows)
			return weigh(out, g)
		}
		differentials(t, r, "dqkv", qkv, d, loss, 1e-2)
		differentials(t, r, "dgq", gq, dgq, loss, 1e-2)
		differentials(t, r, "dgk", gk, dgk, loss, 1e-2)
	})
}

func slowNormRope(a *Attn, qkv, gq, gk []float32, rows int) []float32 {
	hd, half := a.HeadDim, a.HeadDim/2
	qk := make([]float32, rows*a.QKWidth())
	frequency := make([]float64, half)
	for j := range half {
		frequency[j] = math.Pow(10000, -float64(j)/float64(half))
	}
	for i := range rows {
		for n := range a.Heads + a.KVHeads {
			x, y, g := qkv[i*a.Width()+n*hd:][:hd], qk[i*a.QKWidth()+n*hd:], gq
			if n >= a.Heads {
				g = gk
			}
			squares := 0.0
			for _, v := range x {
				squares += float64(v) * float64(v)
			}
			r := 1 / math.Sqrt(squares/float64(hd)+float64(a.Eps))
			for j := range half {
				sin, cos := math.Sincos(float64(i%a.T) * frequency[j])
				u, v := float64(x[j])*r*float64(g[j]), float64(x[j+half])*r*float64(g[j+half])
				y[j], y[j+half] = float32(u*cos-v*sin), float32(v*cos+u*sin)
			}
		}
	}
	return qk
}
