package memory

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"kolm/internal/lm"
)

// letters is the vocabulary of the toys.
type letters = Letters

// fact is a planted memory: after a subject comes a target.
type fact struct{ subject, target int }

const sharp = Sharp

// planted is a model under construction, in the hands of a test.
type planted struct{ *Planted }

func plant(vocab, free, ffn, layers int, gated bool) *planted {
	return &planted{NewPlanted(vocab, free, ffn, layers, gated)}
}

func (p *planted) remember(n Neuron, subject int, value []float32) { p.Remember(n, subject, value) }

func (p *planted) unit(d int, c float32) []float32 { return p.Unit(d, c) }

func (p *planted) model(t testing.TB) *Model {
	t.Helper()
	m, err := p.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newModel(t testing.TB, c lm.Config, w *lm.Weights, v Vocab) *Model {
	t.Helper()
	x, err := lm.New(c, w, lm.DefaultKeep)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(x, v)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// storage is toy T1, or T4 with a gate: six facts in one layer.
var facts = []fact{{0, 6}, {1, 7}, {2, 8}, {3, 9}, {4, 10}, {5, 11}}

func storage(gated bool) *planted {
	p := plant(14, 2, 8, 1, gated)
	for i, f := range facts {
		p.remember(Neuron{0, i}, f.subject, p.unit(f.target, 5))
	}
	return p
}

// random returns a model with every feature that attribution and gradients must
// follow: biases, positions, windows, norms after blocks, caps, rotation.
func random(seed uint64, gated bool, kind lm.NormKind) (lm.Config, *lm.Weights) {
	c := lm.Config{
		Arch: "random", Vocab: 40, Dim: 24, Layers: 3, Heads: 4, KVHeads: 2, HeadDim: 8, FFN: 20, Context: 64,
		Norm: kind, Eps: 1e-5, Activation: lm.GELU, EmbedScale: 1.5, QueryScale: 0.35, AttnCap: 10,
		Rope:    lm.Rope{Kind: lm.Halves, Freq: lm.Frequencies(6, 100), Scale: 1.1},
		Windows: []int{3, 0, 0}, WindowRope: &lm.Rope{Kind: lm.Interleaved, Freq: lm.Frequencies(8, 50), Scale: 1},
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	vector := func(n int, mean, sd float64) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(mean + sd*rng.NormFloat64())
		}
		return v
	}
	linear := func(rows, cols int) lm.Linear {
		return lm.Linear{Matrix: lm.Floats(rows, cols, vector(rows*cols, 0, 1/math.Sqrt(float64(cols)))), Bias: vector(rows, 0, .2)}
	}
	norm := func() lm.Norm {
		n := lm.Norm{Gain: vector(c.Dim, 1, .2)}
		if kind == lm.LayerNorm {
			n.Bias = vector(c.Dim, 0, .2)
		}
		return n
	}
	w := &lm.Weights{
		Embed: linear(c.Vocab, c.Dim).Matrix, Positions: linear(c.Context, c.Dim).Matrix,
		FinalNorm: norm(), Output: linear(c.Vocab, c.Dim).Matrix,
	}
	for range c.Layers {
		l := lm.Layer{
			AttnNorm: norm(), FFNNorm: norm(), AttnPost: norm(), FFNPost: norm(),
			Q: linear(32, c.Dim), K: linear(16, c.Dim), V: linear(16, c.Dim), O: linear(c.Dim, 32),
			QNorm: vector(8, 1, .2), KNorm: vector(8, 1, .2),
			FFN: lm.FFN{Up: linear(c.FFN, c.Dim), Down: linear(c.Dim, c.FFN)},
		}
		if gated {
			l.Gate = linear(c.FFN, c.Dim)
		}
		w.Layers = append(w.Layers, l)
	}
	return c, w
}

// kinds are the random models of most tests.
func kinds(t testing.TB) map[string]*Model {
	list := map[string]*Model{}
	for _, x := range []struct {
		name  string
		gated bool
		kind  lm.NormKind
		act   lm.Activation
		cap   float32
	}{{"gated", true, lm.RMSNorm, lm.SiLU, 0}, {"plain", false, lm.LayerNorm, lm.GELU, 0}, {"capped", true, lm.RMSNorm, lm.GELU, 6}} {
		c, w := random(7, x.gated, x.kind)
		c.Activation, c.LogitCap = x.act, x.cap
		list[x.name] = newModel(t, c, w, letters(c.Vocab))
	}
	return list
}

func run(t testing.TB, m *Model, tokens []int32, tap lm.Tap) *Record {
	t.Helper()
	r, err := m.Run(tokens, tap)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func logits(t testing.TB, r *Record, pos int) []float32 {
	t.Helper()
	l, err := r.Logits(pos)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func same(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func near(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %.9g, want %.9g within %g", what, got, want, tolerance)
	}
}
