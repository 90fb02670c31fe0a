package model_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"kolm/internal/model"
	"kolm/internal/nofuse"
)

// steps runs the streams one after the other, a token at a time, and returns
// the final states by stream and position.
func steps(m *model.Model, streams [][]int32) [][]float32 {
	dim := m.Config().Dim
	out := make([][]float32, len(streams))
	for i, text := range streams {
		s := m.NewState(1)
		out[i] = make([]float32, len(text)*dim)
		for p, token := range text {
			m.Forward(s, []model.Row{{Token: token}}, out[i][p*dim:])
		}
	}
	return out
}

// shuffled runs the streams in one state, cut into random calls of up to most
// rows, each a random mix.
func shuffled(m *model.Model, streams [][]int32, most int, seed uint64) [][]float32 {
	rng, dim := rand.New(rand.NewPCG(seed, 3)), m.Config().Dim
	s := m.NewState(len(streams))
	out, left := make([][]float32, len(streams)), 0
	for _, text := range streams {
		left += len(text)
	}
	next := make([]int, len(streams))
	h := make([]float32, most*dim)
	for left > 0 {
		var rows []model.Row
		for range 1 + rng.IntN(most) {
			i := rng.IntN(len(streams))
			if next[i] == len(streams[i]) {
				continue
			}
			rows = append(rows, model.Row{Stream: i, Token: streams[i][next[i]]})
			next[i]++
		}
		m.Forward(s, rows, h)
		for j, r := range rows {
			out[r.Stream] = append(out[r.Stream], h[j*dim:][:dim]...)
		}
		left -= len(rows)
	}
	return out
}

// TestSameBits is the contract of Forward: however a text is cut into calls,
// whatever runs beside it and whatever kernels compute it, the bits are the
// same, before and after the ring is full.
func TestSameBits(t *testing.T) {
	c := toyConfig
	w := toyWeights(c, 1)
	streams := [][]int32{tokens(c, 100, 1), tokens(c, 1, 2), tokens(c, 33, 3), tokens(c, 64, 4), tokens(c, 71, 5)}
	var want [][]float32
	everyVariant(t, func(t *testing.T) {
		m := newModel(t, c, w)
		got := steps(m, streams)
		if want == nil {
			want = got
		}
		runs := map[string][][]float32{
			"steps":  got,
			"mixed":  shuffled(m, streams, 7, 1),
			"mixed2": shuffled(m, streams, 23, 2),
			"whole":  {whole(m, streams[0]), nil, nil, whole(m, streams[3])},
		}
		for name, got := range runs {
			for i := range got {
				if got[i] != nil && hash(got[i]) != hash(want[i]) {
					t.Errorf("%s: stream %d has other bits", name, i)
				}
			}
		}
	})
}

// whole runs a text in one call.
func whole(m *model.Model, text []int32) []float32 {
	rows := make([]model.Row, len(text))
	for i, token := range text {
		rows[i].Token = token
	}
	h := make([]float32, len(text)*m.Config().Dim)
	m.Forward(m.NewState(1), rows, h)
	return h
}

// TestGolden pins the bits: a change of the arithmetic must change Numerics.
func TestGolden(t *testing.T) {
	const want = 0x2c3b68cefb39092a
	if model.Numerics != 1 {
		t.Fatal("new arithmetic: put its hash here")
	}
	everyVariant(t, func(t *testing.T) {
		if got := hash(whole(newModel(t, toyConfig, toyWeights(toyConfig, 1)), tokens(toyConfig, 80, 1))); got != want {
			t.Errorf("hash is %#x, want %#x", got, uint64(want))
		}
	})
}

// TestShapes runs other sizes: no grouping, everything grouped, odd windows.
func TestShapes(t *testing.T) {
	for _, c := range []model.Config{
		{Vocab: 17, Dim: 32, Layers: 1, Heads: 2, KVHeads: 2, HeadDim: 16, FFN: 32, Window: 16, RopeBase: 500000, Eps: 1e-5},
		{Vocab: 257, Dim: 96, Layers: 2, Heads: 6, KVHeads: 1, HeadDim: 48, FFN: 160, Window: 48, RopeBase: 10000, Eps: 1e-6},
	} {
		m := newModel(t, c, toyWeights(c, 3))
		text := tokens(c, 3*c.Window+5, 3)
		if hash(whole(m, text)) != hash(steps(m, [][]int32{text})[0]) {
			t.Errorf("%+v: steps and batch differ", c)
		}
		near(t, c, toyWeights(c, 3), whole(m, text), text)
	}
}

// TestReference compares with the textbook in float64. What remains is int8.
func TestReference(t *testing.T) {
	text := tokens(toyConfig, 80, 5)
	w := toyWeights(toyConfig, 5)
	near(t, toyConfig, w, whole(newModel(t, toyConfig, w), text), text)
}

// near checks that h is within a few per cent of the reference, and that it
// begins equal to the reference that rounds likewise: sooner or later a number
// on the edge of two int8 goes the other way, and small differences spread.
func near(t *testing.T, c model.Config, w *model.Weights, h []float32, text []int32) {
	t.Helper()
	exact := newReference(c, w, rounding{})
	alike := newReference(c, w.Quantized(), rounding{acts: true, keys: true, values: true, probs: 255})
	var power, off, offAlike float64
	equal := 0
	for p, token := range text {
		a, b := exact.step(token), alike.step(token)
		before := offAlike
		for j := range a {
			v := float64(h[p*c.Dim+j])
			power += a[j] * a[j]
			off += (v - a[j]) * (v - a[j])
			offAlike += (v - b[j]) * (v - b[j])
		}
		if math.Sqrt((offAlike-before)/float64(c.Dim)) < 1e-5 {
			equal++
		}
	}
	off, offAlike = math.Sqrt(off/power), math.Sqrt(offAlike/power)
	t.Logf("relative error %.4f, against equal rounding %.1e with %d of %d rows equal", off, offAlike, equal, len(text))
	if !(off < 0.05) || !(offAlike < 0.02) || equal < len(text)/10 {
		t.Errorf("relative error %.4f, against equal rounding %.4f with %d of %d rows equal", off, offAlike, equal, len(text))
	}
}

func TestReset(t *testing.T) {
	m := newModel(t, toyConfig, toyWeights(toyConfig, 1))
	text := tokens(toyConfig, 50, 1)
	want := whole(m, text)
	s, h := m.NewState(2), make([]float32, len(want))
	dim := toyConfig.Dim
	for round := range 2 {
		other := tokens(toyConfig, 40, uint64(round))
		for i, token := range text {
			rows := []model.Row{{Stream: 1, Token: token}}
			m.Forward(s, rows, h[i*dim:])
			if i < len(other) {
				m.Forward(s, []model.Row{{Stream: 0, Token: other[i]}}, make([]float32, dim))
			}
		}
		if !slices.Equal(h, want) {
			t.Fatalf("round %d: other bits after Reset", round)
		}
		s.Reset(1)
	}
}

func TestForwardAllocatesNothing(t *testing.T) {
	m := newModel(t, toyConfig, toyWeights(toyConfig, 1))
	s := m.NewState(4)
	rows := []model.Row{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {0, 5}}
	h := make([]float32, len(rows)*toyConfig.Dim)
	m.Forward(s, rows, h)
	if n := testing.AllocsPerRun(50, func() { m.Forward(s, rows, h) }); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}

func TestNewErrors(t *testing.T) {
	for name, change := range map[string]func(*model.Config, *model.Weights){
		"head length": func(c *model.Config, w *model.Weights) { c.HeadDim = 24 },
		"group":       func(c *model.Config, w *model.Weights) { c.KVHeads = 3 },
		"window":      func(c *model.Config, w *model.Weights) { c.Window = 40 },
		"no window":   func(c *model.Config, w *model.Weights) { c.Window = 0 },
		"wide":        func(c *model.Config, w *model.Weights) { c.FFN = 1 << 17 },
		"rope base":   func(c *model.Config, w *model.Weights) { c.RopeBase = math.NaN() },
		"epsilon":     func(c *model.Config, w *model.Weights) { c.Eps = 0 },
		"layers":      func(c *model.Config, w *model.Weights) { c.Layers++ },
		"shape":       func(c *model.Config, w *model.Weights) { w.Layers[0].Up.Cols-- },
		"both":        func(c *model.Config, w *model.Weights) { w.Output.Q = make([]int8, len(w.Output.F)) },
		"neither":     func(c *model.Config, w *model.Weights) { w.Output.F = nil },
		"short":       func(c *model.Config, w *model.Weights) { w.Embed.F = w.Embed.F[1:] },
		"scales":      func(c *model.Config, w *model.Weights) { w.Embed = w.Embed.Int8(); w.Embed.Scale = nil },
		"NaN":         func(c *model.Config, w *model.Weights) { w.Embed.F[7] = float32(math.NaN()) },
		"infinite":    func(c *model.Config, w *model.Weights) { w.OutputNorm[7] = float32(math.Inf(-1)) },
		"norm":        func(c *model.Config, w *model.Weights) { w.Layers[2].KNorm = nil },
		"scale is NaN": func(c *model.Config, w *model.Weights) {
			w.Embed = w.Embed.Int8()
			w.Embed.Scale[0] = float32(math.NaN())
		},
	} {
		c, w := toyConfig, toyWeights(toyConfig, 1)
		change(&c, w)
		if _, err := model.New(c, w); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNotFused(t *testing.T) { nofuse.Check(t, "kolm/internal/model") }
