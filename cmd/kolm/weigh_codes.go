package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"kolm/internal/chart"
	"kolm/internal/codes"
	"kolm/internal/ledger"
	"kolm/internal/twopart"
)

// codeReport is one row of the ledger of a file.
type codeReport struct {
	Code     string        `json:"code"`
	Model    float64       `json:"model_bits"`
	Data     float64       `json:"data_bits"`
	Total    float64       `json:"total_bits"`
	PerByte  *float64      `json:"bits_per_byte"` // null for an empty file
	Seconds  float64       `json:"seconds"`
	Decoded  bool          `json:"decoded"`
	Computed bool          `json:"computed"`
	Net      bool          `json:"net,omitempty"` // decoded from bytes that hold other things too, which are not counted
	Entries  []entryReport `json:"entries"`
	Notes    []string      `json:"notes,omitempty"`
}

type entryReport struct {
	What  string  `json:"what"`
	Model bool    `json:"of_model"`
	Bits  float64 `json:"bits"`
}

type codesReport struct {
	File   string       `json:"file"`
	Bytes  int64        `json:"bytes"`
	SHA256 string       `json:"sha256"`
	Codes  []codeReport `json:"codes"`
	Unfit  []string     `json:"not_for_this_data,omitempty"`
}

func newCodeReport(l *ledger.Ledger, bytes int) codeReport {
	r := codeReport{
		Code: l.Code, Model: l.Sum(ledger.Model).Float(), Data: l.Sum(ledger.Data).Float(), Total: l.Total().Float(),
		Seconds: l.Seconds, Decoded: l.Decoded, Computed: !l.Decoded, Net: l.Net, Entries: []entryReport{}, Notes: l.Notes,
	}
	if bytes > 0 {
		r.PerByte = new(r.Total / float64(bytes))
	}
	for _, e := range l.Entries {
		r.Entries = append(r.Entries, entryReport{e.What, e.Side == ledger.Model, e.Bits.Float()})
	}
	return r
}

// ledgers weighs every file by every code that was asked for.
func (c *weighCmd) ledgers(a *app) error {
	chosen, err := codes.Choose(c.Codes)
	if err != nil {
		return usage("", "%v", err)
	}
	texts, err := c.texts(a)
	if err != nil {
		return err
	}
	if c.Archive != "" && len(texts) != 1 {
		return usage("name one file", "--archive is for one file, these are %d", len(texts))
	}
	if err := c.apart(texts); err != nil {
		return err
	}
	if err := c.onePicture(texts); err != nil {
		return err
	}
	e, err := chooseModel(c.Model)
	if err != nil {
		return err
	}
	model, err := openEntry(e)
	if err != nil {
		return err
	}
	file, err := e.read()
	if err != nil {
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
		in.Model, in.ModelFile = model, file
		r, err := account(ctx, a, label(t.name), in, chosen)
		if ctx.Err() != nil {
			return &problem{code: codeInterrupted, text: "interrupted"}
		}
		if err != nil {
			a.report(label(t.name), err)
			continue
		}
		if a.json {
			a.printJSON(r)
		} else if _, err := fmt.Fprint(a.stdout, r.table(a.verbose)); err != nil {
			return err
		}
		if err := a.draw(c.Output, r.charts(in.Precisions)...); err != nil {
			return err
		}
		if c.Archive == "" {
			continue
		}
		if in.Archive == nil {
			return failed("name two-part among the --codes, and give it data enough", "no two-part file was made for %s", c.Archive)
		}
		if err := a.writeFile(c.Archive, "--archive", in.Archive, c.Force); err != nil {
			return err
		}
	}
	return nil
}

// input is data for the codes with the flags that they mind.
func (c *weighCmd) input(data []byte) *codes.Input {
	in := &codes.Input{Data: data, Budget: time.Duration(c.Minutes * float64(time.Minute)), Seed: c.Seed, Threads: c.Threads}
	if in.Threads <= 0 {
		in.Threads = runtime.GOMAXPROCS(0)
	}
	return in
}

// account weighs one file. A code that does not fit is left out.
func account(ctx context.Context, a *app, name string, in *codes.Input, chosen []codes.Code) (*codesReport, error) {
	r := &codesReport{File: name, Bytes: int64(len(in.Data)), SHA256: fmt.Sprintf("%x", sha256.Sum256(in.Data)), Codes: []codeReport{}}
	defer a.startSteps(name)()
	var read []*ledger.Ledger // those that were read back, models counted
	for i, code := range chosen {
		in.Progress = func(_ string, done float64) {
			a.bar.Load().step(int(1000*(float64(i)+done)), 1000*len(chosen))
		}
		list, err := code.Run(ctx, in)
		switch {
		case errors.Is(err, codes.ErrUnfit):
			r.Unfit = append(r.Unfit, err.Error())
		case err != nil:
			return nil, err
		}
		for _, l := range list {
			if l.Decoded && !l.Net && !strings.Contains(l.Code, "not counted") {
				read = append(read, l)
			}
			r.Codes = append(r.Codes, newCodeReport(l, len(in.Data)))
		}
	}
	if len(read) > 1 {
		r.Codes = append(r.Codes, newCodeReport(codes.Static(read), len(in.Data)))
	}
	return r, nil
}

func (r *codesReport) table(verbose bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d bytes, sha256 %.16s\n", r.File, r.Bytes, r.SHA256)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "code\tmodel bits\tdata bits\ttotal bits\tbits/byte\tseconds\tread back\t\n")
	least := -1
	for i, c := range r.Codes {
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\t%s\t%.1f\t%s\t\n", c.Code, c.Model, c.Data, c.Total, figure("%.4f", c.PerByte), c.Seconds, c.kind())
		if c.Decoded && !c.Net && (least < 0 || c.Total < r.Codes[least].Total) && !strings.Contains(c.Code, "not counted") {
			least = i
		}
	}
	w.Flush()
	if least >= 0 && len(r.Codes) > 1 {
		fmt.Fprintf(&b, "shortest that was read back, models counted: %s\n", r.Codes[least].Code)
	}
	for _, c := range r.Codes {
		if verbose && len(c.Entries) > 1 {
			fmt.Fprintf(&b, "%s:\n", c.Code)
			w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
			for _, e := range c.Entries {
				fmt.Fprintf(w, "\t%s\t%.1f\t\n", e.What, e.Bits)
			}
			fmt.Fprintf(w, "\ttotal\t%.1f\t\n", c.Total)
			w.Flush()
		}
		for _, n := range c.Notes {
			fmt.Fprintf(&b, "%s: %s\n", c.Code, n)
		}
	}
	for _, u := range r.Unfit {
		fmt.Fprintf(&b, "left out: %s\n", u)
	}
	return b.String()
}

// charts draws the codes and, if there is a two-part one, what its precision
// decides. A model that costs more than the bytes as they are is left out: it
// would make all other bars too short to see.
func (r *codesReport) charts(precisions []twopart.Point) []chart.Chart {
	c := chart.Chart{Name: "codes", Title: r.File + ": what codes cost", X: "bits", Parts: []string{"model", "data"}}
	for _, code := range r.Codes {
		if code.Model <= 8*float64(r.Bytes) {
			c.Bars = append(c.Bars, chart.Bar{Name: code.Code, Parts: []float64{code.Model, code.Data}})
		}
	}
	list := []chart.Chart{c}
	if len(precisions) == 0 {
		return list
	}
	precisions = slices.Clone(precisions)
	slices.SortFunc(precisions, func(a, b twopart.Point) int { return cmp.Compare(a.PerWeight, b.PerWeight) })
	p := chart.Chart{Name: "precision", Title: r.File + ": what the precision of the weights decides", X: "bits a weight", Y: "bits"}
	p.Lines = []chart.Line{{Name: "model and data"}, {Name: "data"}, {Name: "model"}}
	for _, at := range precisions {
		for i, bytes := range []int{at.Total(), at.Data, at.Model} {
			p.Lines[i].Add(at.PerWeight, 8*float64(bytes))
		}
	}
	return append(list, p)
}

func (c *codeReport) kind() string {
	switch {
	case c.Net:
		return "decoded, net"
	case c.Decoded:
		return "decoded"
	}
	return "computed"
}
