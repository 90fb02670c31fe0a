package train

import (
	"math"
	"path/filepath"
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
		if err := out.params.adopt(w, f); err != nil {
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
	if err := out.params.adopt(make([]float32, len(out.w)), f); err == nil || !strings.Contains(err.Error(), "gains") {
		t.Errorf("foreign gains: error %v", err)
	}
	f, _ = out.File("x", true)
	f.Weights.Embed.F[5] += 100
	if err := out.params.adopt(make([]float32, len(out.w)), f); err == nil || !strings.Contains(err.Error(), "input table") {
		t.Errorf("foreign input table: error %v", err)
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
