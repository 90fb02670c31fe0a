package codes

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"kolm/internal/twopart"
)

func TestBreakEven(t *testing.T) {
	rung := func(points ...[2]int) (r Rung) {
		for _, p := range points {
			r.Curve = append(r.Curve, twopart.Point{Model: p[0], Data: p[1]})
		}
		return r
	}
	none, small := rung([2]int{0, 1100}), rung([2]int{100, 1000}, [2]int{150, 980})
	for _, c := range []struct {
		name    string
		smaller []Rung
		larger  Rung
		want    float64
	}{
		// 300 bytes more of model, .1 byte less for each byte.
		{"against one", []Rung{rung([2]int{100, 1000})}, rung([2]int{400, 900}), 3000},
		{"of two precisions the one that pays first", []Rung{rung([2]int{100, 1000})}, rung([2]int{400, 900}, [2]int{200, 950}), 2000},
		{"against the better of all", []Rung{none, small}, rung([2]int{400, 900}), 250 / .08},
		{"predicts worse", []Rung{none, small}, rung([2]int{400, 1200}), 0},
		{"never the best", []Rung{none, small}, rung([2]int{140, 1050}), 0},
		{"better in both", []Rung{rung([2]int{100, 1000})}, rung([2]int{50, 10}), 1},
	} {
		if got := BreakEven(c.smaller, c.larger, 1000); math.Abs(got-c.want) > 1e-9*c.want {
			t.Errorf("%s: %v bytes, want %v", c.name, got, c.want)
		}
	}
}

func TestSweep(t *testing.T) {
	if testing.Short() {
		t.Skip("short: trains models, as the run without -short does")
	}
	in := input(t, []byte(strings.Repeat("a ladder of sizes, of which one is the shortest; ", 500)))
	in.Budget, in.Threads, in.Seed = 2*time.Second, 2, 1
	var rungs []Rung
	if err := Sweep(context.Background(), in, 2, func(r Rung) { rungs = append(rungs, r) }); err != nil {
		t.Fatal(err)
	}
	if len(rungs) != 3 || rungs[0].Model != 0 || rungs[1].Model <= 0 || rungs[2].Weights <= 2*rungs[1].Weights {
		t.Errorf("rungs %+v", rungs)
	}
}

// TestLadder: every size of the ladder, and every other that is chosen for data, is
// one that can be trained.
func TestLadder(t *testing.T) {
	sizes := append([]Size{sizeFor(1), sizeFor(1 << 20), sizeFor(1 << 24), sizeFor(1 << 28)}, ladder[:]...)
	for _, s := range sizes {
		h := s.shape(s.Vocab)
		if err := h.Check(); err != nil {
			t.Errorf("%v: %v", s, err)
		}
	}
}
