package train

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kolm/internal/tensor"
	"kolm/internal/token"
)

func TestSchedule(t *testing.T) {
	warm := newSchedule(1000)
	decay := newSchedule(1000)
	decay.begin(5000, 2000)
	again := decay
	again.begin(6000, 500)
	early := newSchedule(1000)
	early.begin(500, 1000)
	for _, c := range []struct {
		s      schedule
		tokens int64
		want   float64
		done   bool
	}{
		{warm, 0, 0.1, false}, {warm, 400, 0.5, false}, {warm, 900, 1, false}, {warm, 1 << 40, 1, false},
		{decay, 5000, 1, false}, {decay, 6000, 0.5, false}, {decay, 6900, 0.05, false}, {decay, 7000, 0, true}, {decay, 9000, 0, true},
		{again, 6000, 0.5, false}, {again, 6250, 0.25, false}, {again, 6500, 0, true},
		{early, 600, 0.7, false}, {early, 1000, 0.5, false},
		{newSchedule(0), 0, 1, false},
	} {
		if got := c.s.factor(c.tokens, 100); math.Abs(got-c.want) > 1e-12 || c.s.done(c.tokens) != c.done {
			t.Errorf("%+v at %d: factor %g, done %v", c.s, c.tokens, got, c.s.done(c.tokens))
		}
	}
}

func testCache(t *testing.T, n int) *cache {
	t.Helper()
	path, key := filepath.Join(t.TempDir(), "tokens"), keyOf("test")
	w, err := createCache(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := w.write([]uint16{uint16(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.commit(key); err != nil {
		t.Fatal(err)
	}
	c, err := openCache(path, key, n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	return c
}

// TestWindows requires that an epoch shows every window once, that epochs
// differ, and that a position resumes.
func TestWindows(t *testing.T) {
	const n, seq = 10_000, 32
	data := testCache(t, n)
	w, err := newWindows(data, seq, 9, order{})
	if err != nil {
		t.Fatal(err)
	}
	var epochs [3][]int32
	tokens, targets := make([]int32, seq), make([]int32, seq)
	for w.at.Epoch < 3 {
		at := w.at
		if err := w.next(tokens, targets); err != nil {
			t.Fatal(err)
		}
		if w.at.Epoch == 3 {
			break
		}
		for i, x := range targets {
			if want := tokens[0] + int32(i) + 1; x != want && want != token.Separator || want == token.Separator && x != -1 {
				t.Fatalf("window at %d: target %d is %d", tokens[0], i, x)
			}
		}
		epochs[w.at.Epoch] = append(epochs[w.at.Epoch], tokens[0])
		if len(epochs[1]) == 17 {
			again, err := newWindows(data, seq, 9, at)
			if err != nil {
				t.Fatal(err)
			}
			other := make([]int32, seq)
			if err := again.next(other, make([]int32, seq)); err != nil || !slices.Equal(other, tokens) {
				t.Errorf("resumed at %+v: window at %d, want %d", at, other[0], tokens[0])
			}
		}
	}
	for i, e := range epochs {
		if len(e) < (n-1)/seq-1 {
			t.Errorf("epoch %d has %d windows", i, len(e))
		}
		sorted := slices.Sorted(slices.Values(e))
		for j := range sorted[1:] {
			if sorted[j+1]-sorted[j] != seq {
				t.Fatalf("epoch %d: windows at %d and %d", i, sorted[j], sorted[j+1])
			}
		}
		if slices.Equal(e, sorted) || i > 0 && slices.Equal(e, epochs[i-1]) {
			t.Errorf("epoch %d is not shuffled anew", i)
		}
	}
}

func TestCacheDamage(t *testing.T) {
	c := testCache(t, 100)
	path := c.f.Name()
	c.vocab = 99
	if err := c.read(make([]uint16, 50), make([]byte, 100), 50); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("a token beyond the vocabulary: %v", err)
	}
	if _, err := openCache(path, keyOf("other"), 100); err == nil {
		t.Error("another corpus' cache was opened")
	}
	if err := os.Truncate(path, 150); err != nil {
		t.Fatal(err)
	}
	if _, err := openCache(path, keyOf("test"), 100); err == nil {
		t.Error("a cut cache was opened")
	}
}

// TestOrthogonalise requires singular values near one, by U^T U near a multiple
// of the identity, whichever side is longer.
func TestOrthogonalise(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, shape := range [][2]int{{32, 96}, {96, 32}, {64, 64}} {
		rows, cols := shape[0], shape[1]
		g := make([]float32, rows*cols)
		for i := range g {
			g[i] = float32(rnd.NormFloat64())
		}
		before := slices.Clone(g)
		h := &muon{scratch: tensor.NewScratch(), x: make([]float32, len(g)), gram: make([]float32, len(g)), g2: make([]float32, len(g))}
		u := h.orthogonalise(g, rows, cols)
		n := float64(min(rows, cols))
		if ms := tensor.SumSquares(u) / n; ms < 0.6 || ms > 1.3 {
			t.Errorf("%dx%d: mean square singular value %.3f", rows, cols, ms)
		}
		var dot float64
		for i := range u {
			dot += float64(u[i]) * float64(before[i])
		}
		// <U V^T, U S V^T> is the sum of the singular values, at least the norm.
		if dot < math.Sqrt(tensor.SumSquares(before)) {
			t.Errorf("%dx%d: the update does not follow the gradient", rows, cols)
		}
	}
}
