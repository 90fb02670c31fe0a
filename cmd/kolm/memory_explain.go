package main

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"kolm/internal/memory"
)

type memoryNeuronCmd struct {
	Neuron   string `arg:"" name:"l.n" help:"Layer and number of the neuron, such as 3.120, from 0."`
	Index    string `short:"i" placeholder:"FILE.db" help:"An index of the model, for what makes the neuron fire."`
	Votes    int    `default:"8" help:"Tokens that the value votes for, of each sign."`
	Contexts int    `default:"8" help:"Trigger contexts, of each sign."`
	JSON     bool   `help:"Print a JSON object."`
	memoryModel
}

func (c *memoryNeuronCmd) Run(a *app) error {
	a.json = c.JSON
	var n memory.Neuron
	if err := n.UnmarshalText([]byte(c.Neuron)); err != nil {
		return usage("", "%v", err)
	}
	if err := atLeast(0, flagNumber{"--votes", c.Votes}, flagNumber{"--contexts", c.Contexts}); err != nil {
		return err
	}
	m, err := c.open()
	if err != nil {
		return err
	}
	x, err := m.openIndex(c.Index)
	if err != nil {
		return err
	}
	if x != nil {
		defer x.Close()
	}
	p, err := m.Portrait(n, c.Votes, c.Contexts, x)
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(p)
		return nil
	}
	t := a.table()
	t.row("neuron", p.Neuron, fmt.Sprintf("value norm %.3f", p.Votes.Norm))
	t.row("votes +", votesLine(p.Votes.Plus))
	t.row("votes -", votesLine(p.Votes.Minus))
	if x == nil {
		a.say("no trigger contexts: give an index with --index")
		return t.Flush()
	}
	s := p.Stats
	t.row("active", fmt.Sprintf("%.2f%% of %d tokens", 100*s.Active, x.Number("tokens")))
	t.row("coefficient", fmt.Sprintf("%.3f to %.3f, mean absolute %.4f", s.Min, s.Max, s.Mean))
	t.row("agreement", p.Agree)
	if err := t.Flush(); err != nil {
		return err
	}
	histogramLines(a, s)
	t = a.table()
	for _, list := range [][]memory.Hit{p.Plus, p.Minus} {
		for _, h := range list {
			t.row("trigger", h.Rank, h.Activation, contextLine(h), h.Doc)
		}
	}
	return t.Flush()
}

// histogramLines draws the distribution of coefficients by powers of two.
func histogramLines(a *app, s *memory.Stats) {
	var top, total uint32
	for _, n := range s.Histogram {
		top, total = max(top, n), total+n
	}
	for b, n := range s.Histogram {
		if n == 0 {
			continue
		}
		from := fmt.Sprintf("%+.3g", memory.BinEdge(b))
		if b == len(s.Histogram)/2-1 || b == len(s.Histogram)/2 {
			from = from[:1] + "0"
		}
		bar := strings.Repeat("#", int((40*uint64(n)+uint64(top)-1)/uint64(top)))
		fmt.Fprintf(a.stdout, "histogram  %8s  %7.3f%%  %s\n", from, 100*float64(n)/float64(total), bar)
	}
}

// question are the flags of a prompt and its answer.
type question struct {
	Prompt string `arg:"" help:"The text that is to be continued."`
	Answer string `placeholder:"TEXT" help:"How it goes on, a space in front if there is one (default: the model's first choice). It may be several tokens."`
	Foil   string `placeholder:"TEXT" help:"What the answer is held against (default: the model's best other choice)."`
}

func (q *question) of() memory.Question {
	return memory.Question{Prompt: q.Prompt, Answer: q.Answer, Foil: q.Foil}
}

type memoryExplainCmd struct {
	question
	Index   string `short:"i" placeholder:"FILE.db" help:"An index of the model, for the contexts of keys."`
	Top     int    `short:"n" default:"10" help:"Memories and heads to show."`
	Votes   int    `default:"5" help:"Tokens to show for each."`
	Picture string `placeholder:"OUT" help:"Draw the flow: OUT.svg, or OUT.html with the tables."`
	Force   bool   `short:"f" help:"Overwrite the picture."`
	JSON    bool   `help:"Print a JSON object."`
	memoryModel
}

func (c *memoryExplainCmd) Run(a *app) error {
	a.json = c.JSON
	ext := strings.ToLower(filepath.Ext(c.Picture))
	if c.Picture != "" && ext != ".svg" && ext != ".html" {
		return usage("name it OUT.svg or OUT.html", "picture %q", c.Picture)
	}
	if err := atLeast(0, flagNumber{"--top", c.Top}, flagNumber{"--votes", c.Votes}); err != nil {
		return err
	}
	m, err := c.open()
	if err != nil {
		return err
	}
	x, err := m.openIndex(c.Index)
	if err != nil {
		return err
	}
	if x != nil {
		defer x.Close()
	}
	e, err := m.Explain(c.of(), c.Top, c.Votes, x)
	if err != nil {
		return err
	}
	if c.Picture != "" {
		b, err := flowPicture(e, c.Prompt, ext == ".html")
		if err == nil {
			err = a.writeFile(c.Picture, "--picture", b, c.Force)
		}
		if err != nil {
			return err
		}
	}
	if a.json {
		a.printJSON(e)
		return nil
	}
	return c.print(a, e)
}

func (c *memoryExplainCmd) print(a *app, e *memory.Explanation) error {
	at, t := e.Attribution, a.table()
	t.row("prompt", fmt.Sprintf("%q", c.Prompt))
	t.row("tokens", fmt.Sprintf("%q", e.Tokens))
	t.row("answer", fmt.Sprintf("%q  %.3f bits (computed)", e.Answer, e.Bits))
	t.row("question", fmt.Sprintf("%q against %q", at.Token, at.Foil))
	t.Flush()
	t = a.table()
	t.row("lens", "after", "bits to come", "probability", "rank", "top")
	for _, l := range e.Lens {
		t.row("lens", layerName(l.Layer), fmt.Sprintf("%.3f", l.Bits), l.Probability, l.Rank, votesLine(l.Top))
	}
	t.Flush()
	t = a.table()
	t.row("layer", "", "attention", "ffn", "neurons for 90%", "ffn votes for")
	for _, p := range at.Parts {
		if p.Layer < 0 {
			t.row("part", p.Kind, p.Value)
		}
	}
	for i, l := range at.Layers {
		t.row("layer", l.Layer, l.Attention, l.FFN, e.Active[i].Carry, votesLine([]memory.Vote{e.Active[i].Output}))
	}
	t.row("sum", "", fmt.Sprintf("%.6f", at.Sum), fmt.Sprintf("logit difference %.6f", at.Logits), fmt.Sprintf("residual %.1e", at.Residual))
	t.Flush()
	t = a.table()
	for _, p := range strongestHeads(at, c.Top) {
		t.row("head", fmt.Sprintf("%d.%d", p.Layer, p.Index), p.Value)
	}
	t.Flush()
	t = a.table()
	t.row("memory", "neuron", "contribution", "coefficient", "value votes for")
	for _, f := range e.Memories {
		t.row("memory", f.Neuron, f.Contribution, f.Coefficient, votesLine(f.Votes))
	}
	t.Flush()
	t = a.table()
	for _, f := range e.Memories {
		for _, h := range f.Contexts {
			t.row("context", f.Neuron, h.Activation, contextLine(h), h.Doc)
		}
	}
	return t.Flush()
}

// strongestHeads are the k heads that contribute most, of either sign; JSON has all.
func strongestHeads(at *memory.Attribution, k int) (list []memory.Part) {
	for _, p := range at.Parts {
		if p.Kind == "head" {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(x, y memory.Part) int { return cmp.Compare(math.Abs(y.Value), math.Abs(x.Value)) })
	return list[:min(k, len(list))]
}

// layerName is the layer of the lens for people: 0 is after the first layer.
func layerName(l int) string {
	if l < 0 {
		return "embedding"
	}
	return fmt.Sprint(l)
}
