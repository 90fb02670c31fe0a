package quantize

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"kolm/internal/lm"
	"kolm/internal/lmfile"
	"kolm/internal/model"
	"kolm/internal/modelfile"
	"kolm/internal/score"
	"kolm/internal/vocab"
)

// source is a small random model and a text.
func source(t *testing.T) *Source {
	t.Helper()
	c := model.Config{Vocab: 257, Dim: 32, Layers: 2, Heads: 2, KVHeads: 1, HeadDim: 16, FFN: 64, Window: 64, RopeBase: 10000, Eps: 1e-6}
	w := &model.Weights{Layers: make([]model.Layer, c.Layers)}
	rng := rand.New(rand.NewPCG(1, 2))
	f := &modelfile.File{Config: c, Weights: w}
	for _, p := range f.Parts() {
		x := make([]float32, p.Rows*p.Cols)
		for i := range x {
			x[i] = float32(rng.NormFloat64() / math.Sqrt(float64(p.Cols)))
		}
		if p.Vector != nil {
			for i := range x {
				x[i] = 1
			}
			*p.Vector = x
		} else {
			*p.Matrix = model.Matrix{Rows: p.Rows, Cols: p.Cols, F: x}
		}
	}
	f, err := modelfile.New("toy", c, w, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := modelfile.Export(&b, f, modelfile.F32); err != nil {
		t.Fatal(err)
	}
	file, err := lmfile.Parse("toy", []byte(b.String()), lm.DefaultKeep)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := vocab.ParseGGUF(file.Keys)
	if err != nil {
		t.Fatal(err)
	}
	text, err := score.Encode(tok, []byte(strings.Repeat("what do coarser weights cost? ", 20)))
	if err != nil {
		t.Fatal(err)
	}
	rule, err := score.Every(tok, 64, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &Source{File: file, Texts: []*score.Text{text}, Rule: rule, Threads: 1}
}

// TestCurve: the finer the weights, the longer the file and the nearer the
// predictions; the model as it is does not differ from itself.
func TestCurve(t *testing.T) {
	s := source(t)
	last, err := s.Original()
	if err != nil {
		t.Fatal(err)
	}
	if last.Sum.KL != 0 || last.Sum.Bits != last.Sum.OtherBits || last.PerWeight != 32 || last.Bytes != int(s.File.Size) {
		t.Errorf("the model as it is: %+v", last.Sum)
	}
	types := modelfile.Narrowed()
	for i := len(types) - 1; i >= 0; i-- {
		p, err := s.Make(types[i].String(), All(types[i]))
		if err != nil {
			t.Fatal(err)
		}
		if p.Bytes > last.Bytes || len(p.File) != p.Bytes || p.Sum.KL < last.Sum.KL || p.Data() <= 0 {
			t.Errorf("%s: %d bytes, divergence %v, after %d and %v", p.Name, p.Bytes, p.Sum.KL, last.Bytes, last.Sum.KL)
		}
		last = p
	}
	if last.PerWeight != 4.5 || last.Sum.KL <= 0 {
		t.Errorf("%s: %v bits a weight, divergence %v", last.Name, last.PerWeight, last.Sum.KL)
	}
}

// TestMix: a mixture keeps to its bits, uses most of them, and is no farther from
// the model than what is as coarse everywhere.
func TestMix(t *testing.T) {
	s := source(t)
	as, err := s.Mix(context.Background(), s.Texts[0], 5.5)
	if err != nil {
		t.Fatal(err)
	}
	mix, err := s.Make("mix", as)
	if err != nil {
		t.Fatal(err)
	}
	coarse, err := s.Make("Q4_0", All(steps[0].Type))
	if err != nil {
		t.Fatal(err)
	}
	if mix.PerWeight > 5.5 || mix.PerWeight < 5 || mix.Sum.KL >= coarse.Sum.KL {
		t.Errorf("%v bits a weight, divergence %v; of the coarsest %v", mix.PerWeight, mix.Sum.KL, coarse.Sum.KL)
	}
	if _, err := s.Mix(context.Background(), s.Texts[0], 4); err == nil || !strings.Contains(err.Error(), "the coarsest file has 4.50") {
		t.Errorf("4 bits: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := s.Mix(ctx, s.Texts[0], 5.5); err != context.Canceled {
		t.Errorf("interrupted: %v", err)
	}
}

// TestAllot: bits go where a bit takes most away, and what is left to smaller ones.
func TestAllot(t *testing.T) {
	list := []*weight{{name: "dear", numbers: 1000, loss: 1000}, {name: "cheap", numbers: 1000, loss: 1}, {name: "tiny", numbers: 10, loss: .001}}
	allot(list, 1000+30) // one step of the first, then three of the tiny one do not fit
	if list[0].step != 1 || list[1].step != 0 || list[2].step != 1 {
		t.Errorf("steps %d, %d, %d", list[0].step, list[1].step, list[2].step)
	}
	allot(list, 1e9)
	for _, w := range list {
		if w.step != len(steps)-1 {
			t.Errorf("%s stays at step %d", w.name, w.step)
		}
	}
}

func TestRanges(t *testing.T) {
	point := func(bytes int, perByte float64) *Point {
		return &Point{Bytes: bytes, Sum: score.Block{Bytes: 1000, OtherBits: 1000 * perByte}}
	}
	// 800 bits more of model, a tenth of a bit less a byte: from 8000 bytes on.
	got := Ranges([]*Point{point(100, 2), point(200, 1.9), point(300, 1.9), point(200, 1.9), point(400, 2.5)})
	want := []Range{{0, 8000}, {8000, math.Inf(1)}, {}, {}, {}}
	for i, r := range got {
		if math.Abs(r.From-want[i].From) > 1e-6 || r.To != want[i].To && math.Abs(r.To-want[i].To) > 1e-6 {
			t.Errorf("point %d: %v, want %v", i, r, want[i])
		}
	}
}
