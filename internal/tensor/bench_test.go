package tensor

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkAttn measures attention of the built-in model's shape on one sequence.
func BenchmarkAttn(b *testing.B) {
	const rows = 512
	a, err := NewAttn(rows, 256, 4, 2, 64, 10000, 1e-6)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(21, 22))
	s, p := NewScratch(), &Probs{}
	qkv, d, qk := randoms(r, rows*a.Width()), randoms(r, rows*a.Width()), randoms(r, rows*a.QKWidth())
	o, inv := randoms(r, rows*a.Heads*a.HeadDim), randoms(r, rows*(a.Heads+a.KVHeads))
	gq, gk, dgq, dgk := randoms(r, 64), randoms(r, 64), randoms(r, 64), randoms(r, 64)
	pairs := 0 // (query, key) pairs of one head
	for i := range rows {
		pairs += min(i+1, a.Window)
	}
	rate := func(b *testing.B, products int) {
		b.ReportMetric(float64(products*2*64*4*pairs)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
	}
	b.Run("NormRope", func(b *testing.B) {
		for range b.N {
			a.NormRope(qk, inv, qkv, gq, gk, rows)
		}
	})
	b.Run("NormRopeBackward", func(b *testing.B) {
		for range b.N {
			a.NormRopeBackward(d, dgq, dgk, qkv, inv, gq, gk, rows)
		}
	})
	d = randoms(r, rows*a.Width())
	b.Run("Forward", func(b *testing.B) {
		for range b.N {
			a.Forward(s, o, p, qk, qkv, rows)
		}
		rate(b, 2)
	})
	b.Run("Backward", func(b *testing.B) {
		for range b.N {
			a.Backward(s, d, o, qk, qkv, p, rows)
		}
		rate(b, 4)
	})
}

// BenchmarkLayers measures the elementwise operations on 512 rows.
func BenchmarkLayers(b *testing.B) {
	const rows, d, f, v = 512, 256, 768, 4096
	r := rand.New(rand.NewPCG(23, 24))
	x, y, g, inv := randoms(r, rows*d), randoms(r, rows*d), randoms(r, d), randoms(r, rows)
	gu, act := randoms(r, rows*2*f), randoms(r, rows*f)
	logits, nll, target := randoms(r, rows*v), make([]float32, rows), make([]int32, rows)
	w, m, u := randoms(r, 1<<20), make([]float32, 1<<20), make([]float32, 1<<20)
	for _, op := range []struct {
		name  string
		bytes int
		run   func()
	}{
		{"RMSNorm", 8 * rows * d, func() { RMSNorm(y, inv, x, rows, d, 1e-6) }},
		{"RMSNormBackward", 16 * rows * d, func() { RMSNormBackward(x, y, y, inv, rows, d, false) }},
		{"Gain", 8 * rows * d, func() { Gain(y, x, g, rows, d) }},
		{"SwiGLU", 12 * rows * f, func() { SwiGLU(act, gu, rows, f) }},
		{"SwiGLUBackward", 20 * rows * f, func() { SwiGLUBackward(gu, act, gu, rows, f) }},
		{"CrossEntropy", 8 * rows * v, func() { CrossEntropy(logits, nll, logits, target, rows, v, 1) }},
		{"AdamW", 28 << 20, func() { AdamW(w, w, m, u, Adam{LR: 1e-6, Beta1: .9, Beta2: .9, Eps: 1e-8, Step: 1}) }},
		{"Momentum", 20 << 20, func() { Momentum(u, m, w, .9) }},
		{"SumSquares", 4 << 20, func() { SumSquares(w) }},
	} {
		b.Run(op.name, func(b *testing.B) {
			b.SetBytes(int64(op.bytes))
			for range b.N {
				op.run()
			}
		})
	}
}
