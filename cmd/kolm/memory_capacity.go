package main

import (
	"fmt"
	"math"
	"os"
	"strings"

	"kolm/internal/corpus"
	"kolm/internal/memory"
)

type memoryCapacityCmd struct {
	Facts  string   `arg:"" optional:"" type:"existingfile" help:"Facts to ask the model for, one a line: prompt TAB answer. Without, a small memory is trained on random facts, and measured."`
	Text   []string `type:"path" placeholder:"TEXT" help:"Training text to count the facts in: archives, files, folders."`
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
	if c.Facts != "" {
		return c.recall(a)
	}
	o := memory.DefaultCapacity()
	o.Facts, o.Dim, o.Hidden, o.Labels, o.Steps, o.Zipf, o.Seed = c.Number, c.Dim, c.Hidden, c.Labels, c.Steps, c.Zipf, c.Seed
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

// recallReport is what a model keeps of a table of facts.
type recallReport struct {
	Facts    []memory.Recalled    `json:"facts"`
	Groups   []memory.RecallGroup `json:"groups"`
	Recall   float64              `json:"recall"`
	Spearman *float64             `json:"rank_correlation_of_occurrences_and_bits,omitempty"`
}

// recall asks the model for the facts of the table.
func (c *memoryCapacityCmd) recall(a *app) error {
	m, err := c.open()
	if err != nil {
		return err
	}
	r := &recallReport{}
	if r.Facts, err = readFacts(c.Facts); err != nil {
		return err
	}
	if len(c.Text) > 0 {
		for doc, err := range corpus.Open(c.Text...) {
			if err != nil {
				return err
			}
			memory.CountFacts(r.Facts, doc.Text)
		}
	}
	stop := a.startCount("asking", len(r.Facts))
	err = m.Recall(r.Facts, func() { a.bar.Load().add(1) })
	stop()
	if err != nil {
		return fmt.Errorf("%s: %w", c.Facts, err)
	}
	var counts, saved []float64
	for _, f := range r.Facts {
		counts, saved = append(counts, float64(f.Count)), append(saved, -f.Bits)
		if f.Recall {
			r.Recall += 1 / float64(len(r.Facts))
		}
	}
	if len(c.Text) > 0 {
		r.Groups = memory.GroupRecall(r.Facts)
		if s := memory.Spearman(counts, saved); !math.IsNaN(s) {
			r.Spearman = &s
		}
	}
	if a.json {
		a.printJSON(r)
		return nil
	}
	return r.print(a)
}

func readFacts(name string) ([]memory.Recalled, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var list []memory.Recalled
	for i, line := range strings.Split(strings.TrimRight(string(raw), "\r\n"), "\n") {
		prompt, answer, ok := strings.Cut(strings.TrimRight(line, "\r"), "\t")
		if !ok || answer == "" || prompt == "" {
			return nil, failed("the answer's own space, if there is one, comes after the tab", "%s: line %d is not prompt TAB answer", name, i+1)
		}
		list = append(list, memory.Recalled{Prompt: prompt, Answer: answer})
	}
	return list, nil
}

func (r *recallReport) print(a *app) error {
	t := a.table()
	t.row("fact", "occurrences", "bits", "rank", "recalled", "prompt", "answer", "said")
	for _, f := range r.Facts {
		t.row("fact", f.Count, f.Bits, f.Rank, f.Recall, fmt.Sprintf("%q", f.Prompt), fmt.Sprintf("%q", f.Answer), fmt.Sprintf("%q", f.Said))
	}
	t.Flush()
	t = a.table()
	for _, g := range r.Groups {
		t.row("occurrences", fmt.Sprintf("%d-%d", g.From, g.To), fmt.Sprintf("%d facts", g.Facts), fmt.Sprintf("recall %.4f", g.Recall), fmt.Sprintf("%.3f bits a fact (computed)", g.Bits))
	}
	t.row("all", "", fmt.Sprintf("%d facts", len(r.Facts)), fmt.Sprintf("recall %.4f", r.Recall), "")
	t.Flush()
	if r.Spearman != nil {
		fmt.Fprintf(a.stdout, "rank correlation of occurrences and bits saved: %.3f\n", *r.Spearman)
	}
	return nil
}
