package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"kolm/internal/chart"
	"kolm/internal/codes"
)

// sweepReport is a ladder of models trained on one file.
type sweepReport struct {
	File    string       `json:"file"`
	Bytes   int          `json:"bytes"`
	SHA256  string       `json:"sha256"`
	Rungs   []rungReport `json:"sizes"`
	Best    int          `json:"best"` // index of the shortest
	Minimum bool         `json:"interior_minimum"`
	Decoded bool         `json:"decoded"`

	rungs []codes.Rung
}

type rungReport struct {
	Size      string   `json:"size"` // "no model" for contexts alone
	Weights   int      `json:"weights"`
	PerWeight float64  `json:"bits_per_weight"`
	Model     int      `json:"model_bits"`
	Data      int      `json:"data_bits"`
	Total     int      `json:"total_bits"`
	PerByte   float64  `json:"bits_per_byte"`
	Seconds   float64  `json:"seconds"`
	PaysFrom  *float64 `json:"pays_from_bytes"` // against all smaller sizes; null: not at any length
}

// sweep trains a ladder of models on every file.
func (c *weighCmd) sweep(a *app) error {
	texts, err := c.texts(a)
	if err != nil {
		return err
	}
	if err := c.onePicture(texts); err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	for _, t := range texts {
		data, err := t.read()
		if err != nil {
			a.report(label(t.name), err)
			continue
		}
		in := c.input(data)
		r := &sweepReport{File: label(t.name), Bytes: len(data), SHA256: fmt.Sprintf("%x", sha256.Sum256(data)), Decoded: true}
		end := a.startSteps(r.File)
		in.Progress = func(_ string, done float64) { a.bar.Load().step(int(1000*done), 1000) }
		err = codes.Sweep(ctx, in, c.Sizes, r.add)
		end()
		switch {
		case ctx.Err() != nil:
			return &problem{code: codeInterrupted, text: "interrupted"}
		case errors.Is(err, codes.ErrUnfit):
			err = failed("join files of a kind to one", "%v", err)
		}
		if err != nil {
			a.report(r.File, err)
			continue
		}
		if err := r.show(a, c.Output); err != nil {
			return err
		}
	}
	return nil
}

func (r *sweepReport) add(g codes.Rung) {
	row := rungReport{Size: "no model", Weights: g.Weights, PerWeight: g.Best.PerWeight, Model: 8 * g.Model, Data: 8 * g.Data,
		Total: 8 * g.Total(), PerByte: bitsPerByte(int64(g.Total()), int64(r.Bytes)), Seconds: g.Seconds}
	if g.Weights > 0 {
		row.Size = g.Size.String()
		if from := codes.BreakEven(r.rungs, g, r.Bytes); from > 0 {
			row.PaysFrom = &from
		}
	}
	r.Rungs, r.rungs = append(r.Rungs, row), append(r.rungs, g)
	if row.Total < r.Rungs[r.Best].Total {
		r.Best = len(r.Rungs) - 1
	}
	r.Minimum = r.Best > 0 && r.Best < len(r.Rungs)-1
}

func (r *sweepReport) show(a *app, folder string) error {
	if a.json {
		a.printJSON(r)
	} else if _, err := fmt.Fprint(a.stdout, r.table()); err != nil {
		return err
	}
	return a.draw(folder, r.chart())
}

// onePicture refuses pictures of several files: they would replace each other.
func (c *weighCmd) onePicture(texts []*text) error {
	if c.Output != "" && len(texts) != 1 {
		return usage("name one file", "-o is for the pictures of one file, these are %d", len(texts))
	}
	return nil
}

// draw writes pictures to a folder and says their names, if there is a folder.
func (a *app) draw(folder string, charts ...chart.Chart) error {
	if folder == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	for _, c := range charts {
		names, err := c.Write(folder)
		for _, n := range names {
			a.say("%s", n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *sweepReport) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d bytes, sha256 %.16s; every total is a file that was read back\n", r.File, r.Bytes, r.SHA256)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "size\tweights\tbits/weight\tmodel bits\tdata bits\ttotal bits\tbits/byte\tseconds\tpays from bytes\t\n")
	for _, g := range r.Rungs {
		from := "never"
		if g.PaysFrom != nil {
			from = fmt.Sprintf("%.3g", *g.PaysFrom)
		} else if g.Weights == 0 {
			from = "-"
		}
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%d\t%d\t%d\t%.4f\t%.1f\t%s\t\n", g.Size, g.Weights, g.PerWeight, g.Model, g.Data, g.Total, g.PerByte, g.Seconds, from)
	}
	w.Flush()
	best := r.Rungs[r.Best]
	switch {
	case r.Minimum:
		fmt.Fprintf(&b, "shortest: %s, smaller and larger ones make longer files: so much model this data can pay for\n", best.Size)
	case r.Best == 0:
		fmt.Fprintf(&b, "shortest: no model: this data pays for none of these\n")
	default:
		fmt.Fprintf(&b, "shortest: %s, the largest that was tried: a larger one may pay\n", best.Size)
	}
	fmt.Fprintf(&b, "pays from: the length of data like this at which a size makes a shorter file than all smaller ones, each at its best precision, if the bits a byte stay; computed\n")
	return b.String()
}

func (r *sweepReport) chart() chart.Chart {
	c := chart.Chart{Name: "size-sweep", Title: fmt.Sprintf("%s: what model and data cost together", r.File), X: "weights", Y: "bits", LogX: true}
	lines := []chart.Line{{Name: "total"}, {Name: "data"}, {Name: "model"}, {Name: "no model"}}
	none := float64(r.Rungs[0].Total)
	for _, g := range r.Rungs[1:] {
		for i, y := range []int{g.Total, g.Data, g.Model} {
			lines[i].Add(float64(g.Weights), float64(y))
		}
		lines[3].Add(float64(g.Weights), none)
	}
	c.Lines = lines
	if best := r.Rungs[r.Best]; r.Best > 0 {
		c.Marks = []chart.Mark{{Name: "shortest", X: float64(best.Weights), Y: float64(best.Total)}}
	}
	return c
}
