package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"kolm/internal/memory"
)

type memoryAblateCmd struct {
	File    string   `arg:"" help:"The text whose bits are measured; - is standard input."`
	Neurons []string `short:"n" name:"neurons" sep:"none" placeholder:"L.N,..." help:"A group to ablate: neurons with commas between, or layer:L. May be given several times (default: the layers)."`
	Rank    int      `placeholder:"K" help:"Find the K most valuable memories of the text instead: candidates by gradient, then each ablated."`
	Shapley int      `placeholder:"ORDERS" help:"Divide the worth of all groups among them by Shapley values over so many random orders; 200 or more."`
	Seed    uint64   `default:"1" help:"Seed of the orders."`
	JSON    bool     `help:"Print a JSON object."`
	memoryModel
}

// ablateReport says what groups are worth.
type ablateReport struct {
	Bits   float64       `json:"bits"`
	Tokens int           `json:"tokens"`
	Groups []ablatedCost `json:"groups"`
	All    *float64      `json:"all_together,omitempty"`
}

type ablatedCost struct {
	Name    string          `json:"name"`
	Neurons memory.Group    `json:"neurons"`
	Cost    float64         `json:"cost"`
	Guess   *float64        `json:"gradient_estimate,omitempty"`
	Shapley *memory.Shapley `json:"shapley,omitempty"`
}

func (c *memoryAblateCmd) Run(a *app) error {
	a.json = c.JSON
	if c.Shapley != 0 && c.Shapley < 2 {
		return usage("200 or more give a useful standard error", "%d orders", c.Shapley)
	}
	if err := atLeast(0, flagNumber{"--rank", c.Rank}); err != nil {
		return err
	}
	if err := unused("with --rank, which finds neurons", flagGiven{"-n", c.Rank != 0 && len(c.Neurons) > 0}); err != nil {
		return err
	}
	m, err := c.open()
	if err != nil {
		return err
	}
	raw, err := a.readText(c.File)
	if err != nil {
		return err
	}
	text, err := m.Passages(raw)
	if err != nil {
		return err
	}
	var groups []ablatedCost
	if c.Rank > 0 {
		groups, err = c.candidates(m, text)
	} else {
		groups, err = c.groups(m)
	}
	if err != nil {
		return err
	}
	r := &ablateReport{Groups: groups}
	for _, p := range text {
		r.Tokens += len(p.Tokens) - p.From
	}
	if err := c.measure(a, m, text, r); err != nil {
		return err
	}
	return c.print(a, r)
}

// readText reads a file, or standard input.
func (a *app) readText(name string) ([]byte, error) {
	if name != "-" {
		return os.ReadFile(name)
	}
	s, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return io.ReadAll(s)
}

// groups reads the flags.
func (c *memoryAblateCmd) groups(m *openMemory) ([]ablatedCost, error) {
	names := c.Neurons
	if len(names) == 0 {
		for l := range m.LM.Config.Layers {
			names = append(names, fmt.Sprint("layer:", l))
		}
	}
	var list []ablatedCost
	for _, name := range names {
		g := ablatedCost{Name: name}
		for _, word := range strings.Split(name, ",") {
			var l int
			if n, _ := fmt.Sscanf(word, "layer:%d", &l); n == 1 {
				if err := m.Check(memory.Neuron{Layer: l}); err != nil {
					return nil, usage("", "%v", err)
				}
				g.Neurons = append(g.Neurons, m.LayerGroup(l)...)
				continue
			}
			var n memory.Neuron
			if err := n.UnmarshalText([]byte(word)); err != nil {
				return nil, usage("a group is neurons with commas between, or layer:L", "%v", err)
			}
			if err := m.Check(n); err != nil {
				return nil, usage("", "%v", err)
			}
			g.Neurons = append(g.Neurons, n)
		}
		list = append(list, g)
	}
	return list, nil
}

// candidates are the neurons of which the gradient says that they are worth most;
// twice as many as asked for, because it is only the beginning of the truth.
func (c *memoryAblateCmd) candidates(m *openMemory, text []memory.Passage) ([]ablatedCost, error) {
	guess, err := m.Promising(text, 2*c.Rank)
	if err != nil {
		return nil, err
	}
	var list []ablatedCost
	for _, g := range guess {
		bits := g.Bits
		list = append(list, ablatedCost{Name: g.Neuron.String(), Neurons: memory.Group{g.Neuron}, Guess: &bits})
	}
	return list, nil
}

// measure ablates.
func (c *memoryAblateCmd) measure(a *app, m *openMemory, text []memory.Passage, r *ablateReport) error {
	var groups []memory.Group
	for i := range r.Groups {
		groups = append(groups, r.Groups[i].Neurons)
	}
	stop := a.startCount("ablating", len(groups))
	w, err := m.Bits(text, groups, func() { a.bar.Load().add(1) })
	stop()
	if err != nil {
		return err
	}
	r.Bits = w.Base
	for i := range r.Groups {
		r.Groups[i].Cost = w.Cost[i]
	}
	if c.Rank > 0 {
		slices.SortStableFunc(r.Groups, func(x, y ablatedCost) int { return cmp.Compare(y.Cost, x.Cost) })
		r.Groups = r.Groups[:min(c.Rank, len(r.Groups))]
		groups = nil
		for i := range r.Groups {
			groups = append(groups, r.Groups[i].Neurons)
		}
	}
	if len(groups) > 1 {
		all, err := m.Bits(text, []memory.Group{slices.Concat(groups...)}, nil)
		if err != nil {
			return err
		}
		r.All = &all.Cost[0]
	}
	if c.Shapley == 0 {
		return nil
	}
	defer a.startCount("shapley values", c.Shapley)()
	s, err := m.ShapleyBits(text, groups, c.Shapley, c.Seed, func() { a.bar.Load().add(1) })
	for i := range s {
		r.Groups[i].Shapley = &s[i]
	}
	return err
}

func (c *memoryAblateCmd) print(a *app, r *ablateReport) error {
	if a.json {
		a.printJSON(r)
		return nil
	}
	t := a.table()
	t.row("text", fmt.Sprintf("%.3f bits (computed)", r.Bits), fmt.Sprintf("%d tokens", r.Tokens))
	t.row("ablated", "group", "neurons", "bits lost", "share", "")
	for _, g := range r.Groups {
		extra := ""
		if g.Guess != nil {
			extra = fmt.Sprintf("gradient %.4f", *g.Guess)
		}
		if g.Shapley != nil {
			extra = fmt.Sprintf("shapley %.4f +- %.4f", g.Shapley.Value, g.Shapley.Error)
		}
		t.row("ablated", g.Name, len(g.Neurons), g.Cost, fmt.Sprintf("%.3f%%", 100*g.Cost/r.Bits), extra)
	}
	if r.All != nil {
		t.row("ablated", "all", "", *r.All, fmt.Sprintf("%.3f%%", 100**r.All/r.Bits), "")
	}
	return t.Flush()
}
