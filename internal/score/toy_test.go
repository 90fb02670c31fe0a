package score

import (
	"math"
	"math/rand/v2"
	"testing"

	"kolm/internal/lm"
	"kolm/internal/vocab"
)

// toyTokenizer has the bytes as tokens 0 to 255, BOS as 256 and a few pieces, one of
// which is a part of a character.
func toyTokenizer(t testing.TB, bos, eos int32, add bool) *vocab.Tokenizer {
	t.Helper()
	s := vocab.Spec{Pre: "gpt-2", BOS: bos, EOS: eos, AddBOS: add}
	for b := range 256 {
		s.Pieces, s.Types = append(s.Pieces, []byte{byte(b)}), append(s.Types, vocab.Normal)
	}
	s.Pieces, s.Types = append(s.Pieces, []byte("<s>")), append(s.Types, vocab.Control)
	for _, m := range []string{"th", "\xe4\xbd", "\xa0\xe5"} {
		s.Merges = append(s.Merges, [2]int32{int32(m[0]), int32(m[1])})
		s.Pieces, s.Types = append(s.Pieces, []byte(m)), append(s.Types, vocab.Normal)
	}
	tok, err := vocab.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// toyModel is a small random model of 264 tokens.
func toyModel(t testing.TB, seed uint64) *lm.Model {
	t.Helper()
	return randomModel(t, seed, lm.Config{Vocab: 264, Dim: 32, Layers: 2, Heads: 2, KVHeads: 1, HeadDim: 16, FFN: 48, Context: 64})
}

// randomModel is a model of these sizes with random weights.
func randomModel(t testing.TB, seed uint64, c lm.Config) *lm.Model {
	t.Helper()
	c.Arch, c.Eps, c.EmbedScale, c.QueryScale = "toy", 1e-6, 1, 0.25
	c.Rope = lm.Rope{Kind: lm.Halves, Freq: lm.Frequencies(c.HeadDim, 1e4), Scale: 1}
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	rng := rand.New(rand.NewPCG(seed, 1))
	matrix := func(rows, cols int) *lm.Matrix {
		w := make([]float32, rows*cols)
		for i := range w {
			w[i] = float32(rng.NormFloat64() * 1.5 / math.Sqrt(float64(cols)))
		}
		return lm.Floats(rows, cols, w)
	}
	ones := make([]float32, c.Dim)
	for i := range ones {
		ones[i] = 1
	}
	norm := lm.Norm{Gain: ones}
	linear := func(rows, cols int) lm.Linear { return lm.Linear{Matrix: matrix(rows, cols)} }
	w := &lm.Weights{Embed: matrix(c.Vocab, c.Dim), FinalNorm: norm, Output: matrix(c.Vocab, c.Dim)}
	for range c.Layers {
		w.Layers = append(w.Layers, lm.Layer{
			AttnNorm: norm, FFNNorm: norm,
			Q: linear(q, c.Dim), K: linear(kv, c.Dim), V: linear(kv, c.Dim), O: linear(c.Dim, q),
			FFN: lm.FFN{Gate: linear(c.FFN, c.Dim), Up: linear(c.FFN, c.Dim), Down: linear(c.Dim, c.FFN)},
		})
	}
	m, err := lm.New(c, w, lm.DefaultKeep)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func encode(t testing.TB, tok *vocab.Tokenizer, s string) *Text {
	t.Helper()
	text, err := Encode(tok, []byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// nats is what tokens after the first one cost in one window, by the plain formula.
func nats(t testing.TB, m *lm.Model, window []int32) []float64 {
	t.Helper()
	s, err := m.NewSession(len(window))
	if err != nil {
		t.Fatal(err)
	}
	v := m.Config.Vocab
	hidden, logits := make([]float32, len(window)*m.Config.Dim), make([]float32, len(window)*v)
	if err := s.Feed(window, hidden); err != nil {
		t.Fatal(err)
	}
	if err := m.Logits(logits, hidden, len(window), 1); err != nil {
		t.Fatal(err)
	}
	out := make([]float64, len(window)-1)
	for i := range out {
		row := logits[i*v:][:v]
		sum := 0.0
		for _, x := range row {
			sum += math.Exp(float64(x) - float64(row[window[i+1]]))
		}
		out[i] = math.Log(sum)
	}
	return out
}
