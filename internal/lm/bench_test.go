package lm

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// benchModel has 13.8 million parameters.
func benchModel(b *testing.B, keep int64) *Model {
	c := Config{
		Arch: "bench", Vocab: 8192, Dim: 384, Layers: 6, Heads: 6, KVHeads: 6, HeadDim: 64, FFN: 1024, Context: 512,
		Eps: 1e-6, EmbedScale: 1, QueryScale: 0.125, Rope: Rope{Kind: Halves, Freq: Frequencies(64, 1e4), Scale: 1},
	}
	rng := rand.New(rand.NewPCG(1, 1))
	matrix := func(rows, cols int) *Matrix {
		w := make([]float32, rows*cols)
		for i := range w {
			w[i] = float32(rng.NormFloat64()) * 0.05
		}
		return Floats(rows, cols, w)
	}
	gain := make([]float32, c.Dim)
	for i := range gain {
		gain[i] = 1
	}
	w := &Weights{Embed: matrix(c.Vocab, c.Dim), FinalNorm: Norm{Gain: gain}}
	w.Output = w.Embed
	for range c.Layers {
		l := Layer{AttnNorm: Norm{Gain: gain}, FFNNorm: Norm{Gain: gain}}
		for _, p := range []*Linear{&l.Q, &l.K, &l.V, &l.O} {
			p.Matrix = matrix(c.Dim, c.Dim)
		}
		l.Gate.Matrix, l.Up.Matrix, l.Down.Matrix = matrix(c.FFN, c.Dim), matrix(c.FFN, c.Dim), matrix(c.Dim, c.FFN)
		w.Layers = append(w.Layers, l)
	}
	m, err := New(c, w, keep)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// BenchmarkScore scores texts of some tokens, logits included.
func BenchmarkScore(b *testing.B) {
	for _, keep := range []int64{DefaultKeep, 0} {
		m := benchModel(b, keep)
		for _, n := range []int{1, 128, 512} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("keep%d/tokens%d/threads%d", min(keep, 1), n, threads), func(b *testing.B) {
					s, err := m.NewSession(n)
					if err != nil {
						b.Fatal(err)
					}
					s.Threads = threads
					tokens, c := make([]int32, n), &m.Config
					for i := range tokens {
						tokens[i] = int32(i * 37 % c.Vocab)
					}
					hidden, logits := make([]float32, n*c.Dim), make([]float32, n*c.Vocab)
					for b.Loop() {
						s.Truncate(0)
						if err := s.Feed(tokens, hidden); err != nil {
							b.Fatal(err)
						}
						if err := m.Logits(logits, hidden, n, threads); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
				})
			}
		}
	}
}
