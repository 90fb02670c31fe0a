package lm

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestSameBits computes one text in many ways: threads, batches, calls, capacity,
// and kept or streamed weights change no bit.
func TestSameBits(t *testing.T) {
	for _, experts := range []int{0, 5} {
		c, w := toy(experts)
		n := 200
		if testing.Short() {
			n = 75 // more than a block of positions
		}
		text := tokens(n)
		hidden, logits := run(t, newSession(t, newModel(t, c, w, 1<<30), 400), text, n)
		if !finite(logits) {
			t.Fatal("the logits are not finite")
		}
		for _, way := range []struct {
			name                           string
			keep                           int64
			capacity, threads, batch, feed int
		}{
			{"one thread", 1 << 30, 400, 1, 512, 1000},
			{"three threads", 1 << 30, 400, 3, 512, 1000},
			{"small batches", 1 << 30, 400, 2, 3, 1000},
			{"one by one", 1 << 30, 400, 2, 512, 1},
			{"odd calls", 1 << 30, 400, 2, 32, 37},
			{"tight", 1 << 30, n, 2, 512, 1000},
			{"streamed", 0, 400, 1, 512, 1000},
			{"streamed by threads", 0, 400, 3, 64, 67},
			{"partly kept", 100 << 10, 400, 2, 100, 1000},
		} {
			_, fresh := toy(experts)
			s := newSession(t, newModel(t, c, fresh, way.keep), way.capacity)
			s.Threads, s.Batch = way.threads, way.batch
			h, l := run(t, s, text, way.feed)
			if !same(h, hidden) || !same(l, logits) {
				t.Errorf("%d experts, %s: other bits", experts, way.name)
			}
		}
	}
}

// TestTruncate goes back and takes another way.
func TestTruncate(t *testing.T) {
	c, w := toy(0)
	m := newModel(t, c, w, DefaultKeep)
	a, b := newSession(t, m, 200), newSession(t, m, 200)
	text := tokens(150)
	other := append(slices.Clone(text[:77]), 9, 8, 7, 6, 5)
	want, _ := run(t, a, other, len(other))
	run(t, b, text, 150)
	b.Truncate(70)
	got, _ := run(t, b, other[70:], 5)
	if !same(got, want[70*c.Dim:]) {
		t.Error("after Truncate the result differs")
	}
	if b.Position() != len(other) {
		t.Errorf("position is %d", b.Position())
	}
}

// TestTapsReadOnly checks that taps come at every point, once for each position,
// and that looking changes no bit.
func TestTapsReadOnly(t *testing.T) {
	for _, experts := range []int{0, 5} {
		c, w := toy(experts)
		m := newModel(t, c, w, DefaultKeep)
		text := tokens(90)
		hidden, _ := run(t, newSession(t, m, 90), text, 90)
		s := newSession(t, m, 90)
		s.Batch = 40
		type place struct {
			point        Point
			layer, where int
		}
		count := map[place]int{}
		var last []float32
		s.Tap = func(site Site, rows []float32) {
			if len(rows) != len(site.Positions)*site.Width || site.Width != c.width(site.Point) {
				t.Fatalf("%+v: %d numbers", site, len(rows))
			}
			if inside := site.Point >= Gate && site.Point <= Coefficients; experts > 0 && inside != (site.Expert >= 0) {
				t.Fatalf("%+v: the expert is wrong", site)
			}
			for _, p := range site.Positions {
				count[place{site.Point, site.Layer, p}]++
			}
			if site.Point == Residual && site.Layer == c.Layers-1 {
				last = append(last, rows...)
			}
		}
		got, _ := run(t, s, text, 90)
		if !same(got, hidden) {
			t.Error("a tap that reads changed the result")
		}
		for p := Embedding; p <= Final; p++ {
			for l := range c.Layers {
				want := 1
				if experts > 0 && p >= Gate && p <= Coefficients {
					want = c.ExpertsUsed
				}
				if p == Embedding || p == Final {
					l = -1
				}
				for pos := range text {
					if n := count[place{p, l, pos}]; n != want {
						t.Fatalf("point %d of layer %d at %d: %d calls, want %d", p, l, pos, n, want)
					}
				}
			}
		}
		m.Normalise(last, last, len(text))
		if !same(last, hidden) {
			t.Error("the norm of the last residual is not what Feed returned")
		}
	}
}

// TestPatchItself writes the rows of a run into a run of the same text, at every
// point at once.
func TestPatchItself(t *testing.T) {
	c, w := toy(0)
	m := newModel(t, c, w, DefaultKeep)
	text := tokens(80)
	type place struct {
		point Point
		layer int
	}
	kept := map[place][]float32{}
	s := newSession(t, m, 80)
	s.Tap = func(site Site, rows []float32) { kept[place{site.Point, site.Layer}] = slices.Clone(rows) }
	clean, _ := run(t, s, text, 80)
	s.Truncate(0)
	s.Tap = func(site Site, rows []float32) { copy(rows, kept[place{site.Point, site.Layer}]) }
	if got, _ := run(t, s, text, 80); !same(got, clean) {
		t.Error("patching a text with itself changed it")
	}
}

// zeroed is a matrix with one column zeroed.
func zeroed(t *testing.T, l Linear, column int) Linear {
	data := make([]float32, l.Rows*l.Cols)
	for r := range l.Rows {
		if err := l.Row(data[r*l.Cols:], r); err != nil {
			t.Fatal(err)
		}
		data[r*l.Cols+column] = 0
	}
	return Linear{Floats(l.Rows, l.Cols, data), l.Bias}
}

// TestAblation compares a tap that zeroes a coefficient, or a number of a head,
// with a model whose value, or column of O, is zero. It also shows how a model is
// edited.
func TestAblation(t *testing.T) {
	c, w := toy(0)
	text := tokens(70)
	clean, _ := run(t, newSession(t, newModel(t, c, w, DefaultKeep), 70), text, 70)
	const layer, column = 1, 23
	for _, x := range []struct {
		point Point
		edit  func(l *Layer)
	}{
		{Coefficients, func(l *Layer) { l.Down = zeroed(t, l.Down, column) }},
		{Heads, func(l *Layer) { l.O = zeroed(t, l.O, column) }},
	} {
		s := newSession(t, newModel(t, c, w, DefaultKeep), 70)
		s.Tap = func(site Site, rows []float32) {
			if site.Point == x.point && site.Layer == layer {
				for i := range site.Positions {
					rows[i*site.Width+column] = 0
				}
			}
		}
		ablated, _ := run(t, s, text, 70)

		edited := *w
		edited.Layers = slices.Clone(w.Layers)
		x.edit(&edited.Layers[layer])
		want, _ := run(t, newSession(t, newModel(t, c, &edited, DefaultKeep), 70), text, 70)
		if !same(ablated, want) {
			t.Errorf("point %d: a tap and an edit differ", x.point)
		}
		if same(ablated, clean) {
			t.Errorf("point %d: nothing changed", x.point)
		}
	}
}

// TestReplace checks that a change at any point changes the result.
func TestReplace(t *testing.T) {
	c, w := toy(0)
	m := newModel(t, c, w, DefaultKeep)
	text := tokens(20)
	clean, _ := run(t, newSession(t, m, 20), text, 20)
	for p := Embedding; p <= Final; p++ {
		s := newSession(t, m, 20)
		s.Tap = func(site Site, rows []float32) {
			if site.Point == p {
				rows[3*site.Width+2] += 1
			}
		}
		got, _ := run(t, s, text, 20)
		if !same(got[:3*c.Dim], clean[:3*c.Dim]) || same(got[3*c.Dim:][:c.Dim], clean[3*c.Dim:][:c.Dim]) {
			t.Errorf("point %d: a changed row at position 3 changed the wrong rows", p)
		}
	}
}

func TestRowColumn(t *testing.T) {
	m := Floats(3, 2, []float32{1, 2, 3, 4, 5, 6})
	row, column := make([]float32, 2), make([]float32, 3)
	if err := m.Row(row, 1); err != nil || !slices.Equal(row, []float32{3, 4}) {
		t.Error(row, err)
	}
	if err := m.Column(column, 1); err != nil || !slices.Equal(column, []float32{2, 4, 6}) {
		t.Error(column, err)
	}
}

// TestSessionIn: a session with room for a text alone computes what one for the whole
// context does, also where long contexts have other rotations.
func TestSessionIn(t *testing.T) {
	c, w := toy(0)
	c.Rope.Short, c.Rope.Long = 100, Frequencies(16, 1e2)
	m := newModel(t, c, w, DefaultKeep)
	text := tokens(90)
	short, _ := run(t, newSession(t, m, 100), text, 90)
	whole, _ := run(t, newSession(t, m, 400), text, 90)
	for context, want := range map[int][]float32{100: short, 400: whole} {
		s, err := m.NewSessionIn(context, len(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := run(t, s, text, 90); !same(got, want) {
			t.Errorf("with room for the text alone a context of %d is computed otherwise", context)
		}
	}
	if same(short, whole) {
		t.Error("the rotations of long contexts change nothing")
	}
}

func TestFeedErrors(t *testing.T) {
	c, w := toy(0)
	m := newModel(t, c, w, DefaultKeep)
	want := func(err error, text string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error is %v, want one with %q", err, text)
		}
	}
	s := newSession(t, m, 10)
	want(s.Feed([]int32{1, 50}, nil), "token 50 at position 1 is not in the vocabulary of 50")
	want(s.Feed([]int32{-1}, nil), "token -1")
	want(s.Feed(tokens(11), nil), "room for 10")
	if s.Position() != 0 {
		t.Error("a refused call moved the session")
	}
	_, err := m.NewSession(401)
	want(err, "400 positions")
	_, err = m.NewSession(0)
	want(err, "context of 0 tokens")
	_, err = m.NewSessionIn(401, 10)
	want(err, "400 positions")
	_, err = m.NewSessionIn(10, 11)
	want(err, "texts of 11 tokens in a context of 10")

	for _, keep := range []int64{0, DefaultKeep} {
		_, w := toy(0)
		up := &w.Layers[2].Up
		up.Matrix = NewMatrix(up.Rows, up.Cols, broken{up.source, 30})
		s := newSession(t, newModel(t, c, w, keep), 10)
		for range 2 {
			if err := s.Feed(tokens(3), nil); !errors.Is(err, errBroken) {
				t.Errorf("error is %v", err)
			}
		}
	}
	_, w = toy(0)
	w.Layers[1].AttnNorm.Gain[3] = 1e30
	w.Layers[1].AttnPost.Gain[3] = 3e38
	w.Layers[1].FFNPost.Gain[3] = 3e38
	want(newSession(t, newModel(t, c, w, DefaultKeep), 10).Feed(tokens(3), nil), "is not finite")
}

// TestConfigErrors changes one thing at a time.
func TestConfigErrors(t *testing.T) {
	for want, change := range map[string]func(c *Config, w *Weights){
		"embedding length is 0":          func(c *Config, _ *Weights) { c.Dim = 0 },
		"do not share":                   func(c *Config, _ *Weights) { c.KVHeads = 4 },
		"2 windows":                      func(c *Config, _ *Weights) { c.Windows = c.Windows[:2] },
		"window of layer 1":              func(c *Config, _ *Weights) { c.Windows = []int{0, -1, 0} },
		"norm epsilon is NaN":            func(c *Config, _ *Weights) { c.Eps = float32(math.NaN()) },
		"query scale is 0":               func(c *Config, _ *Weights) { c.QueryScale = 0 },
		"rotation of 40 numbers":         func(c *Config, _ *Weights) { c.Rope.Freq = make([]float64, 20) },
		"rotation frequency 1 is -1":     func(c *Config, _ *Weights) { c.Rope.Freq = []float64{1, -1} },
		"rotation scale is 0":            func(c *Config, _ *Weights) { c.Rope.Scale = 0 },
		"rotation has kind 9":            func(c *Config, _ *Weights) { c.Rope.Kind = 9 },
		"used expert count is 0":         func(c *Config, _ *Weights) { c.Experts = 3 },
		"2 layers of weights":            func(_ *Config, w *Weights) { w.Layers = w.Layers[:2] },
		"layer 1: down: is missing":      func(_ *Config, w *Weights) { w.Layers[1].Down.Matrix = nil },
		"layer 2: gate: 36 rows of 41":   func(_ *Config, w *Weights) { w.Layers[2].Gate.Matrix = Floats(36, 41, make([]float32, 36*41)) },
		"layer 0: value bias: 1 numbers": func(_ *Config, w *Weights) { w.Layers[0].V.Bias = make([]float32, 1) },
		"final norm: is missing":         func(_ *Config, w *Weights) { w.FinalNorm.Gain = nil },
		"layer 0: query norm: 3 numbers": func(_ *Config, w *Weights) { w.Layers[0].QNorm = make([]float32, 3) },
		"positions: 400 rows":            func(c *Config, _ *Weights) { c.Context = 300 },
	} {
		c, w := toy(0)
		change(&c, w)
		if _, err := New(c, w, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	c, w := toy(3)
	w.Layers[1].Experts = w.Layers[1].Experts[:2]
	if _, err := New(c, w, 0); err == nil || !strings.Contains(err.Error(), "layer 1: experts: 2, want 3") {
		t.Error(err)
	}
}
