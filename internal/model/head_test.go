package model_test

import (
	"math"
	"slices"
	"testing"

	"kolm/internal/kernel"
	"kolm/internal/model"
)

// states returns n final states.
func states(c model.Config, n int) []float32 {
	return toyWeights(c, 9).Embed.F[:n*c.Dim]
}

func logits(h *model.AdaptiveHead, x []float32, m int) []float32 {
	dst := make([]float32, m*h.Rows())
	h.Logits(dst, x, m)
	return dst
}

// TestHeadOrder: the logits of an untouched head are those of the weights, in
// the order asked for.
func TestHeadOrder(t *testing.T) {
	c := toyConfig
	w := toyWeights(c, 1)
	m := newModel(t, c, w)
	x := states(c, 3)
	q, scale := make([]uint8, len(x)), make([]float32, 3)
	for i := range 3 {
		scale[i] = kernel.QuantizeU8(q[i*c.Dim:][:c.Dim], x[i*c.Dim:][:c.Dim])
	}
	table, out := kernel.NewI8(c.Vocab, c.Dim), w.Output.Int8()
	for r := range c.Vocab {
		table.SetRow(r, out.Q[r*c.Dim:][:c.Dim], out.Scale[r])
	}
	want := make([]float32, 3*c.Vocab)
	table.MatMul(want, q, scale, 3)

	if got := logits(m.NewAdaptiveHead(nil), x, 3); !slices.Equal(got, want) {
		t.Error("the natural order gives other logits than the output table")
	}
	order := []int32{299, 0, 256, 17, 17}
	got := logits(m.NewAdaptiveHead(order), x, 3)
	for i := range 3 {
		for r, token := range order {
			if got[i*len(order)+r] != want[i*c.Vocab+int(token)] {
				t.Errorf("state %d, row %d is not token %d", i, r, token)
			}
		}
	}
}

// sums are the prefix sums of w.
func sums(w []uint32) []uint32 {
	cum := make([]uint32, len(w)+1)
	kernel.PrefixSum(cum, w)
	return cum
}

// learn makes n updates and returns the sum of the code lengths in bits.
func learn(h *model.AdaptiveHead, x []float32, dim, n int) float64 {
	bits, w := 0.0, make([]uint32, h.Rows())
	for i := range n {
		s := x[i%7*dim:][:dim]
		total := kernel.Weights(w, logits(h, s, 1))
		y := (i % 7) * 31 % h.Rows()
		bits -= math.Log2(float64(w[y]) / float64(total))
		h.Update(s, y, sums(w), 0.02, 1<<18)
	}
	return bits
}

func TestHeadLearns(t *testing.T) {
	c := toyConfig
	var want uint64
	everyVariant(t, func(t *testing.T) {
		m := newModel(t, c, toyWeights(c, 1))
		x, h := states(c, 7), m.NewAdaptiveHead(nil)
		fresh := hash(logits(h, x, 7))
		first, later := learn(h, x, c.Dim, 70), learn(h, x, c.Dim, 70)
		if !(later < first/4) {
			t.Errorf("%.1f bits at first, %.1f later", first, later)
		}
		got := hash(logits(h, x, 7))
		if want == 0 {
			want = got
		}
		if got != want {
			t.Error("other bits than the first variant")
		}
		if other := m.NewAdaptiveHead(nil); hash(logits(other, x, 7)) != fresh {
			t.Error("learning changed the model")
		}
		h.Reset()
		if hash(logits(h, x, 7)) != fresh {
			t.Error("Reset does not restore the table")
		}
		if again := learn(h, x, c.Dim, 70); again != first {
			t.Errorf("%v bits after Reset, %v at first", again, first)
		}
	})
}

// TestHeadStep checks one update against the rule.
func TestHeadStep(t *testing.T) {
	c := toyConfig
	weights := toyWeights(c, 1)
	m := newModel(t, c, weights)
	table := weights.Output.Int8()
	x, y := states(c, 1), 4
	w := make([]uint32, c.Vocab)
	w[2], w[3], w[4] = 1<<29, 1<<20, 1<<30
	h := m.NewAdaptiveHead(nil)
	before := logits(h, x, 1)
	h.Update(x, y, sums(w), 0.5, 1<<20)
	after := logits(h, x, 1)
	for v := range before {
		g := map[int]float32{2: 0.25, y: -0.5}[v]
		if g == 0 {
			if after[v] != before[v] {
				t.Errorf("row %d changed", v)
			}
			continue
		}
		row := make([]float32, c.Dim)
		for i := range row {
			row[i] = kernel.FMA32(-0.5*g, x[i], float32(table.Q[v*c.Dim+i])*table.Scale[v])
		}
		if want := product(row, x); after[v] != want {
			t.Errorf("row %d gives %v, want %v", v, after[v], want)
		}
	}
}

// product is one logit, quantised as the head does it.
func product(row, x []float32) float32 {
	p, q, w := kernel.NewI8(1, len(row)), make([]uint8, len(x)), make([]int8, len(row))
	p.SetRow(0, w, kernel.QuantizeS8(w, row))
	dst, scale := make([]float32, 1), []float32{kernel.QuantizeU8(q, x)}
	p.MatMul(dst, q, scale, 1)
	return dst[0]
}

func TestHeadAllocatesNothing(t *testing.T) {
	c := toyConfig
	m := newModel(t, c, toyWeights(c, 1))
	h, x := m.NewAdaptiveHead(tokens(c, 128, 1)), states(c, 4)
	dst, w, cum := make([]float32, 4*h.Rows()), make([]uint32, h.Rows()), make([]uint32, h.Rows()+1)
	if n := testing.AllocsPerRun(20, func() {
		h.Logits(dst, x, 4)
		kernel.Weights(w, dst[:h.Rows()])
		kernel.PrefixSum(cum, w)
		h.Update(x, 5, cum, 0.01, 1<<20)
	}); n != 0 {
		t.Errorf("%v allocations a token", n)
	}
}

// TestHeadClone: a head and its clones have the same rows; what one learns, the
// others do not see.
func TestHeadClone(t *testing.T) {
	c := toyConfig
	m := newModel(t, c, toyWeights(c, 1))
	x, h := states(c, 7), m.NewAdaptiveHead(tokens(c, 128, 1))
	fresh := hash(logits(h, x, 7))
	shared, clone := h.Share(), h.Clone()
	if learn(clone, x, c.Dim, 70); hash(logits(clone, x, 7)) == fresh {
		t.Error("the clone learned nothing")
	}
	for name, head := range map[string]*model.AdaptiveHead{"head": h, "shared": shared, "new clone": h.Clone()} {
		if hash(logits(head, x, 7)) != fresh {
			t.Errorf("%s: other logits", name)
		}
	}
	clone.Reset()
	if hash(logits(clone, x, 7)) != fresh {
		t.Error("the clone does not become what it was")
	}
}
