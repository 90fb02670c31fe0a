package memory

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	"kolm/internal/lm"
)

// letters is the vocabulary of the toys: token i is the character 'A'+i, and there
// is no start token.
type letters int

func (v letters) Encode(text []byte) ([]int32, error) {
	var list []int32
	for _, r := range string(text) {
		if r < 'A' || r >= 'A'+rune(v) {
			return nil, fmt.Errorf("character %q has no token", r)
		}
		list = append(list, r-'A')
	}
	return list, nil
}

func (v letters) Continue(text []byte) ([]int32, error) { return v.Encode(text) }

func (v letters) Bytes(t int32) []byte { return utf8.AppendRune(nil, 'A'+t) }
func (v letters) Start() int32         { return -1 }

// fact is a planted memory: after a subject comes a target.
type fact struct{ subject, target int }

// sharp is the coefficient of a planted neuron on its own key, so large that GELU
// and SiLU are the identity there, and 0 on all other keys.
const sharp = 24

// planted is a model under construction. Its residual stream has one dimension a
// token, then free ones; token t is embedded, and read, as unit vector t.
type planted struct {
	vocab, dim, ffn, layers int
	c                       lm.Config
	w                       *lm.Weights
	up, gate, down          [][]float32 // by layer, row-major
	upBias                  [][]float32
}

func plant(vocab, free, ffn, layers int, gated bool) *planted {
	p := &planted{vocab: vocab, dim: vocab + free, ffn: ffn, layers: layers}
	p.c = lm.Config{
		Arch: "planted", Vocab: vocab, Dim: p.dim, Layers: layers, Heads: 1, KVHeads: 1, HeadDim: p.dim, FFN: ffn, Context: 64,
		Eps: 1e-9, Activation: lm.GELU, EmbedScale: 1, QueryScale: 1,
	}
	ones := make([]float32, p.dim)
	for i := range ones {
		ones[i] = 1
	}
	zero := func() lm.Linear { return lm.Linear{Matrix: lm.Floats(p.dim, p.dim, make([]float32, p.dim*p.dim))} }
	table := make([]float32, vocab*p.dim)
	for t := range vocab {
		table[t*p.dim+t] = 1
	}
	p.w = &lm.Weights{Embed: lm.Floats(vocab, p.dim, table), FinalNorm: lm.Norm{Gain: ones}}
	p.w.Output = p.w.Embed
	for range layers {
		p.w.Layers = append(p.w.Layers, lm.Layer{
			AttnNorm: lm.Norm{Gain: ones}, FFNNorm: lm.Norm{Gain: ones}, Q: zero(), K: zero(), V: zero(), O: zero(),
		})
		p.up, p.down = append(p.up, make([]float32, ffn*p.dim)), append(p.down, make([]float32, ffn*p.dim))
		p.upBias = append(p.upBias, make([]float32, ffn))
		if gated {
			p.gate = append(p.gate, make([]float32, ffn*p.dim))
		}
	}
	if gated {
		p.c.Activation = lm.SiLU
	}
	return p
}

// remember makes a neuron write value where the stream is near a token's vector.
// Without a gate a bias silences it elsewhere (T1); with one, the gate does (T4).
func (p *planted) remember(n Neuron, subject int, value []float32) {
	u := float32(math.Sqrt(float64(p.dim))) // length of a normed row
	if p.gate != nil {
		p.gate[n.Layer][n.Index*p.dim+subject] = sharp / u
		p.up[n.Layer][n.Index*p.dim+subject] = 1 / u
	} else {
		const steep = 20
		p.up[n.Layer][n.Index*p.dim+subject] = sharp * steep / u
		p.upBias[n.Layer][n.Index] = -sharp * (steep - 1)
	}
	for d, v := range value {
		p.down[n.Layer][d*p.ffn+n.Index] = v / sharp
	}
}

// unit is c times unit vector d.
func (p *planted) unit(d int, c float32) []float32 {
	v := make([]float32, p.dim)
	v[d] = c
	return v
}

func (p *planted) model(t testing.TB) *Model {
	t.Helper()
	for l := range p.layers {
		x := &p.w.Layers[l]
		x.Up.Matrix, x.Down.Matrix = lm.Floats(p.ffn, p.dim, p.up[l]), lm.Floats(p.dim, p.ffn, p.down[l])
		if p.gate != nil {
			x.Gate.Matrix = lm.Floats(p.ffn, p.dim, p.gate[l])
		} else {
			x.Up.Bias = p.upBias[l]
		}
	}
	return newModel(t, p.c, p.w, letters(p.vocab))
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
