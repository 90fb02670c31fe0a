package main

import (
	"fmt"
	"strings"

	"kolm/internal/memory"
)

type memoryTraceCmd struct {
	question
	Subject    string   `short:"s" placeholder:"TEXT" help:"The part of the prompt that is corrupted; without it, only --knowledge."`
	Replace    *string  `placeholder:"TEXT" help:"Put this in the subject's place, as many tokens (default: noise on its embeddings)."`
	Noise      float64  `default:"3" help:"Noise, in standard deviations of the embeddings."`
	Draws      int      `default:"10" help:"Draws of noise to average."`
	Restore    string   `enum:"state,ffn,attention" default:"state" help:"What is restored at a layer and token: state, ffn or attention."`
	Window     int      `default:"1" help:"Layers restored together, for ffn and attention."`
	Knowledge  bool     `help:"Find the knowledge neurons of the answer by integrated gradients."`
	Paraphrase []string `sep:"none" placeholder:"PROMPT" help:"Another prompt for the same answer: knowledge neurons are those that prompts share."`
	Steps      int      `default:"20" help:"Steps of the integration."`
	Seed       uint64   `default:"1" help:"Seed of the noise."`
	JSON       bool     `help:"Print a JSON object."`
	memoryModel
}

// traceReport is what trace found.
type traceReport struct {
	Trace     *memory.Trace     `json:"trace,omitempty"`
	Knowledge *memory.Knowledge `json:"knowledge,omitempty"`
	Neurons   []knowledgeNeuron `json:"knowledge_neurons,omitempty"`
	Share     float64           `json:"shared_by_more_than,omitempty"`
	Zeroed    *memory.Effect    `json:"answer_with_them_zeroed,omitempty"`
	Doubled   *memory.Effect    `json:"answer_with_them_doubled,omitempty"`
}

type knowledgeNeuron struct {
	memory.Attributed
	Votes []memory.Vote `json:"votes"`
}

func (c *memoryTraceCmd) Run(a *app) error {
	a.json = c.JSON
	if c.Subject == "" && !c.Knowledge {
		return usage("give --subject, or --knowledge", "nothing to trace")
	}
	if c.Replace != nil && *c.Replace == "" {
		return usage("leave --replace out for noise", "--replace is empty: nothing takes the subject's place")
	}
	if err := atLeast(1, flagNumber{"--window", c.Window}); err != nil {
		return err
	}
	if err := unused("with --restore state", flagGiven{"--window", c.Restore == "state" && c.Window != 1}); err != nil {
		return err
	}
	m, err := c.open()
	if err != nil {
		return err
	}
	var r traceReport
	if c.Subject != "" {
		if err := c.trace(a, m, &r); err != nil {
			return err
		}
	}
	if c.Knowledge {
		if err := c.knowledge(a, m, &r); err != nil {
			return err
		}
	}
	if a.json {
		a.printJSON(r)
		return nil
	}
	return r.print(a)
}

func (c *memoryTraceCmd) trace(a *app, m *openMemory, r *traceReport) (err error) {
	o := memory.TraceOptions{
		Subject: c.Subject, Noise: c.Noise, Draws: c.Draws, Point: c.Restore, Window: c.Window, Seed: c.Seed,
	}
	draws := c.Draws
	if c.Replace != nil {
		o.Replace, draws = *c.Replace, 1
	}
	defer a.startCount("tracing", draws*m.LM.Config.Layers)()
	r.Trace, err = m.Trace(c.of(), o, func() { a.bar.Load().add(1) })
	return err
}

// knowledge finds the neurons that all prompts share, and what the answer is without
// them and with twice as much of them.
func (c *memoryTraceCmd) knowledge(a *app, m *openMemory, r *traceReport) error {
	prompts := append([]string{c.Prompt}, c.Paraphrase...)
	defer a.startCount("integrating", len(prompts)*m.LM.Config.Layers)()
	q, list := c.of(), []*memory.Knowledge(nil)
	for _, p := range prompts {
		q.Prompt = p
		k, err := m.Knowledge(q, c.Steps, func() { a.bar.Load().add(1) })
		if err != nil {
			return err
		}
		list = append(list, k)
	}
	const coarse = .2 // of the largest attribution, as in the paper
	r.Knowledge = list[0]
	shared, share, err := memory.Shared(list, coarse)
	if err != nil {
		return err
	}
	r.Share = share
	for _, n := range list[0].Above(coarse) {
		for _, s := range shared {
			if n.Neuron == s {
				v, err := m.Votes(s, 3)
				if err != nil {
					return err
				}
				votes := v.Plus
				if n.Coefficient < 0 {
					votes = v.Minus
				}
				r.Neurons = append(r.Neurons, knowledgeNeuron{n, votes})
			}
		}
	}
	for _, x := range []struct {
		by float32
		to **memory.Effect
	}{{0, &r.Zeroed}, {2, &r.Doubled}} {
		e, err := m.Answer(c.of(), memory.Scale(x.by, shared...))
		if err != nil {
			return err
		}
		*x.to = &e
	}
	return nil
}

func (r *traceReport) print(a *app) error {
	if tr := r.Trace; tr != nil {
		t := a.table()
		t.row("answer", fmt.Sprintf("%q against %q", tr.Answer, tr.Foil))
		t.row("clean", fmt.Sprintf("%.3g", tr.Clean.Probability), fmt.Sprintf("logit difference %.4f", tr.Clean.Logit))
		t.row("corrupted", fmt.Sprintf("%.3g", tr.Corrupted.Probability), fmt.Sprintf("logit difference %.4f", tr.Corrupted.Logit))
		t.row("total", fmt.Sprintf("%.3g", tr.Total.Probability), fmt.Sprintf("logit difference %.4f", tr.Total.Logit))
		t.Flush()
		t = a.table()
		head := []any{"indirect", "token"}
		for l := range tr.Indirect {
			head = append(head, fmt.Sprint("layer ", l))
		}
		t.row(head...)
		for i, token := range tr.Tokens {
			name := fmt.Sprintf("%q", token)
			if i >= tr.Subject[0] && i < tr.Subject[1] {
				name += " *"
			}
			cells := []any{"indirect", name}
			for l := range tr.Indirect {
				e := fmt.Sprintf("%.2e", tr.Indirect[l][i].Probability)
				if s := tr.Error[l][i]; s > 0 {
					e += fmt.Sprintf(" +-%.0e", s)
				}
				cells = append(cells, e)
			}
			t.row(cells...)
		}
		t.Flush()
	}
	k := r.Knowledge
	if k == nil {
		return nil
	}
	t := a.table()
	t.row("knowledge", "of", fmt.Sprintf("%q %.4f", k.Token, k.Prob))
	for _, l := range k.Layers {
		t.row("layer", l.Layer, "sum", l.Sum, "without", l.Zero, fmt.Sprintf("gap %.1e", l.Gap))
	}
	t.Flush()
	t = a.table()
	for _, n := range r.Neurons {
		t.row("neuron", n.Neuron, n.Value, votesLine(n.Votes))
	}
	t.Flush()
	fmt.Fprintln(a.stdout, strings.TrimSpace(fmt.Sprintf("zeroed  %.3g\ndoubled  %.3g", r.Zeroed.Probability, r.Doubled.Probability)))
	return nil
}
