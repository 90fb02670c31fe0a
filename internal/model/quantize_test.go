package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"kolm/internal/half"
)

// TestQuantize checks the rule for the scale and that no number could be
// rounded better.
func TestQuantize(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	const rows, cols = 500, 64
	w := make([]float32, rows*cols)
	for i := range w {
		w[i] = float32(rng.NormFloat64() * math.Exp(float64(i/cols%40-30)))
	}
	clear(w[:cols])
	q, scale := Quantize(rows, cols, w)
	for r := range rows {
		x, s := w[r*cols:][:cols], scale[r]
		top := float64(slices.MaxFunc(x, func(a, b float32) int { return cmpAbs(a, b) }))
		h := half.FromFloat(s)
		if half.ToFloat(h) != s || float64(s)*127 < math.Abs(top) || h > 0 && float64(half.ToFloat(h-1))*127 >= math.Abs(top) {
			t.Fatalf("row %d: scale %v for maximum %v", r, s, top)
		}
		for c, v := range x {
			if d := math.Abs(float64(v) - float64(q[r*cols+c])*float64(s)); d > float64(s)/2 {
				t.Fatalf("row %d: %v became %d * %v", r, v, q[r*cols+c], s)
			}
		}
	}
}

func cmpAbs(a, b float32) int {
	switch a, b := math.Abs(float64(a)), math.Abs(float64(b)); {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestQuantizeEdges(t *testing.T) {
	q, scale := Quantize(4, 2, []float32{
		0, float32(math.Copysign(0, -1)),
		1e30, -1e30, // beyond the largest scale
		127, 2.5, // a tie goes to the even number
		1e-40, 0,
	})
	if want := []int8{0, 0, 127, -127, 127, 2, 0, 0}; !slices.Equal(q, want) {
		t.Errorf("numbers are %v, want %v", q, want)
	}
	if want := []float32{0, 65504, 1, 0x1p-24}; !slices.Equal(scale, want) {
		t.Errorf("scales are %v, want %v", scale, want)
	}
}

// TestQuantizeTwice: what was quantised is not changed by doing it again.
func TestQuantizeTwice(t *testing.T) {
	m := Matrix{Rows: 2, Cols: 4, F: []float32{1, -3, 5, 2, 0.1, 0.2, 0.3, 0.4}}.Int8()
	x := make([]float32, 8)
	for r := range 2 {
		dequantize(x[4*r:], m.row(r), m.Scale[r])
	}
	if again := (Matrix{Rows: 2, Cols: 4, F: x}).Int8(); !slices.Equal(again.Q, m.Q) || !slices.Equal(again.Scale, m.Scale) {
		t.Errorf("%v became %v", m, again)
	}
}

// TestPositionEnd: a stream at the last position starts again.
func TestPositionEnd(t *testing.T) {
	c := Config{Vocab: 8, Dim: 32, Layers: 1, Heads: 2, KVHeads: 2, HeadDim: 16, FFN: 32, Window: 16, RopeBase: 10000, Eps: 1e-6}
	m, err := New(c, ones(c))
	if err != nil {
		t.Fatal(err)
	}
	s, h, want := m.NewState(1), make([]float32, 3*c.Dim), make([]float32, 2*c.Dim)
	m.Forward(s, []Row{{0, 1}, {0, 2}}, want)
	s.pos[0] = maxPosition - 1
	m.Forward(s, []Row{{0, 5}, {0, 1}, {0, 2}}, h)
	if !slices.Equal(h[c.Dim:], want) {
		t.Error("a new start is not like the first")
	}
}

// ones are weights of which only the shape matters.
func ones(c Config) *Weights {
	w := &Weights{OutputNorm: make([]float32, c.Dim), Layers: make([]Layer, c.Layers)}
	for i := range w.Layers {
		l := &w.Layers[i]
		l.AttnNorm, l.FFNNorm = make([]float32, c.Dim), make([]float32, c.Dim)
		l.QNorm, l.KNorm = make([]float32, c.HeadDim), make([]float32, c.HeadDim)
	}
	ms, vs := w.parts(c)
	for _, p := range ms {
		f := make([]float32, p.rows*p.cols)
		for i := range f {
			f[i] = float32(i*i%17) - 8
		}
		*p.m = Matrix{Rows: p.rows, Cols: p.cols, F: f}
	}
	for _, p := range vs {
		for i := range p.v {
			p.v[i] = 1
		}
	}
	return w
}
