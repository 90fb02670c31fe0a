package lab

import (
	"fmt"
	"math"

	"kolm/internal/chart"
	"kolm/internal/memory"
)

var capacity = Experiment{
	Name:     "capacity",
	Question: "how many bits does a weight keep, and in how many bits must it be written for that?",
	Criterion: "on random facts, bits stored grow with steps to between 1.6 and 2.3 a weight; rounded to int8 they keep 98 % of the bits, rounded to int4 at most 70 % of recall; " +
		"the content of a set of names is log2 of a binomial to the golden digits",
	run: runCapacity,
}

func runCapacity(r *run) error {
	o := memory.DefaultCapacity()
	o.Seed = r.Seed
	steps := []int{30, 100, 300, 1000, 3000}
	if r.Quick {
		o.Facts, o.Dim, o.Hidden = 250, 12, 16
	}
	r.steps(len(steps))
	r.note("Random facts: keys of ±1, labels of 16. Nothing helps but storing them. The weights are as many as the first row says, float64 while they are trained.")
	t := r.table("Bits stored are bits offered less what the labels still cost. Computed.", "weights", "facts", "bits offered", "steps", "bits stored", "bits a weight", "recall", "exposure of a label")
	line, last := chart.Line{Name: "stored"}, math.Inf(-1)
	var c *memory.Capacity
	for _, n := range steps {
		o.Steps = n
		var err error
		if c, err = memory.MeasureCapacity(o, nil); err != nil {
			return err
		}
		t.row(c.Parameters, c.Facts, c.Offered, n, c.Stored, c.Per, c.Recall, c.Exposure)
		r.atLeast(fmt.Sprintf("%d steps: bits stored, against fewer steps", n), c.Stored, last)
		last = c.Stored
		line.Add(float64(n), c.Per)
		r.step()
	}
	r.plot("steps", "what a weight keeps of random facts", "steps", "bits a weight", true, line)
	r.atLeast("bits a weight at the end", c.Per, 1.6)
	r.atMost("bits a weight at the end", c.Per, 2.3)
	q := r.table("The same weights, rounded after training: a scale for each row.", "bits", "bits stored", "of all", "recall")
	for _, x := range c.Quantised {
		q.row(x.Bits, x.Stored, x.Stored/c.Stored, x.Recall)
		switch x.Bits {
		case 8:
			r.atLeast("int8: bits kept, of all", x.Stored/c.Stored, .98)
		case 4:
			r.atMost("int4: recall, of that before", x.Recall/c.Recall, .7)
		}
	}
	names := r.table("What a set of N names out of 1.6e8 contains, bits a name: log2 C(1.6e8, N) / N.", "N", "bits a name")
	for _, g := range []struct {
		n    int
		want float64
	}{{1000, 18.72}, {10000, 15.41}, {100000, 12.09}} {
		bits := logBinomial(1.6e8, float64(g.n)) / float64(g.n)
		names.row(g.n, bits)
		r.near(fmt.Sprintf("%d names: bits a name", g.n), bits, g.want, .005)
	}
	lives := 2. * 12 * 28 * 200 * 200 * 300 * 100 * 263
	r.near("attributes of a biography in Allen-Zhu and Li's data, bits", math.Log2(lives), 47.59, .005)
	return nil
}

// logBinomial is log2 of n over k.
func logBinomial(n, k float64) float64 {
	lg := func(x float64) float64 { v, _ := math.Lgamma(x + 1); return v }
	return (lg(n) - lg(k) - lg(n-k)) / math.Ln2
}

var frequency = Experiment{
	Name:     "frequency",
	Question: "which facts does training keep?",
	Criterion: "offered more than it can store, a memory recalls in the order of frequency: rank correlation over deciles at least .9; offered at most 1.5 bits a weight it recalls all, whatever their frequency; " +
		"in a transformer trained on biographies, bits of an answer fall with how often it was read: rank correlation of groups of five people or more at most -.9",
	run: runFrequency,
}

func runFrequency(r *run) error {
	o := memory.DefaultCapacity()
	o.Seed, o.Zipf = r.Seed, true
	o.Facts, o.Steps, o.Dim = 1100, 2500, 20 // so wide that no two keys are the same
	control := 300
	if r.Quick {
		o.Facts, o.Hidden, control = 440, 16, 150
	}
	r.steps(3)
	t := r.table("Random facts seen in proportion to 1/rank, by tenths, most frequent first. Recall by chance is 1/16. Computed.",
		"offered, bits a weight", "tenth", "frequency, of the mean", "recall", "bits stored a fact")
	var lines []chart.Line
	for _, c := range []struct {
		name  string
		facts int
	}{{"overloaded", o.Facts}, {"control", control}} {
		o.Facts = c.facts
		m, err := memory.MeasureCapacity(o, nil)
		if err != nil {
			return err
		}
		load := m.Offered / float64(m.Parameters)
		line := chart.Line{Name: c.name}
		var often, recalled []float64
		for i, d := range m.Deciles {
			t.row(load, i+1, d.Frequency, d.Recall, d.Bits)
			line.Add(float64(i+1), d.Recall)
			often, recalled = append(often, d.Frequency), append(recalled, d.Recall)
		}
		if c.name == "overloaded" {
			r.atLeast("overloaded: rank correlation of frequency and recall", memory.Spearman(often, recalled), .9)
			r.atMost("overloaded: recall of all", m.Recall, .9)
		} else {
			r.atMost("control: bits offered a weight", load, 1.5)
			r.near("control: recall", m.Recall, 1, 0)
		}
		lines = append(lines, line)
		r.step()
	}
	r.plot("recall", "recall by frequency", "tenth of the facts", "recall", false, lines...)
	return biographies(r)
}

// biographies asks a transformer for the cities of the people that it read about.
func biographies(r *run) error {
	b, _, err := r.biographer()
	if err != nil {
		return err
	}
	var facts []memory.Recalled
	for _, p := range b.people {
		facts = append(facts, memory.Recalled{Prompt: p.name + " lives in", Answer: " " + cities[p.city] + ".", Count: p.times})
	}
	if err := b.Recall(facts, nil); err != nil {
		return err
	}
	t := r.table("Where people live, asked of a transformer that read their biographies. Bits of the answer: 5 by chance.", "read, times", "people", "recalled", "bits of the answer")
	var often, bits []float64
	line := chart.Line{Name: "recalled"}
	for _, g := range memory.GroupRecall(facts) {
		t.row(fmt.Sprintf("%d-%d", g.From, g.To), g.Facts, g.Recall, g.Bits)
		if g.Facts >= 5 {
			often, bits = append(often, float64(g.From)), append(bits, g.Bits)
		}
		line.Add(float64(g.From), g.Recall)
	}
	r.plot("biographies", "a transformer recalls what it read often", "times read", "recalled", true, line)
	r.atMost("biographies: rank correlation of times read and bits", memory.Spearman(often, bits), -.9)
	r.atLeast("biographies: groups of people", float64(len(often)), 4)
	r.step()
	return nil
}
