package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"text/tabwriter"

	"kolm/internal/chart"
	"kolm/internal/lmfile"
	"kolm/internal/modelfile"
	"kolm/internal/quantize"
	"kolm/internal/score"
)

type modelQuantizeCmd struct {
	Model    string   `arg:"" help:"A GGUF file of any architecture that weigh reads, digits of an ID, built-in or built-in-small."`
	Texts    []string `arg:"" optional:"" name:"text" help:"Texts, files and folders, to measure on what coarser weights cost."`
	Type     string   `placeholder:"TYPES" help:"Types to make, parted by commas: Q4_0, Q5_0, Q8_0, BF16, F16, F32 (default: the first four)."`
	Bits     float64  `placeholder:"B" help:"Make a mixture of types with at most B bits a weight, spent where they are worth most on a sample of the texts."`
	Output   string   `short:"o" placeholder:"OUT.gguf" help:"Write the file; one type, or --bits, must be chosen."`
	Pictures string   `placeholder:"FOLDER" help:"Write the curve as SVG and PNG there."`
	Context  int      `short:"c" placeholder:"N" help:"Tokens that the model sees at once (default: what it was trained for, at most 2048)."`
	Seed     uint64   `default:"1" help:"Seed of the intervals."`
	Threads  int      `short:"T" placeholder:"N" help:"Processors to use (default: all). The figures do not depend on it."`
	Force    bool     `short:"f" help:"Overwrite the file."`
	talk
}

// mixSample is how many bytes of the texts tell which tensors matter.
const mixSample = 8 << 10

func (c *modelQuantizeCmd) Run(a *app) error {
	c.apply(a)
	types, err := c.types()
	if err != nil {
		return err
	}
	if err := c.isGGUF(); err != nil {
		return err
	}
	if err := apart(c.Output, modelPath(c.Model)); err != nil {
		return err
	}
	m, err := openScoring(c.Model, "")
	if err != nil {
		return err
	}
	defer m.Close()
	s := &quantize.Source{File: m.File, Threads: c.Threads, Progress: func(n int) { a.bar.Load().add(n) }}
	sample, size, err := c.texts(a, s, m)
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	points, err := c.points(ctx, a, s, types, sample, size)
	if ctx.Err() != nil {
		return &problem{code: codeInterrupted, text: "interrupted"}
	}
	if err != nil {
		return noModel("", "%s: %v", m.name, err)
	}
	r := newQuantizeReport(m, s, points, c.Seed)
	if a.json {
		a.printJSON(r)
	} else if _, err := fmt.Fprint(a.stdout, r.table(s)); err != nil {
		return err
	}
	if err := c.picture(a, r); err != nil {
		return err
	}
	if c.Output == "" {
		return nil
	}
	last := points[len(points)-1]
	if err := a.writeFile(c.Output, "-o", last.File, c.Force); err != nil {
		return err
	}
	a.say("%s: %s, %.2f bits a weight, %s", c.Output, last.Name, last.PerWeight, size64(last.Bytes))
	return nil
}

// isGGUF refuses models of other formats, before a tokenizer is looked for that
// some come without. What is no model is left to who opens it.
func (c *modelQuantizeCmd) isGGUF() error {
	e, err := chooseModel(c.Model)
	if err != nil || embedded[e.path] != nil {
		return err
	}
	f, err := lmfile.Open(e.path, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	if f.Format != lmfile.GGUF {
		return failed("make a GGUF file of it first", "%s is a %s model: types are chosen for GGUF files", c.Model, f.Format)
	}
	return nil
}

func size64(n int) string { return size(int64(n)) }

// types are those that were asked for.
func (c *modelQuantizeCmd) types() ([]modelfile.Type, error) {
	known := modelfile.Narrowed()
	var list []modelfile.Type
	for name := range strings.SplitSeq(c.Type, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		found := false
		for _, t := range known {
			if strings.EqualFold(t.String(), name) {
				list, found = append(list, t), true
			}
		}
		if !found {
			return nil, usage("", "weights are not written as %q; there are %v", name, known)
		}
	}
	chosen := len(list)
	if c.Bits > 0 {
		chosen++
	}
	switch {
	case !(c.Bits >= 0) || math.IsInf(c.Bits, 1) || c.Bits > 0 && len(c.Texts) == 0:
		return nil, usage("name a text like those that the model is for", "--bits must be a positive number, and needs a text to find out where bits are worth most")
	case c.Output != "" && chosen != 1:
		return nil, usage("give one --type, or --bits", "-o writes one file, these are %d", chosen)
	case chosen == 0 && len(c.Texts) == 0:
		return nil, usage("name texts to see the curve, or give --type and -o", "nothing to measure and nothing to write")
	case chosen == 0:
		list = known[:4]
	}
	return list, nil
}

// texts reads the texts and makes the rule. sample is a part from the middle of the
// largest; size is the bytes of all.
func (c *modelQuantizeCmd) texts(a *app, s *quantize.Source, m *scoringModel) (sample *score.Text, size int64, err error) {
	context := c.Context
	if context == 0 {
		context = min(m.Model.Config.Context, mostContext)
	}
	if s.Rule, err = score.Every(m.tok, context, (context+1)/2); err != nil {
		return nil, 0, usage("", "%v", err)
	}
	if len(c.Texts) == 0 {
		return nil, 0, nil
	}
	list, err := (&weighCmd{Files: c.Texts}).texts(a)
	if err != nil {
		return nil, 0, err
	}
	var largest []byte
	for _, t := range list {
		if err := apart(c.Output, t.name); err != nil {
			return nil, 0, err
		}
		data, err := t.read()
		if err != nil {
			return nil, 0, err
		}
		a.warnEncoding(t.name, data)
		encoded, err := score.Encode(m.tok, data)
		if err != nil {
			return nil, 0, explainText(fmt.Errorf("%s: %w", label(t.name), err))
		}
		s.Texts = append(s.Texts, encoded)
		size += int64(len(data))
		if len(data) > len(largest) {
			largest = data
		}
	}
	if size == 0 {
		return nil, 0, failed("name a text of at least a few kilobytes", "no bytes to measure on in %s", strings.Join(c.Texts, ", "))
	}
	from := max(0, len(largest)-mixSample) / 2
	sample, err = score.Encode(m.tok, largest[from:][:min(mixSample, len(largest))])
	return sample, size, err
}

// points makes the files, the coarsest first; a mixture is the last.
func (c *modelQuantizeCmd) points(ctx context.Context, a *app, s *quantize.Source, types []modelfile.Type, sample *score.Text, size int64) ([]*quantize.Point, error) {
	as := map[string]quantize.As{}
	var names []string
	for _, t := range types {
		names = append(names, t.String())
		as[t.String()] = quantize.All(t)
	}
	if c.Bits > 0 {
		stop := a.startSteps("sample")
		s.Step = func(_ string, n, of int) { a.bar.Load().step(n, of) }
		mix, err := s.Mix(ctx, sample, c.Bits)
		stop()
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("mix %g", c.Bits)
		names, as[name] = append(names, name), mix
	}
	defer a.startProgress(c.Model, size, int64(len(names)+1))()
	first, err := s.Original()
	if err != nil {
		return nil, err
	}
	points := []*quantize.Point{first}
	for _, name := range names {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p, err := s.Make(name, as[name])
		if err != nil {
			return nil, err
		}
		if c.Output == "" {
			p.File = nil // nobody asks for it: large ones would add up
		}
		points = append(points, p)
	}
	return points, nil
}

// quantizeReport is the curve of a model.
type quantizeReport struct {
	Model  *scoringReport `json:"model"`
	Bytes  int64          `json:"text_bytes"`
	Points []pointReport  `json:"files"`
}

type pointReport struct {
	Type      string      `json:"type"`
	PerWeight float64     `json:"bits_per_weight"`
	File      int         `json:"file_bytes"`
	Model     float64     `json:"model_bits"`
	Data      *float64    `json:"data_bits"` // of the texts, computed; null without texts
	PerByte   *float64    `json:"bits_per_byte"`
	More      *float64    `json:"difference"` // a byte, from the model as it is
	Interval  *[2]float64 `json:"difference_interval"`
	KL        *float64    `json:"kl_bits_per_token"`
	Agreement *float64    `json:"same_first_guess"`
	From      *float64    `json:"shortest_from_bytes"` // of data like the texts; null: at no length
}

func newQuantizeReport(m *scoringModel, s *quantize.Source, points []*quantize.Point, seed uint64) *quantizeReport {
	r := &quantizeReport{Model: m.report()}
	for _, t := range s.Texts {
		r.Bytes += int64(t.Bytes)
	}
	ranges := quantize.Ranges(points)
	for i, p := range points {
		q := pointReport{Type: p.Name, PerWeight: p.PerWeight, File: p.Bytes, Model: p.Model()}
		if r.Bytes > 0 {
			sum := &p.Sum
			q.Data, q.PerByte, q.More = new(p.Data()), new(sum.OtherBitsPerByte()), new(sum.Difference())
			q.KL, q.Agreement = new(sum.Divergence()), new(sum.Agreement())
			q.Interval = ends(score.Bootstrap(p.Texts, seed, (*score.Block).Difference)[0])
			if ranges[i] != (quantize.Range{}) {
				q.From = &ranges[i].From
			}
		}
		r.Points = append(r.Points, q)
	}
	return r
}

func (r *quantizeReport) table(s *quantize.Source) string {
	var b strings.Builder
	fmt.Fprintf(&b, "model: %s\n", r.Model.line())
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	if r.Bytes == 0 {
		fmt.Fprintf(w, "weights\tbits/weight\tmodel bits\t\n")
		for _, p := range r.Points {
			fmt.Fprintf(w, "%s\t%.2f\t%.0f\t\n", p.Type, p.PerWeight, p.Model)
		}
		w.Flush()
		return b.String()
	}
	fmt.Fprintf(&b, "data: %d bytes of %d texts; windows of %d tokens that advance by %d\n", r.Bytes, len(s.Texts), s.Rule.Context, s.Rule.Stride)
	fmt.Fprintf(w, "weights\tbits/weight\tmodel bits\tdata bits\tbits/byte\tmore\t95 %%\tKL bits/token\tsame first guess\tshortest from bytes\t\n")
	for _, p := range r.Points {
		from := "never"
		if p.From != nil {
			from = fmt.Sprintf("%.3g", *p.From)
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.0f\t%.0f\t%.4f\t%+.4f\t%s\t%.5f\t%.2f%%\t%s\t\n", p.Type, p.PerWeight, p.Model, *p.Data, *p.PerByte,
			*p.More, between("%+.4f", p.Interval), *p.KL, 100**p.Agreement, from)
	}
	w.Flush()
	b.WriteString("model bits are those of files; data bits are computed. shortest from: the length of data like this from which on the two together are shortest\n")
	return b.String()
}

// picture draws what the data costs with so many bits a weight.
func (c *modelQuantizeCmd) picture(a *app, r *quantizeReport) error {
	if c.Pictures == "" {
		return nil
	}
	if r.Bytes == 0 {
		return usage("name a text", "there is no curve without a text")
	}
	line := chart.Line{Name: "bits a byte of the data"}
	draw := chart.Chart{Name: "quantize", Title: c.Model + ": what fewer bits a weight cost", X: "bits a weight", Y: "bits a byte"}
	for _, p := range r.Points[1:] {
		line.Add(p.PerWeight, *p.PerByte)
		draw.Marks = append(draw.Marks, chart.Mark{Name: p.Type, X: p.PerWeight, Y: *p.PerByte})
	}
	first := r.Points[0]
	asIs := chart.Line{Name: "the model as it is"}
	low, high := math.Inf(1), 0.0
	for _, p := range r.Points {
		low, high = min(low, p.PerWeight), max(high, p.PerWeight)
	}
	asIs.Add(low, *first.PerByte)
	asIs.Add(high, *first.PerByte)
	draw.Lines = []chart.Line{line, asIs}
	return a.draw(c.Pictures, draw)
}
