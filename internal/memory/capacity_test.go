package memory

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestCapacityGradient compares the gradient with differences.
func TestCapacityGradient(t *testing.T) {
	o := CapacityOptions{Facts: 12, Dim: 5, Hidden: 7, Labels: 4, Steps: 1, Zipf: true, Seed: 3}
	n := newCapacityNet(o)
	loss := func() float64 {
		hidden, p, total := make([]float64, o.Hidden), make([]float64, o.Labels), 0.0
		for f := range o.Facts {
			n.forward(f, hidden, p)
			total -= n.weight[f] * math.Log(p[n.labels[f]]) / float64(o.Facts)
		}
		return total
	}
	grad := make([]float64, len(n.params))
	n.gradient(grad)
	const h = 1e-5
	for i := range n.params {
		old := n.params[i]
		n.params[i] = old + h
		up := loss()
		n.params[i] = old - h
		down := loss()
		n.params[i] = old
		near(t, "gradient", grad[i], (up-down)/(2*h), 1e-7)
	}
}

// TestCapacity: a memory of 32 neurons holds about two bits a weight when it is
// offered as many and trained long; more steps store more; int8 keeps nearly all of
// it, int4 does not.
func TestCapacity(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	last := 0.0
	for _, steps := range []int{30, 100, 300, 3000} {
		o := DefaultCapacity()
		o.Steps = steps
		c, err := MeasureCapacity(o, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d steps: %.3f bits a weight of %.3f offered, recall %.3f, exposure %.2f", steps, c.Per, c.Offered/float64(c.Parameters), c.Recall, c.Exposure)
		if c.Per <= last || c.Parameters != 1072 {
			t.Errorf("%d steps: %.3f bits a weight, fewer steps gave %.3f", steps, c.Per, last)
		}
		last = c.Per
		if steps < 3000 {
			continue
		}
		if c.Per < 1.6 || c.Per > 2.3 {
			t.Errorf("%.3f bits a weight", c.Per)
		}
		for _, q := range c.Quantised {
			t.Logf("int%d: %.0f of %.0f bits, recall %.3f", q.Bits, q.Stored, c.Stored, q.Recall)
			if q.Bits == 8 && q.Stored < .98*c.Stored || q.Bits == 4 && q.Recall > .7 {
				t.Errorf("int%d: %.0f of %.0f bits, recall %.3f", q.Bits, q.Stored, c.Stored, q.Recall)
			}
		}
	}
}

// TestCapacityCheck: what means nothing is refused, and what no memory holds, also
// where a product would overflow.
func TestCapacityCheck(t *testing.T) {
	for i, change := range []func(o *CapacityOptions){
		func(o *CapacityOptions) { o.Facts = 9 },
		func(o *CapacityOptions) { o.Labels = 1 },
		func(o *CapacityOptions) { o.Steps = 0 },
		func(o *CapacityOptions) { o.Facts = 1e8 },
		func(o *CapacityOptions) { o.Dim, o.Hidden = math.MaxInt, math.MaxInt },
	} {
		o := DefaultCapacity()
		change(&o)
		if err := o.Check(); err == nil {
			t.Errorf("%d: %+v is taken", i, o)
		}
	}
	if o := DefaultCapacity(); o.Check() != nil {
		t.Error(o.Check())
	}
}

// TestZipf: of more facts than fit, the frequent ones are kept.
func TestZipf(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	o := DefaultCapacity()
	o.Facts, o.Zipf, o.Steps = 1000, true, 1000
	c, err := MeasureCapacity(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	var frequency, recall []float64
	for _, d := range c.Deciles {
		frequency, recall = append(frequency, d.Frequency), append(recall, d.Recall)
	}
	s := Spearman(frequency, recall)
	t.Logf("recall by decile %.2f, rank correlation with frequency %.3f", recall, s)
	if s < .9 || recall[0] < .95 || recall[9] > .3 {
		t.Errorf("recall by decile %.2f, rank correlation %.3f", recall, s)
	}
}

// TestExposure: of canaries that nobody planted the mean is log2 e, a little less.
func TestExposure(t *testing.T) {
	const candidates, n = 1000, 20000
	exact := 0.0
	for r := 1; r <= candidates; r++ {
		exact += Exposure(r, candidates) / candidates
	}
	near(t, "expectation", exact, 1.4364, 5e-4)
	rng := rand.New(rand.NewPCG(1, 2))
	total, squares := 0.0, 0.0
	for range n {
		e := Exposure(1+rng.IntN(candidates), candidates)
		total, squares = total+e, squares+e*e
	}
	mean := total / n
	near(t, "mean", mean, exact, 3*math.Sqrt((squares/n-mean*mean)/n))
	near(t, "first", Exposure(1, 1024), 10, 0)
}

func TestRecall(t *testing.T) {
	m := storage(false).model(t)
	facts := []Recalled{{Prompt: "NA", Answer: "G"}, {Prompt: "NB", Answer: "G"}, {Prompt: "MC", Answer: "I"}, {Prompt: "MD", Answer: "JJ"}}
	NewFactCounter(facts).Add([]byte("NAG NAG.NAG NBG MCI MCI MCI\nMCI MCIX XMCI"))
	if err := m.Recall(facts, nil); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		count  int
		recall bool
		said   string
	}{{3, true, "G"}, {1, false, "H"}, {4, true, "I"}, {0, true, "JJ"}} {
		f := facts[i]
		if f.Count != want.count || f.Recall != want.recall || f.Said != want.said || f.Bits <= 0 {
			t.Errorf("fact %d: %+v", i, f)
		}
	}
	groups := GroupRecall(facts)
	if len(groups) != 4 || groups[0].To != 0 || groups[2].From != 2 || groups[2].To != 3 || groups[2].Recall != 1 || groups[1].Recall != 0 {
		t.Errorf("groups: %+v", groups)
	}
	if err := m.Recall([]Recalled{{Prompt: "NA"}}, nil); err == nil {
		t.Error("a fact without answer is recalled")
	}
}

// TestFactCounter counts words, not parts of them, and sentences with both words.
func TestFactCounter(t *testing.T) {
	facts := []Recalled{
		{Prompt: "The symbol of carbon is", Answer: " C", Subject: "carbon"},
		{Prompt: "The capital of France is", Answer: " Paris", Subject: "France"},
		{Prompt: "法国的首都是", Answer: "巴黎", Subject: "法国"},
		{Prompt: "The capital of Texas is", Answer: " Austin"},
		{Prompt: "Paris is in", Answer: " France", Subject: "Paris"},
		{Prompt: "a", Answer: "a", Subject: "a"},
	}
	c := NewFactCounter(facts)
	c.Add([]byte("The symbol of carbon is Cl, not C. France, oh France: Paris! Carbonated carbon. C is next. The capital of France is Paris."))
	c.Add([]byte("The capital of France is\nParis. Parisians of France. 巴黎在法国，法国的首都是巴黎。法国。巴黎"))
	c.Add([]byte("The capital of Texas is Austin; aa. A sentence without a"))
	c.Add(nil)
	for i, want := range [][3]int{{0, 1, 1}, {1, 2, 2}, {1, 1, 1}, {1, 0, 1}, {0, 2, 2}, {1, 1, 1}} {
		f := facts[i]
		if got := [3]int{f.Count, f.Together, f.Seen()}; got != want {
			t.Errorf("%q: counted %v, want %v", f.Prompt, got, want)
		}
	}
}

// TestChoose: the answer of a known fact is the first of its kind, and its bits are
// those that Recall finds.
func TestChoose(t *testing.T) {
	m := storage(false).model(t)
	facts := []Recalled{
		{Prompt: "NA", Answer: "G", Kind: "x"}, {Prompt: "NB", Answer: "H", Kind: "x"}, {Prompt: "NA", Answer: "H", Kind: "x"},
		{Prompt: "MC", Answer: "I", Kind: "y"}, {Prompt: "MD", Answer: "J", Kind: "y"}, {Prompt: "M", Answer: "IK", Kind: "y"},
	}
	if err := m.Recall(facts, nil); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := m.Choose(facts, func() { n++ }); err != nil || n != len(facts) {
		t.Fatal(err, n)
	}
	for i, want := range [][2]int{{1, 2}, {1, 2}, {2, 2}, {1, 3}, {1, 3}} {
		if f := facts[i]; f.Choice != want[0] || f.Choices != want[1] {
			t.Errorf("%q %q: choice %d of %d, want %v", f.Prompt, f.Answer, f.Choice, f.Choices, want)
		}
	}
	for _, f := range facts {
		bits, err := m.after(f.Prompt, []string{"K", f.Answer, f.Answer})
		if err != nil || bits[1] != f.Bits || bits[2] != f.Bits {
			t.Errorf("%q %q: %v bits, %v; want %v", f.Prompt, f.Answer, bits, err, f.Bits)
		}
	}
	// H after NA less H after NB; the same answer after another prompt is no other fact.
	bits, err := m.after("NA", []string{"H"})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "gain", facts[1].Gain, bits[0]-facts[1].Bits, 1e-12)
	if facts[1].Gain < 1 || facts[2].Gain > 1e-12 {
		t.Errorf("gains of a known and a wrong fact: %v, %v", facts[1].Gain, facts[2].Gain)
	}
	kinds := KindRecall(facts)
	if len(kinds) != 2 || kinds[0].Kind != "x" || kinds[0].Facts != 3 || kinds[0].Most != 1 || kinds[1].Facts != 3 {
		t.Errorf("%+v", kinds)
	}
	near(t, "first of kind", kinds[0].First, 2./3, 1e-12)
	near(t, "exposure", kinds[0].Exposure, 2./3, 1e-12)
}

func TestSpearman(t *testing.T) {
	near(t, "same order", Spearman([]float64{1, 5, 3}, []float64{10, 30, 20}), 1, 1e-12)
	near(t, "reversed", Spearman([]float64{1, 2, 3}, []float64{3, 2, 1}), -1, 1e-12)
	near(t, "ties", Spearman([]float64{1, 1, 2, 2}, []float64{1, 2, 3, 4}), 2/math.Sqrt(5), 1e-12)
}
