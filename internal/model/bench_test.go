package model_test

import (
	"fmt"
	"testing"

	"kolm/internal/kernel"
	"kolm/internal/model"
)

// builtin has the sizes of the built-in model.
var builtin = model.Config{Vocab: 4096, Dim: 256, Layers: 6, Heads: 4, KVHeads: 2, HeadDim: 64, FFN: 768, Window: 256, RopeBase: 10000, Eps: 1e-6}

// BenchmarkForward runs full windows of 1 to 16 streams on one core, without
// the output table.
func BenchmarkForward(b *testing.B) {
	m := newModel(b, builtin, toyWeights(builtin, 1))
	for _, n := range []int{1, 4, 8, 16} {
		b.Run(fmt.Sprintf("%s/m=%d", kernel.Active(), n), func(b *testing.B) {
			s, rows, h := m.NewState(n), make([]model.Row, n), make([]float32, n*builtin.Dim)
			text := tokens(builtin, 4096, 7)
			for p := range 260 {
				forward(m, s, rows, text, p, h)
			}
			p := 0
			for b.Loop() {
				forward(m, s, rows, text, p, h)
				p++
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

func forward(m *model.Model, s *model.State, rows []model.Row, text []int32, p int, h []float32) {
	for i := range rows {
		rows[i] = model.Row{Stream: i, Token: text[(p+100*i)%len(text)]}
	}
	m.Forward(s, rows, h)
}

// BenchmarkLogits runs the output table alone.
func BenchmarkLogits(b *testing.B) {
	m := newModel(b, builtin, toyWeights(builtin, 1))
	for _, n := range []int{1, 4, 8, 16} {
		b.Run(fmt.Sprintf("m=%d", n), func(b *testing.B) {
			head := m.NewAdaptiveHead(nil)
			dst, h := make([]float32, n*builtin.Vocab), toyWeights(builtin, 2).Embed.F[:n*builtin.Dim]
			for b.Loop() {
				head.Logits(dst, h, n)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

// BenchmarkUpdate learns one token, some 30 rows of the output table.
func BenchmarkUpdate(b *testing.B) {
	m := newModel(b, builtin, toyWeights(builtin, 1))
	head, w := m.NewAdaptiveHead(nil), make([]uint32, builtin.Vocab)
	h := toyWeights(builtin, 2).Embed.F[:builtin.Dim]
	for v := range w {
		w[v] = 1 << 10
		if v%128 == 5 {
			w[v] = 1 << 25
		}
	}
	cum := sums(w)
	for b.Loop() {
		head.Update(h, 77, cum, 0.01, 1<<20)
	}
}

func BenchmarkNew(b *testing.B) {
	w := toyWeights(builtin, 1).Quantized()
	for b.Loop() {
		if _, err := model.New(builtin, w); err != nil {
			b.Fatal(err)
		}
	}
}
