package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"kolm/internal/corpus"
	"kolm/internal/memory"
)

type memoryCapacityCmd struct {
	Facts  string   `arg:"" optional:"" type:"existingfile" help:"Facts to ask the model for, one a line: prompt TAB answer, then TAB subject TAB kind if you like. Without, a small memory is trained on random facts, and measured."`
	Text   []string `placeholder:"TEXT" help:"Training text to count the facts in: archives, files, folders."`
	Number int      `default:"560" help:"Random facts."`
	Dim    int      `default:"16" help:"Width of their keys."`
	Hidden int      `default:"32" help:"Neurons of the memory."`
	Labels int      `default:"16" help:"Labels to choose from."`
	Steps  int      `default:"3000" help:"Training steps."`
	Zipf   bool     `help:"The fact of rank r is seen in proportion to 1/r."`
	Seed   uint64   `default:"1" help:"Seed of the facts."`
	JSON   bool     `help:"Print a JSON object."`
	memoryModel
}

func (c *memoryCapacityCmd) Run(a *app) error {
	a.json = c.JSON
	o, err := c.options()
	if err != nil {
		return err
	}
	if c.Facts != "" {
		return c.recall(a)
	}
	stop := a.startCount("training", o.Steps)
	r, err := memory.MeasureCapacity(o, func() { a.bar.Load().add(1) })
	stop()
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(r)
		return nil
	}
	t := a.table()
	t.row("facts", r.Facts, fmt.Sprintf("%.1f bits offered, %.3f a weight", r.Offered, r.Offered/float64(r.Parameters)))
	t.row("stored", fmt.Sprintf("%.1f bits", r.Stored), fmt.Sprintf("%.3f bits a weight (computed), %d weights, %d steps", r.Per, r.Parameters, r.Steps))
	t.row("recall", r.Recall, fmt.Sprintf("chance %.4f, exposure %.2f of %.2f", r.Chance, r.Exposure, math.Log2(float64(o.Labels))))
	t.Flush()
	t = a.table()
	t.row("decile", "frequency", "recall", "bits a fact")
	for i, d := range r.Deciles {
		t.row("decile", i+1, d.Frequency, d.Recall, d.Bits)
	}
	t.Flush()
	t = a.table()
	for _, q := range r.Quantised {
		t.row("rounded", fmt.Sprint("int", q.Bits), fmt.Sprintf("%.1f bits", q.Stored), fmt.Sprintf("%.1f%%", 100*q.Stored/r.Stored), fmt.Sprintf("recall %.4f", q.Recall))
	}
	return t.Flush()
}

// options are those of random facts. Flags that have no effect are refused: a table
// has its own facts, and is asked of a model.
func (c *memoryCapacityCmd) options() (memory.CapacityOptions, error) {
	o := memory.DefaultCapacity()
	if c.Facts != "" {
		return o, unused("with a table of facts",
			flagGiven{"--number", c.Number != o.Facts}, flagGiven{"--dim", c.Dim != o.Dim}, flagGiven{"--hidden", c.Hidden != o.Hidden},
			flagGiven{"--labels", c.Labels != o.Labels}, flagGiven{"--steps", c.Steps != o.Steps}, flagGiven{"--zipf", c.Zipf}, flagGiven{"--seed", c.Seed != o.Seed})
	}
	o.Facts, o.Dim, o.Hidden, o.Labels, o.Steps, o.Zipf, o.Seed = c.Number, c.Dim, c.Hidden, c.Labels, c.Steps, c.Zipf, c.Seed
	if err := o.Check(); err != nil {
		return o, usage("", "%v", err)
	}
	return o, unused("without a table of facts",
		flagGiven{"-m", c.Model != builtinName}, flagGiven{"--tokenizer", c.Tokenizer != ""}, flagGiven{"--text", len(c.Text) > 0})
}

// recallReport is what a model keeps of a table of facts.
type recallReport struct {
	Facts    []factReport  `json:"facts"`
	Groups   []groupReport `json:"groups"`
	Kinds    []kindReport  `json:"kinds,omitempty"`
	Recall   float64       `json:"recall"`
	Bytes    int64         `json:"text_bytes"` // that were looked through
	Spearman *float64      `json:"rank_correlation_of_occurrences_and_bits"`
	Exposed  *float64      `json:"rank_correlation_of_occurrences_and_exposure"`
	Gained   *float64      `json:"rank_correlation_of_occurrences_and_gain"`
}

// factReport is a fact. Null is what was not looked for: occurrences without a text,
// sentences without a subject too, choices without kinds, gain without another answer.
type factReport struct {
	*memory.Recalled
	Count    *int     `json:"occurrences"`
	Together *int     `json:"sentences"`
	Choice   *int     `json:"choice"`
	Choices  *int     `json:"choices"`
	Gain     *float64 `json:"gain"`
}

// groupReport is a group of facts, kindReport a kind; null is what factReport lacks.
type groupReport struct {
	memory.RecallGroup
	Exposure *float64 `json:"exposure"`
	Gain     *float64 `json:"gain"`
}

type kindReport struct {
	memory.RecallKind
	Gain *float64 `json:"gain"`
}

// recall asks the model for the facts of the table.
func (c *memoryCapacityCmd) recall(a *app) error {
	m, err := c.open()
	if err != nil {
		return err
	}
	facts, err := readFacts(c.Facts)
	if err != nil {
		return err
	}
	read, err := c.count(a, facts)
	if err != nil {
		return err
	}
	kinds := !slices.ContainsFunc(facts, func(f memory.Recalled) bool { return f.Kind == "" })
	passes := 1
	if kinds {
		passes = 2
	}
	stop := a.startCount("asking", passes*len(facts))
	done := func() { a.bar.Load().add(1) }
	if err = m.Recall(facts, done); err == nil && kinds {
		err = m.Choose(facts, done)
	}
	stop()
	if err != nil {
		return fmt.Errorf("%s: %w", c.Facts, err)
	}
	r := newRecallReport(facts, len(c.Text) > 0, kinds)
	r.Bytes = read
	if a.json {
		a.printJSON(r)
		return nil
	}
	return r.print(a)
}

// newRecallReport sums up facts, which were counted in a text or not, and were chosen
// among those of their kinds or not.
func newRecallReport(facts []memory.Recalled, counted, kinds bool) *recallReport {
	r := &recallReport{}
	var seen, saved, exposure, gain []float64
	for i := range facts {
		f := &facts[i]
		x := factReport{Recalled: f}
		seen, saved = append(seen, float64(f.Seen())), append(saved, -f.Bits)
		if counted {
			x.Count = &f.Count
		}
		if counted && f.Subject != "" {
			x.Together = &f.Together
		}
		if kinds {
			x.Choice, x.Choices = &f.Choice, &f.Choices
			exposure, gain = append(exposure, memory.Exposure(f.Choice, f.Choices)), append(gain, f.Gain)
		}
		if f.Choices > 1 {
			x.Gain = &f.Gain
		}
		if f.Recall {
			r.Recall += 1 / float64(len(facts))
		}
		r.Facts = append(r.Facts, x)
	}
	if kinds {
		for _, k := range memory.KindRecall(facts) {
			x := kindReport{RecallKind: k}
			if k.Most > 0 {
				x.Gain = &k.Gain
			}
			r.Kinds = append(r.Kinds, x)
		}
	}
	if !counted {
		return r
	}
	for _, g := range memory.GroupRecall(facts) {
		x := groupReport{RecallGroup: g}
		if kinds {
			x.Exposure, x.Gain = &g.Exposure, &g.Gain
		}
		r.Groups = append(r.Groups, x)
	}
	for _, x := range []struct {
		of []float64
		to **float64
	}{{saved, &r.Spearman}, {exposure, &r.Exposed}, {gain, &r.Gained}} {
		if s := memory.Spearman(seen, x.of); !math.IsNaN(s) {
			*x.to = &s
		}
	}
	return r
}

// count counts the facts in the text, and returns its bytes.
func (c *memoryCapacityCmd) count(a *app, facts []memory.Recalled) (n int64, err error) {
	if len(c.Text) == 0 {
		return 0, nil
	}
	defer a.startProgress("counting", 0, 1)()
	counter := memory.NewFactCounter(facts)
	for doc, err := range corpus.Open(c.Text...) {
		if err != nil {
			return 0, err
		}
		counter.Add(doc.Text)
		n += int64(len(doc.Text))
		a.bar.Load().add(len(doc.Text))
	}
	return n, nil
}

// readFacts reads a table; lines that begin with # are not of it.
func readFacts(name string) ([]memory.Recalled, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var list []memory.Recalled
	for i, line := range strings.Split(strings.TrimRight(string(raw), "\r\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := append(strings.Split(strings.TrimRight(line, "\r"), "\t"), "", "", "")
		if cells[0] == "" || cells[1] == "" || len(cells) > 7 {
			return nil, failed("the answer's own space, if there is one, comes after the tab", "%s: line %d is not prompt TAB answer, with or without TAB subject TAB kind", name, i+1)
		}
		list = append(list, memory.Recalled{Prompt: cells[0], Answer: cells[1], Subject: cells[2], Kind: cells[3]})
	}
	if len(list) == 0 {
		return nil, failed("", "%s: has no facts", name)
	}
	return list, nil
}

func (r *recallReport) print(a *app) error {
	t := a.table()
	t.row("fact", "seen", "bits", "gain", "rank", "recalled", "choice", "prompt", "answer", "said")
	for _, f := range r.Facts {
		seen, choice := "", ""
		if f.Count != nil {
			seen = fmt.Sprint(f.Seen())
		}
		if f.Choice != nil {
			choice = fmt.Sprintf("%d/%d", *f.Choice, *f.Choices)
		}
		t.row("fact", seen, f.Bits, figure("%+.2f", f.Gain), f.Rank, f.Recall, choice, fmt.Sprintf("%q", f.Prompt), fmt.Sprintf("%q", f.Answer), fmt.Sprintf("%q", f.Said))
	}
	t.Flush()
	t = a.table()
	if len(r.Kinds) > 0 {
		t.row("kind", "", "facts", "recall", "bits a fact (computed)", "first of kind", "exposure", "of", "gain")
	}
	for _, k := range r.Kinds {
		t.row("kind", k.Kind, k.Facts, k.Recall, fmt.Sprintf("%.3f", k.Bits), k.First, fmt.Sprintf("%.2f", k.Exposure), fmt.Sprintf("%.2f", k.Most), figure("%+.2f", k.Gain))
	}
	t.Flush()
	t = a.table()
	t.row("seen", "times", "facts", "recall", "bits a fact (computed)", "exposure", "gain")
	for _, g := range r.Groups {
		times := fmt.Sprintf("%d-%d", g.From, g.To)
		if g.From == g.To {
			times = fmt.Sprint(g.From)
		}
		t.row("seen", times, g.Facts, g.Recall, fmt.Sprintf("%.3f", g.Bits), figure("%.2f", g.Exposure), figure("%+.2f", g.Gain))
	}
	bits := 0.0
	for _, f := range r.Facts {
		bits += f.Bits / float64(len(r.Facts))
	}
	t.row("seen", "all", len(r.Facts), r.Recall, fmt.Sprintf("%.3f", bits), "")
	t.Flush()
	for _, x := range []struct {
		name string
		of   *float64
	}{{"bits saved", r.Spearman}, {"exposure", r.Exposed}, {"gain", r.Gained}} {
		if x.of != nil {
			fmt.Fprintf(a.stdout, "rank correlation of times seen in %s with %s: %.3f\n", size(r.Bytes), x.name, *x.of)
		}
	}
	return nil
}
