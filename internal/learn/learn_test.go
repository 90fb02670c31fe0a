package learn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"kolm/internal/kernel"
	"kolm/internal/model"
	"kolm/internal/nofuse"
)

// shape has grouped heads, more than one layer, and no two equal sizes.
var shape = model.Config{Vocab: 50, Dim: 32, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 16, FFN: 64, Window: 32, RopeBase: 10000, Eps: 1e-6}

// randomWeights are those of a model in which every gradient is alive.
func randomWeights(c model.Config) *model.Weights {
	r := rand.New(rand.NewPCG(1, 2))
	vector := func(n int, mean, spread float64) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(mean + spread*(2*r.Float64()-1))
		}
		return v
	}
	matrix := func(rows, cols int) model.Matrix {
		return model.Matrix{Rows: rows, Cols: cols, F: vector(rows*cols, 0, 0.3)}
	}
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	w := &model.Weights{Embed: matrix(c.Vocab, c.Dim), OutputNorm: vector(c.Dim, 1, 0.5), Output: matrix(c.Vocab, c.Dim)}
	for range c.Layers {
		w.Layers = append(w.Layers, model.Layer{
			AttnNorm: vector(c.Dim, 1, 0.5), Q: matrix(q, c.Dim), K: matrix(kv, c.Dim), V: matrix(kv, c.Dim),
			QNorm: vector(c.HeadDim, 1, 0.5), KNorm: vector(c.HeadDim, 1, 0.5), O: matrix(c.Dim, q),
			FFNNorm: vector(c.Dim, 1, 0.5), Gate: matrix(c.FFN, c.Dim), Up: matrix(c.FFN, c.Dim), Down: matrix(c.Dim, c.FFN),
		})
	}
	return w
}

// randomBatch is n sequences, no two of the same length.
func randomBatch(c model.Config, n int) []Sequence {
	r := rand.New(rand.NewPCG(3, 4))
	var seqs []Sequence
	for s := range n {
		var q Sequence
		for range 23 - 3*s {
			q.Tokens = append(q.Tokens, int32(r.IntN(c.Vocab/2)))
			q.Targets = append(q.Targets, int32(r.IntN(c.Vocab+5)-5))
		}
		seqs = append(seqs, q)
	}
	return seqs
}

func newLearner(t testing.TB, rate Rate, threads int) *Learner {
	t.Helper()
	l, err := New(shape, randomWeights(shape), Options{Length: 24, Sequences: 4, Rate: rate, Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestGradient compares the gradient of everything that is learned with central
// differences of an independent forward pass in float64.
func TestGradient(t *testing.T) {
	l := newLearner(t, Rate{}, 2)
	seqs := randomBatch(shape, 4)
	l.Step(seqs)
	l.learnInput()
	type tensor struct {
		name    string
		w, grad []float32
	}
	list := []tensor{{"input", l.input.w, l.input.grad}}
	for i := range l.layers {
		a := &l.layers[i]
		for _, m := range []struct {
			name string
			m    *matrix
		}{{"qkv", a.qkv}, {"out", a.out}, {"gate and up", a.gateUp}, {"down", a.down}} {
			g := make([]float32, len(m.m.moment))
			kernel.Scale(g, m.m.moment, 1/rest1)
			list = append(list, tensor{m.name, m.m.w, g})
		}
		list = append(list, tensor{"query gain", a.qNorm.w, a.qNorm.grad}, tensor{"key gain", a.kNorm.w, a.kNorm.grad})
	}
	ref := newReference(l)
	r := rand.New(rand.NewPCG(5, 6))
	for _, p := range list {
		norm := math.Sqrt(dot(p.grad, p.grad))
		if norm == 0 {
			t.Errorf("%s: the gradient is zero", p.name)
			continue
		}
		random := make([]float64, len(p.w))
		var length float64
		for i := range random {
			random[i] = r.NormFloat64()
			length += random[i] * random[i]
		}
		for _, along := range []bool{true, false} {
			u := make([]float64, len(p.w))
			var want float64
			for i := range u {
				u[i] = float64(p.grad[i]) / norm
				if !along {
					u[i] = random[i] / math.Sqrt(length)
				}
				want += u[i] * float64(p.grad[i])
			}
			if got := ref.slope(p.w, u, seqs); math.Abs(got-want) > 1e-5*norm {
				t.Errorf("%s, along the gradient %v: differences say %g, the learner %g", p.name, along, got, want)
			}
		}
	}
}

// TestSameBits is what makes replay possible: the same masters with every kernel
// variant and any number of threads, and after Reset.
func TestSameBits(t *testing.T) {
	const golden = uint64(0x63a62f9305eae380)
	active := kernel.Active()
	defer kernel.Use(active)
	for _, variant := range kernel.Variants() {
		if err := kernel.Use(variant); err != nil {
			t.Fatal(err)
		}
		for threads := 1; threads <= 3; threads++ {
			l := newLearner(t, Rate{Matrix: 1e-3, Gain: 1e-3, Input: 1e-3}, threads)
			for range 2 {
				l.Reset()
				for i := range 3 {
					l.Step(randomBatch(shape, 4-i))
				}
				if got := l.sum(); got != golden {
					t.Errorf("%s, %d threads: masters sum to %#x, want %#x", variant, threads, got, golden)
				}
			}
		}
	}
}

// sum is a hash of all masters.
func (l *Learner) sum() uint64 {
	h := uint64(14695981039346656037)
	add := func(x []float32) {
		for _, v := range x {
			h = (h ^ uint64(math.Float32bits(v))) * 1099511628211
		}
	}
	for _, m := range l.matrices() {
		add(m.w)
	}
	for i := range l.layers {
		add(l.layers[i].qNorm.w)
		add(l.layers[i].kNorm.w)
	}
	add(l.input.w)
	return h
}

// TestLearns: a few dozen steps on one batch make it predictable, and the model
// that comes out agrees.
func TestLearns(t *testing.T) {
	l := newLearner(t, Rate{Matrix: 3e-3, Gain: 3e-3, Input: 3e-3}, 2)
	seqs := randomBatch(shape, 4)
	before := newReference(l).nats(seqs)
	for range 60 {
		l.Step(seqs)
	}
	after := newReference(l).nats(seqs)
	if after > before/4 {
		t.Errorf("60 steps brought the cost of a token from %.3f nats to %.3f only", before, after)
	}
}

// TestExport: the exported model computes nearly what the masters do.
func TestExport(t *testing.T) {
	w := randomWeights(shape)
	m, err := model.New(shape, w)
	if err != nil {
		t.Fatal(err)
	}
	l := newLearner(t, Rate{Matrix: 1e-2, Gain: 1e-2, Input: 1e-2}, 2)
	own := m.Copy()
	tokens := randomBatch(shape, 1)[0].Tokens
	for step := range 3 {
		l.Export(own)
		want := newReference(l).states(tokens)
		h := make([]float32, len(tokens)*shape.Dim)
		rows := make([]model.Row, len(tokens))
		for i, id := range tokens {
			rows[i].Token = id
		}
		own.Forward(own.NewState(1), rows, h)
		var diff, all float64
		for i, x := range h {
			diff += (float64(x) - want[i]) * (float64(x) - want[i])
			all += want[i] * want[i]
		}
		if diff > 2e-3*all {
			t.Errorf("step %d: the states differ by %.5f of their squares", step, diff/all)
		}
		l.Step(randomBatch(shape, 4))
	}
}

func TestNewErrors(t *testing.T) {
	w := randomWeights(shape)
	for _, o := range []Options{{}, {Length: 33, Sequences: 1, Threads: 1}, {Length: 8, Sequences: 1}, {Length: 8, Threads: 1}} {
		if _, err := New(shape, w, o); err == nil {
			t.Errorf("%+v is no error", o)
		}
	}
	short := *w
	short.Layers = slices.Clone(w.Layers[:1])
	if _, err := New(shape, &short, Options{Length: 8, Sequences: 1, Threads: 1}); err == nil {
		t.Error("a missing layer is no error")
	}
}

func TestNotFused(t *testing.T) { nofuse.Check(t, "kolm/internal/learn") }
