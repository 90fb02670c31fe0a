package score

import (
	"strings"
	"testing"

	"kolm/internal/lm"
	"kolm/internal/vocab"
)

// BenchmarkScore scores by the rule of llama.cpp, in windows of 512, under a model of
// 13.8 million parameters.
func BenchmarkScore(b *testing.B) {
	m := randomModel(b, 1, lm.Config{Vocab: 8192, Dim: 384, Layers: 6, Heads: 6, KVHeads: 6, HeadDim: 64, FFN: 1024, Context: 512})
	tok := toyTokenizer(b, 256, vocab.None, true)
	rule, err := LlamaCpp(tok, 512)
	if err != nil {
		b.Fatal(err)
	}
	text := encode(b, tok, strings.Repeat(sample, 90))
	for b.Loop() {
		if _, err := (&Run{Rule: rule, Model: m, Threads: 1}).Score(text); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(text.IDs))/b.Elapsed().Seconds(), "tokens/s")
}
