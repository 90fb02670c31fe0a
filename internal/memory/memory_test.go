package memory

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kolm/internal/lm"
)

// TestStorage is toys T1 and T4: each fact is answered, its neuron alone fires, its
// value votes for the target, and attribution is exact and gives it to the neuron.
func TestStorage(t *testing.T) {
	for _, gated := range []bool{false, true} {
		m := storage(gated).model(t)
		for i, f := range facts {
			e, err := m.Explain(Question{Prompt: "N" + string(rune('A'+f.subject))}, 3, 2, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := string(rune('A' + f.target)); e.Answer[0] != want || e.Lens[1].Rank != 1 || e.Lens[0].Rank == 1 {
				t.Errorf("fact %d: answer %q, ranks %d, %d", i, e.Answer, e.Lens[0].Rank, e.Lens[1].Rank)
			}
			top := e.Memories[0]
			if (top.Neuron != Neuron{0, i}) || top.Votes[0].Text != e.Answer[0] || e.Active[0].Carry != 1 {
				t.Errorf("fact %d: strongest memory is %+v, %d active", i, top, e.Active[0].Carry)
			}
			near(t, "coefficient", top.Coefficient, sharp, 1e-4)
			near(t, "residual", e.Attribution.Residual, 0, 1e-6*e.Attribution.Absolute)
			// x = e_s + 5 e_t: scale sqrt(26/16), and the foil gets nothing unless it is the subject.
			s := math.Sqrt(26.0 / 16)
			near(t, "contribution", top.Contribution, 5/s, 1e-5)
		}
	}
}

// TestRedundant is toy T3: of a pair with half a value each, leaving one out costs
// little, leaving both out costs all.
func TestRedundant(t *testing.T) {
	p := plant(14, 2, 4, 1, false)
	p.remember(Neuron{0, 0}, 0, p.unit(6, 20))
	p.remember(Neuron{0, 1}, 0, p.unit(6, 20))
	m := p.model(t)
	r, err := m.Bits([]Passage{{[]int32{13, 0, 6}, 2}}, []Group{{{0, 0}}, {{0, 1}}, {{0, 0}, {0, 1}}, {{0, 2}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Cost[0] > .1 || r.Cost[0] != r.Cost[1] {
		t.Errorf("one of the pair costs %v and %v bits", r.Cost[0], r.Cost[1])
	}
	// Without both, x = e_s: logits 4 for the subject and 0 for 13 others.
	near(t, "pair", r.Base+r.Cost[2], math.Log2(13+math.Exp(4)), 1e-5)
	if r.Cost[3] != 0 {
		t.Errorf("a neuron that does nothing costs %v bits", r.Cost[3])
	}
}

// TestFlip is toy T4's symmetry: with the signs of an Up row and its value flipped,
// every report is as it was, but for the sign of the coefficient.
func TestFlip(t *testing.T) {
	c, w := random(3, true, lm.RMSNorm)
	q := Question{Prompt: "ABCDEFG", Answer: "HI"}
	explain := func(w *lm.Weights) *Explanation {
		e, err := newModel(t, c, w, letters(c.Vocab)).Explain(q, 60, 4, nil)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	before := explain(w)
	flipped := *w
	flipped.Layers = slices.Clone(w.Layers)
	for l := range flipped.Layers {
		x := &flipped.Layers[l]
		up, down := matrix(t, x.Up.Matrix), matrix(t, x.Down.Matrix)
		x.Up.Bias = slices.Clone(x.Up.Bias)
		for i := 0; i < c.FFN; i += 2 {
			x.Up.Bias[i] *= -1
			for d := range c.Dim {
				up[i*c.Dim+d] *= -1
				down[d*c.FFN+i] *= -1
			}
		}
		x.Up.Matrix, x.Down.Matrix = lm.Floats(c.FFN, c.Dim, up), lm.Floats(c.Dim, c.FFN, down)
	}
	text := []Passage{{[]int32{0, 1, 2, 3, 4, 5}, 1}}
	worth := func(w *lm.Weights) (*Worth, []Promise) {
		m := newModel(t, c, w, letters(c.Vocab))
		b, err := m.Bits(text, []Group{{{0, 0}}, {{1, 1}, {1, 2}}, m.LayerGroup(2)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Promising(text, 60)
		if err != nil {
			t.Fatal(err)
		}
		return b, p
	}
	bits, promises := worth(w)
	if b, p := worth(&flipped); !reflect.DeepEqual(b, bits) || !reflect.DeepEqual(p, promises) {
		t.Error("what neurons are worth changed")
	}
	after := explain(&flipped)
	for i := range after.Memories {
		a, b := &after.Memories[i], &before.Memories[i]
		if a.Neuron.Index%2 == 0 {
			a.Coefficient *= -1
		}
		if a.Coefficient != b.Coefficient {
			t.Errorf("%v: coefficient %v, was %v", a.Neuron, a.Coefficient, b.Coefficient)
		}
	}
	after.Attribution.coefs, before.Attribution.coefs = nil, nil
	if !reflect.DeepEqual(before, after) {
		t.Error("the report changed")
	}
}

func matrix(t testing.TB, m *lm.Matrix) []float32 {
	t.Helper()
	data := make([]float32, m.Rows*m.Cols)
	for r := range m.Rows {
		if err := m.Row(data[r*m.Cols:], r); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// TestDistractor is toy T5: a large update that no output row sees contributes
// nothing, though it is the most active memory.
func TestDistractor(t *testing.T) {
	p := storage(false)
	p.remember(Neuron{0, 6}, 0, p.unit(15, 50))
	m := p.model(t)
	e, err := m.Explain(Question{Prompt: "A", Answer: "G", Foil: "H"}, 8, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, a := e.Attribution.Neuron(Neuron{0, 6})
	near(t, "contribution of the distractor", v, 0, 1e-12)
	near(t, "its coefficient", a, sharp, 1e-4)
	if (e.Memories[0].Neuron != Neuron{0, 0}) {
		t.Errorf("the strongest memory is %v", e.Memories[0].Neuron)
	}
}

// TestSuperposition is toy T6: more random keys than dimensions. Recall is whole at
// small load and falls with it.
func TestSuperposition(t *testing.T) {
	const dim, vocab = 48, 480
	recall := func(n int) float64 {
		rng := rand.New(rand.NewPCG(5, uint64(n)))
		p := plant(vocab, 0, n, 1, false)
		table := make([]float32, vocab*dim)
		for i := range table {
			table[i] = float32(1-2*(rng.Int()&1)) / float32(math.Sqrt(dim))
		}
		p.Superpose(n, dim, n, table)
		m := p.model(t)
		hits := 0
		for i := range n {
			r := run(t, m, []int32{int32(i)}, nil)
			hits += btoi(m.top(logits(t, r, 0), 1, 1)[0].Token == int32((i+n)%vocab))
		}
		return float64(hits) / float64(n)
	}
	loads, got := []int{12, 48, 120, 240}, []float64{}
	for _, n := range loads {
		got = append(got, recall(n))
	}
	t.Logf("recall at %v keys in %d dimensions: %.3f", loads, dim, got)
	if got[0] < .99 || got[3] > .9*got[0] || !slices.IsSortedFunc(got, func(a, b float64) int { return int(math.Round(50 * (b - a))) }) {
		t.Errorf("recall %v does not fall with the load %v from 1", got, loads)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestLens: at the last layer the lens is the logits, bit for bit.
func TestLens(t *testing.T) {
	for name, m := range kinds(t) {
		tokens := []int32{3, 1, 4, 1, 5, 9, 2, 6}
		r := run(t, m, tokens, nil)
		hidden := make([]float32, m.LM.Config.Dim)
		m.LM.Normalise(hidden, r.Stream(m.LM.Config.Layers-1, 6), 1)
		lens := make([]float32, m.LM.Config.Vocab)
		if err := m.LM.Logits(lens, hidden, 1, 1); err != nil {
			t.Fatal(err)
		}
		if !same(lens, logits(t, r, 6)) {
			t.Errorf("%s: the last lens is not the logits", name)
		}
		rows, err := r.Lens(5, 7, 3)
		if err != nil {
			t.Fatal(err)
		}
		bits, err := m.Costs(tokens, 5, nil)
		if err != nil {
			t.Fatal(err)
		}
		last := rows[len(rows)-1]
		if last.Bits != sum(bits) || len(rows) != m.LM.Config.Layers+1 {
			t.Errorf("%s: %v bits by the lens, %v by the model", name, last.Bits, sum(bits))
		}
		near(t, "probability", last.Probability, math.Exp2(-bits[2]), 1e-12)
	}
}

// TestAttribution: contributions sum to the difference of the logits, whatever the
// architecture, and each neuron's is that of its value.
func TestAttribution(t *testing.T) {
	for name, m := range kinds(t) {
		r := run(t, m, []int32{3, 1, 4, 1, 5, 9, 2, 6}, nil)
		for _, pair := range [][2]int32{{0, 1}, {7, 33}, {39, 2}} {
			a, err := r.Attribute(7, pair[0], pair[1])
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(a.Residual) > 1e-5*a.Absolute {
				t.Errorf("%s: sum %v, logits %v: residual %v of %v", name, a.Sum, a.Logits, a.Residual, a.Absolute)
			}
			if m.LM.Config.LogitCap == 0 {
				l := logits(t, r, 7)
				near(t, name+": logits", a.Logits, float64(l[pair[0]])-float64(l[pair[1]]), 1e-5)
			}
			layers, parts := 0.0, 0.0
			for _, l := range a.Layers {
				layers += l.Attention + l.FFN
			}
			for _, p := range a.Parts {
				parts += p.Value
				if p.Layer < 0 {
					layers += p.Value
				}
			}
			near(t, name+": sum by layers", layers, a.Sum, 1e-9*a.Absolute)
			near(t, name+": sum of parts", parts, a.Sum, 1e-9*a.Absolute)
			neurons := 0.0
			for i := range m.LM.Config.FFN {
				v, _ := a.Neuron(Neuron{1, i})
				neurons += v
			}
			for _, p := range a.Parts {
				if p.Kind == "neurons" && p.Layer == 1 {
					near(t, name+": sum of neurons", neurons, p.Value, 1e-9*a.Absolute)
				}
			}
		}
	}
}

// TestSubUpdate: with the scale of the norm frozen, adding a neuron's update
// multiplies the odds of two tokens by exp of its contribution.
func TestSubUpdate(t *testing.T) {
	for name, m := range kinds(t) {
		if m.LM.Config.LogitCap != 0 || m.LM.Weights.Layers[2].FFNPost.Gain == nil {
			continue
		}
		r := run(t, m, []int32{3, 1, 4, 1}, nil)
		a, err := r.Attribute(3, 8, 21)
		if err != nil {
			t.Fatal(err)
		}
		n := Neuron{2, 5}
		c, coef := a.Neuron(n)
		// The same from the value: its votes, over the scales of both norms.
		v, err := m.Value(n)
		if err != nil {
			t.Fatal(err)
		}
		l := &m.LM.Weights.Layers[2]
		if m.LM.Config.Norm == lm.LayerNorm { // the norm after centres: Value has no part in that
			continue
		}
		out, err := m.blockOutput(&l.Down, r.Row(lm.Coefficients, 2, 3))
		if err != nil {
			t.Fatal(err)
		}
		scale := m.freeze(&l.FFNPost, out).inv * m.freeze(&m.LM.Weights.FinalNorm, r.Stream(2, 3)).inv
		votes, err := m.directLogits(v)
		if err != nil {
			t.Fatal(err)
		}
		near(t, name+": log odds", coef*scale*float64(votes[8]-votes[21]), c, 1e-6)
	}
}

// TestScale: the scale of the stream is invisible to keys, and changes attribution
// by a factor only.
func TestScale(t *testing.T) {
	m := storage(false).model(t)
	plain := run(t, m, []int32{2}, nil)
	scaled := run(t, m, []int32{2}, func(s lm.Site, rows []float32) {
		if s.Point == lm.Embedding {
			for i := range rows {
				rows[i] *= 8
			}
		}
	})
	if !slices.EqualFunc(plain.Row(lm.Coefficients, 0, 0), scaled.Row(lm.Coefficients, 0, 0), func(a, b float32) bool { return abs(a-b) < 1e-4 }) {
		t.Error("coefficients depend on the scale of the stream")
	}
	a, _ := plain.Attribute(0, 8, 1)
	b, _ := scaled.Attribute(0, 8, 1)
	// 5 e_t beside e_s, and beside 8 e_s.
	va, _ := a.Neuron(Neuron{0, 2})
	vb, _ := b.Neuron(Neuron{0, 2})
	near(t, "contribution", va/vb, math.Sqrt((64+25)/26.0), 1e-5)
}

// TestHook: zeroing a coefficient is a rerun with the value zeroed, bit for bit.
func TestHook(t *testing.T) {
	c, w := random(11, true, lm.RMSNorm)
	m := newModel(t, c, w, letters(c.Vocab))
	tokens := []int32{5, 6, 7, 8, 9, 10}
	n := Neuron{1, 13}
	hooked := run(t, m, tokens, Ablate(n))
	edited := *w
	edited.Layers = slices.Clone(w.Layers)
	down := matrix(t, w.Layers[1].Down.Matrix)
	for d := range c.Dim {
		down[d*c.FFN+n.Index] = 0
	}
	edited.Layers[1].Down.Matrix = lm.Floats(c.Dim, c.FFN, down)
	again := run(t, newModel(t, c, &edited, letters(c.Vocab)), tokens, nil)
	if !same(hooked.Rows(lm.Final, -1), again.Rows(lm.Final, -1)) {
		t.Error("a hook and a rerun differ")
	}
	if same(hooked.Rows(lm.Final, -1), run(t, m, tokens, nil).Rows(lm.Final, -1)) {
		t.Error("the ablation did nothing")
	}
}

func TestAsk(t *testing.T) {
	m := storage(false).model(t)
	for _, x := range []struct {
		q    Question
		want string // in the error
		at   int
		foil int32
	}{
		{q: Question{Prompt: "BA"}, at: 2, foil: 0},
		{q: Question{Prompt: "BA", Answer: "GH", Foil: "GI"}, at: 3, foil: 8},
		{q: Question{Prompt: "BA", Answer: "G", Foil: "GI"}, want: "foil begins with the whole answer"},
		{q: Question{Prompt: "BA", Answer: "GI", Foil: "G"}, want: "answer begins with the whole foil"},
		{q: Question{Prompt: "BA?"}, want: `prompt: character '?' has no token`},
		{q: Question{Prompt: "BA", Answer: "é"}, want: `answer: character 'é' has no token`},
		{q: Question{Prompt: ""}, want: "the text is empty"},
		{q: Question{Prompt: strings.Repeat("A", 65)}, want: "65 tokens is longer than the model's context of 64"},
	} {
		a, err := m.Ask(x.q)
		if x.want != "" {
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%+v: error %v, want %q", x.q, err, x.want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if a.At != x.at || a.Foil != x.foil {
			t.Errorf("%+v: at %d foil %d, want %d and %d", x.q, a.At, a.Foil, x.at, x.foil)
		}
	}
}

// TestThreads: no report depends on the number of threads.
func TestThreads(t *testing.T) {
	for name, m := range kinds(t) {
		var first *Explanation
		for _, n := range []int{1, 3} {
			m.Threads = n
			e, err := m.Explain(Question{Prompt: "ABCABD", Answer: "EF"}, 5, 3, nil)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = e
			} else if !reflect.DeepEqual(first, e) {
				t.Errorf("%s: %d threads give another report", name, n)
			}
		}
	}
}

func TestNeuron(t *testing.T) {
	var n Neuron
	if err := n.UnmarshalText([]byte("3.120")); err != nil || n != (Neuron{3, 120}) || n.String() != "3.120" {
		t.Error(n, err)
	}
	for _, bad := range []string{"", "3", "3.", "a.b", "3.1.2"} {
		if err := n.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read as %v", bad, n)
		}
	}
	m := storage(false).model(t)
	for _, bad := range []Neuron{{0, 8}, {1, 0}, {-1, 0}, {0, -1}} {
		if _, err := m.Votes(bad, 1); err == nil {
			t.Errorf("votes of %v", bad)
		}
	}
	for _, few := range []int{0, -1} {
		v, err := m.Votes(Neuron{}, few)
		if err != nil || len(v.Plus)+len(v.Minus) != 0 {
			t.Errorf("%d votes: %+v, %v", few, v, err)
		}
		if list := strongest([][]float64{{1, 2}}, few); len(list) != 0 {
			t.Errorf("%d of two neurons: %v", few, list)
		}
		if list, err := m.Promising([]Passage{{Tokens: []int32{1, 2}, From: 1}}, few); err != nil || len(list) != 0 {
			t.Errorf("%d promising: %v, %v", few, list, err)
		}
	}
}
