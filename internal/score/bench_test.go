package score

import "testing"

// BenchmarkStories scores the stories by kolm's rule.
func BenchmarkStories(b *testing.B) {
	m, tok := stories(b, "proto-q8_0.gguf")
	text := storiesText(b, tok)
	rule, err := LlamaCpp(tok, 256)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := (&Run{Rule: rule, Model: m, Threads: 1, Unit: 256}).Score(text); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(text.IDs))/b.Elapsed().Seconds(), "tokens/s")
}
