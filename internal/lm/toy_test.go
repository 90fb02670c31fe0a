package lm

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// toy returns the configuration and weights of a random model with every feature
// that changes how a batch is computed; experts only if there are any.
func toy(experts int) (Config, *Weights) {
	c := Config{
		Arch: "toy", Vocab: 50, Dim: 40, Layers: 3, Heads: 6, KVHeads: 2, HeadDim: 20, FFN: 36, Context: 400,
		Eps: 1e-6, Activation: GELU, EmbedScale: 2, QueryScale: 0.25, AttnCap: 10, LogitCap: 12,
		Rope:       Rope{Kind: Halves, Freq: Frequencies(16, 1e4), Scale: 1},
		WindowRope: &Rope{Kind: Interleaved, Freq: Frequencies(20, 1e3), Scale: 1.1},
		Windows:    []int{70, 0, 5},
		Experts:    experts, ExpertsUsed: min(2, experts), ExpertsSum1: true,
	}
	rng := rand.New(rand.NewPCG(3, uint64(experts)))
	vector := func(n int, mean, sd float64) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(mean + sd*rng.NormFloat64())
		}
		return v
	}
	matrix := func(rows, cols int) *Matrix {
		return Floats(rows, cols, vector(rows*cols, 0, 1.3/math.Sqrt(float64(cols))))
	}
	linear := func(rows, cols int) Linear { return Linear{matrix(rows, cols), vector(rows, 0, .1)} }
	norm := func() Norm { return Norm{Gain: vector(c.Dim, 1, .1)} }
	ffn := func() FFN {
		return FFN{Gate: linear(c.FFN, c.Dim), Up: linear(c.FFN, c.Dim), Down: linear(c.Dim, c.FFN)}
	}
	w := &Weights{Embed: matrix(c.Vocab, c.Dim), Positions: matrix(c.Context, c.Dim), FinalNorm: norm(), Output: matrix(c.Vocab, c.Dim)}
	for range c.Layers {
		l := Layer{
			AttnNorm: norm(), AttnPost: norm(), FFNNorm: norm(), FFNPost: norm(),
			Q: linear(c.qWidth(), c.Dim), K: linear(c.kvWidth(), c.Dim), V: linear(c.kvWidth(), c.Dim), O: linear(c.Dim, c.qWidth()),
			QNorm: vector(c.HeadDim, 1, .1), KNorm: vector(c.HeadDim, 1, .1),
		}
		if experts == 0 {
			l.FFN = ffn()
		} else {
			l.Router = matrix(experts, c.Dim)
			for range experts {
				l.Experts = append(l.Experts, ffn())
			}
		}
		w.Layers = append(w.Layers, l)
	}
	return c, w
}

func newModel(t testing.TB, c Config, w *Weights, keep int64) *Model {
	t.Helper()
	m, err := New(c, w, keep)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newSession(t testing.TB, m *Model, capacity int) *Session {
	t.Helper()
	s, err := m.NewSession(capacity)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tokens(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i * i % 47)
	}
	return out
}

// run feeds tokens in pieces of the given lengths, the last one again and again.
func run(t testing.TB, s *Session, tokens []int32, pieces ...int) (hidden, logits []float32) {
	t.Helper()
	c := &s.m.Config
	hidden = make([]float32, len(tokens)*c.Dim)
	for at, i := 0, 0; at < len(tokens); i++ {
		n := min(pieces[min(i, len(pieces)-1)], len(tokens)-at)
		if err := s.Feed(tokens[at:at+n], hidden[at*c.Dim:]); err != nil {
			t.Fatal(err)
		}
		at += n
	}
	logits = make([]float32, len(tokens)*c.Vocab)
	if err := s.m.Logits(logits, hidden, len(tokens), s.Threads); err != nil {
		t.Fatal(err)
	}
	return hidden, logits
}

func same(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}

// broken is a source with a row that cannot be read.
type broken struct {
	Source
	row int
}

var errBroken = errors.New("at byte 7: this row is broken")

func (b broken) ReadRow(dst []float32, r int) error {
	if r == b.row {
		return errBroken
	}
	return b.Source.ReadRow(dst, r)
}
