package train

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFrom trains, exports in float32 and in int8, and begins another run with
// the export: its weights are those of the snapshot, to the rounding.
func TestFrom(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	o := tinyOptions(dir)
	o.Shape.Window = 32
	var out *Snapshot
	o.Export = func(s *Snapshot) error { out = s; return nil }
	first := mustRun(t, o)
	for _, exact := range []bool{true, false} {
		f, err := out.File("x", exact)
		if err != nil {
			t.Fatal(err)
		}
		if got := ShapeOf(f); got != o.Shape {
			t.Fatalf("shape %+v, want %+v", got, o.Shape)
		}
		w := make([]float32, len(out.w))
		if err := out.params.adopt(w, f, f.Merges); err != nil {
			t.Fatal(err)
		}
		for _, p := range out.params.tensors {
			var worst, top float64
			for i, x := range p.of(w) {
				worst = max(worst, math.Abs(float64(x-p.of(out.w)[i])))
				top = max(top, math.Abs(float64(x)))
			}
			if exact && worst != 0 || worst > top/200 {
				t.Errorf("exact %v: %s is off by %g of %g", exact, p.name, worst, top)
			}
		}
		next := tinyOptions(dir)
		next.Shape = ShapeOf(f)
		next.Dir, next.From, next.Merges = filepath.Join(dir, "next", map[bool]string{true: "f", false: "q"}[exact]), f, f.Merges
		begun := mustRun(t, next)
		if a, b := firstLoss(first), firstLoss(begun); b > 0.8*a {
			t.Errorf("exact %v: the run begins at a loss of %.3f, the one from nothing at %.3f", exact, b, a)
		}
	}
	f, _ := out.File("x", true)
	f.Weights.Layers[0].AttnNorm[3] = 2
	if err := out.params.adopt(make([]float32, len(out.w)), f, f.Merges); err == nil || !strings.Contains(err.Error(), "gains") {
		t.Errorf("foreign gains: error %v", err)
	}
	f, _ = out.File("x", true)
	f.Weights.Embed.F[5] += 100
	if err := out.params.adopt(make([]float32, len(out.w)), f, f.Merges); err == nil || !strings.Contains(err.Error(), "input table") {
		t.Errorf("foreign input table: error %v", err)
	}
}

// TestFromGrown begins a run with a model and a larger vocabulary: the old
// tokens keep their merges and rows, the new ones begin between their parts, and
// the run does not begin from nothing.
func TestFromGrown(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	o := tinyOptions(dir)
	o.Shape.Window = 32
	var out *Snapshot
	o.Export = func(s *Snapshot) error { out = s; return nil }
	first := mustRun(t, o)
	f, err := out.File("x", true)
	if err != nil {
		t.Fatal(err)
	}
	next := tinyOptions(dir)
	next.Shape = ShapeOf(f)
	next.Shape.Vocab += 32
	next.Dir, next.From, next.Merges = filepath.Join(dir, "grown"), f, f.Merges
	var begun *Snapshot
	next.Export = func(s *Snapshot) error { begun = s; return nil }
	if a, b := firstLoss(first), firstLoss(mustRun(t, next)); b > 0.9*a {
		t.Errorf("the run begins at a loss of %.3f, the one from nothing at %.3f", b, a)
	}
	merges := begun.Merges
	if n := len(f.Merges); len(merges) != n+32 || !slices.Equal(merges[:n], f.Merges) {
		t.Fatalf("%d merges that begin with the model's %d: %v", len(merges), n, slices.Equal(merges[:min(n, len(merges))], f.Merges))
	}
	w := make([]float32, len(begun.w))
	if err := begun.params.adopt(w, f, merges); err != nil {
		t.Fatal(err)
	}
	d, table, old := o.Shape.Dim, begun.params.embed.of(w), out.params.embed.of(out.w)
	if !slices.Equal(table[:len(old)], old) {
		t.Error("the rows of old tokens are not the model's")
	}
	last := len(merges) - 1
	for k := range d {
		m := merges[last]
		want := (table[int(m[0])*d+k] + table[int(m[1])*d+k]) / 2
		if got := table[(257+last)*d+k]; got != want {
			t.Fatalf("last row, column %d: %g, want %g", k, got, want)
		}
	}
}

func firstLoss(events []Event) float64 {
	for _, e := range events {
		if e.Kind == Step {
			return e.Loss
		}
	}
	return math.Inf(1)
}
