package main

import (
	"fmt"
	"math"
	"os"
	"strings"

	"kolm/internal/memory"
)

type memoryEditCmd struct {
	Prompt     string   `arg:"" optional:"" help:"A prompt with the subject in it."`
	Subject    string   `short:"s" placeholder:"TEXT" help:"The subject, whose memory is edited."`
	Target     string   `short:"t" placeholder:"TEXT" help:"How the prompt shall go on, a space in front if there is one."`
	Facts      string   `type:"existingfile" placeholder:"FILE" help:"Facts instead, one a line: prompt TAB subject TAB target. All at once by MEMIT."`
	Text       string   `type:"existingfile" placeholder:"FILE" help:"Ordinary text: the larger part says what the edit must leave alone, the rest what it costs in bits."`
	Output     string   `short:"o" required:"" placeholder:"OUT.gguf" help:"The edited model, a new file."`
	Layer      []int    `short:"l" placeholder:"L,..." help:"Layers to write to: one is ROME, several MEMIT (default: the one where a changed value helps the fact most)."`
	Paraphrase []string `sep:"none" placeholder:"PROMPT" help:"Other prompts for the fact, to see whether they follow."`
	Neighbour  []string `sep:"none" placeholder:"PROMPT" help:"Prompts that should go on as before."`
	Steps      int      `default:"30" help:"Steps of the search for the value."`
	Lambda     float64  `default:"1" help:"MEMIT: weight of the keys of ordinary text."`
	Undo       string   `type:"existingfile" placeholder:"EDITED.gguf" help:"Take the last edit of this file back, instead: the model before it, bit for bit."`
	Force      bool     `short:"f" help:"Overwrite the output."`
	JSON       bool     `help:"Print a JSON object."`
	memoryModel
}

// editReport says what an edit did. Before and after are measured on the model and
// on the file that was written.
type editReport struct {
	Output  string          `json:"output"`
	Parent  string          `json:"parent_sha256"`
	SHA256  string          `json:"sha256"`
	ID      string          `json:"id,omitempty"` // of kolm's own models
	Method  string          `json:"method"`
	Changes []memory.Change `json:"changes"`
	Search  []memory.Search `json:"search"`
	Answers []editAnswer    `json:"answers"`
	Text    editCost        `json:"ordinary_text"`
}

type editAnswer struct {
	Kind   string     `json:"kind"` // prompt, paraphrase, neighbour
	Prompt string     `json:"prompt"`
	Target string     `json:"target"`
	Prob   [2]float64 `json:"probability"` // of the target, before and after
	Top    [2]string  `json:"top"`         // first token, before and after
	Edited bool       `json:"edited"`      // of a prompt: the target is now the first choice
}

type editCost struct {
	Tokens int        `json:"tokens"`
	Bits   [2]float64 `json:"bits"` // before and after
}

func (c *memoryEditCmd) Run(a *app) error {
	a.json = c.JSON
	if c.Undo != "" {
		return c.undo(a)
	}
	facts, err := c.facts()
	if err != nil {
		return err
	}
	if err := apart(c.Output, modelPath(c.Model), c.Facts, c.Text); err != nil {
		return err
	}
	m, err := c.open()
	if err != nil {
		return err
	}
	if m.file.Keys == nil {
		return failed(`a GGUF file of the model can be edited`, "%s: is no GGUF file", c.Model)
	}
	keys, rest, err := c.ordinary(m)
	if err != nil {
		return err
	}
	o := memory.DefaultEdit()
	o.Layers, o.Steps, o.Lambda, o.Ordinary = c.Layer, c.Steps, c.Lambda, keys
	o.Prefixes = prefixes(m.Model, keys)
	if len(o.Layers) == 0 {
		stop := a.startCount("looking for a layer", m.LM.Config.Layers*c.Steps)
		l, err := m.BestLayer(facts[0], o, func() { a.bar.Load().add(1) })
		stop()
		if err != nil {
			return err
		}
		o.Layers = []int{l}
	}
	stop := a.startCount("searching values", len(facts)*c.Steps)
	e, err := m.Edit(facts, o, func() { a.bar.Load().add(1) })
	stop()
	if err != nil {
		return err
	}
	return c.write(a, m, e, facts, rest)
}

func (c *memoryEditCmd) facts() ([]memory.Fact, error) {
	if c.Text == "" {
		return nil, usage("some hundred kilobytes are enough", "give ordinary text with --text")
	}
	if c.Facts == "" {
		if c.Prompt == "" || c.Subject == "" || c.Target == "" {
			return nil, usage("or give --facts FILE, or --undo EDITED.gguf", "a prompt, --subject and --target are needed")
		}
		return []memory.Fact{{Prompt: c.Prompt, Subject: c.Subject, Target: c.Target}}, nil
	}
	raw, err := os.ReadFile(c.Facts)
	if err != nil {
		return nil, err
	}
	var list []memory.Fact
	for i, line := range strings.Split(strings.TrimRight(string(raw), "\n"), "\n") {
		cells := strings.Split(line, "\t")
		if len(cells) != 3 {
			return nil, failed("", "%s: line %d has %d columns, want prompt, subject and target", c.Facts, i+1, len(cells))
		}
		list = append(list, memory.Fact{Prompt: cells[0], Subject: cells[1], Target: cells[2]})
	}
	return list, nil
}

// The parts of the ordinary text, in tokens.
const (
	mostKeys = 20000
	mostCost = 5000
)

// ordinary divides the text in passages for keys and others to measure.
func (c *memoryEditCmd) ordinary(m *openMemory) (keys, rest []memory.Passage, err error) {
	raw, err := os.ReadFile(c.Text)
	if err != nil {
		return nil, nil, err
	}
	all, err := m.Passages(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.Text, err)
	}
	if len(all) < 2 {
		return nil, nil, failed("give more of it", "%s: %d passage is too little ordinary text", c.Text, len(all))
	}
	cut := max(1, len(all)*3/4)
	take := func(list []memory.Passage, most int) []memory.Passage {
		for i, n := 0, 0; i < len(list); i++ {
			if n += len(list[i].Tokens); n > most {
				return list[:max(1, i)]
			}
		}
		return list
	}
	return take(all[:cut], mostKeys), take(all[cut:], mostCost), nil
}

// prefixes are beginnings of passages to put before prompts.
func prefixes(m *memory.Model, text []memory.Passage) []string {
	var list []string
	for i := 0; i < len(text) && len(list) < 2; i += max(1, len(text)/2) {
		s := ""
		for _, t := range text[i].Tokens[:min(len(text[i].Tokens), 10)] {
			s += string(m.Vocab.Bytes(t))
		}
		list = append(list, strings.ToValidUTF8(s, "")+". ")
	}
	return list
}

// write writes the file and measures it.
func (c *memoryEditCmd) write(a *app, m *openMemory, e *memory.Edited, facts []memory.Fact, rest []memory.Passage) error {
	r := &editReport{Output: c.Output, Changes: e.Changes, Search: e.Losses, Method: "rome"}
	if len(facts) > 1 || len(e.Changes) > 1 {
		r.Method = "memit"
	}
	for _, x := range e.Changes {
		if x.Changed == 0 {
			return fmt.Errorf("%w: layer %d has the same weights as before", memory.ErrNotEdited, x.Layer)
		}
	}
	var err error
	if r.Parent, err = m.id(); err != nil {
		return err
	}
	raw, err := editedFile(m.file.Keys, r, facts)
	if err != nil {
		return err
	}
	edited, err := parseEdited(raw, m, r)
	if err != nil {
		return err
	}
	if err := c.compare(m.Model, edited, facts, rest, r); err != nil {
		return err
	}
	if err := r.check(a, facts); err != nil {
		return err
	}
	if err := a.writeFile(c.Output, "-o", raw, c.Force); err != nil {
		return err
	}
	if a.json {
		a.printJSON(r)
		return nil
	}
	return r.print(a)
}

// check says which facts the new model does not answer; it is an error if there is
// no other.
func (r *editReport) check(a *app, facts []memory.Fact) error {
	var missed []error
	for i, f := range facts {
		x := &r.Answers[i]
		x.Edited = x.Prob[1] > x.Prob[0] && strings.HasPrefix(f.Target, x.Top[1])
		if !x.Edited {
			missed = append(missed, fmt.Errorf("%w: %q goes on with %q, probability of %q %.4f, before %.4f; the value put in by hand gives %.4f",
				memory.ErrNotEdited, f.Prompt, x.Top[1], f.Target, x.Prob[1], x.Prob[0], math.Exp2(-r.Search[i].After)))
		}
	}
	if len(missed) == len(facts) {
		return failed("try other layers with -l, or more --steps; nothing was written", "%v", missed[0])
	}
	for _, err := range missed {
		a.warn(r.Output, "%v", err)
	}
	return nil
}

// compare measures prompts and ordinary text on both models.
func (c *memoryEditCmd) compare(before, after *memory.Model, facts []memory.Fact, rest []memory.Passage, r *editReport) error {
	for _, f := range facts {
		r.Answers = append(r.Answers, editAnswer{Kind: "prompt", Prompt: f.Prompt, Target: f.Target})
	}
	for _, p := range c.Paraphrase {
		r.Answers = append(r.Answers, editAnswer{Kind: "paraphrase", Prompt: p, Target: facts[0].Target})
	}
	for _, p := range c.Neighbour {
		r.Answers = append(r.Answers, editAnswer{Kind: "neighbour", Prompt: p, Target: facts[0].Target})
	}
	for k, m := range []*memory.Model{before, after} {
		for i := range r.Answers {
			x := &r.Answers[i]
			e, err := m.Answer(memory.Question{Prompt: x.Prompt, Answer: x.Target}, nil)
			if err != nil {
				return err
			}
			top, err := m.Continuation(x.Prompt, 1)
			if err != nil {
				return err
			}
			x.Prob[k], x.Top[k] = e.Probability, top
		}
		var err error
		if r.Text.Bits[k], err = m.Length(rest, nil); err != nil {
			return err
		}
	}
	for _, p := range rest {
		r.Text.Tokens += len(p.Tokens) - p.From
	}
	return nil
}

func (r *editReport) print(a *app) error {
	t := a.table()
	for _, s := range r.Search {
		t.row("target", fmt.Sprintf("%q", s.Fact.Target), fmt.Sprintf("%.3f bits, %.3f with the value put in", s.Before, s.After), fmt.Sprintf("change %.3f of the value's length", s.Length))
	}
	for _, x := range r.Changes {
		t.row("layer", x.Layer, fmt.Sprintf("difference %.4g (%.3f%%)", x.Norm, 100*x.Relative), fmt.Sprintf("largest %.3g, %d weights, key error %.1e, condition %.1e", x.Largest, x.Changed, x.KeyFit, x.Cond))
	}
	t.Flush()
	t = a.table()
	t.row("answer", "kind", "prompt", "target", "before", "after", "top before", "top after")
	for _, x := range r.Answers {
		t.row("answer", x.Kind, fmt.Sprintf("%q", x.Prompt), fmt.Sprintf("%q", x.Target), x.Prob[0], x.Prob[1], fmt.Sprintf("%q", x.Top[0]), fmt.Sprintf("%q", x.Top[1]))
	}
	t.Flush()
	b := r.Text.Bits
	fmt.Fprintf(a.stdout, "ordinary text: %.1f bits before, %.1f after, %+.4f%% (computed, %d tokens)\n", b[0], b[1], 100*(b[1]/math.Max(b[0], 1e-9)-1), r.Text.Tokens)
	id := r.SHA256
	if r.ID != "" {
		id = r.ID
	}
	fmt.Fprintf(a.stdout, "%s: model %s\n", r.Output, id)
	return nil
}
