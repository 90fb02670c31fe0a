package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"kolm/internal/corpus"
	"kolm/internal/memory"
)

type memoryIndexCmd struct {
	memoryModel
	Output string        `short:"o" required:"" placeholder:"FILE.db" help:"The index, an SQLite database."`
	Resume bool          `help:"Go on with an index that was interrupted."`
	Top    int           `default:"25" help:"Trigger contexts a neuron, of each sign."`
	Active float64       `default:"0.01" help:"A neuron counts as active where its update is longer than this share of the stream."`
	Save   time.Duration `default:"1m" help:"Time between states that --resume goes on from."`
	Limit  int64         `placeholder:"BYTES" help:"Stop after the document that reaches this many bytes."`
	talk

	Corpus []string `arg:"" name:"corpus" help:"Text: tar archives, files, folders; packed by xz, zst or gz if need be."`
}

// indexReport says what was indexed.
type indexReport struct {
	File      string  `json:"file"`
	Model     string  `json:"model"`
	Documents int     `json:"documents"`
	Bytes     int64   `json:"bytes"`
	Tokens    int64   `json:"tokens"`
	Seconds   float64 `json:"seconds"`
	Rate      float64 `json:"bytes_per_second"`
	Neurons   int     `json:"neurons"`
	Size      int64   `json:"file_bytes"`
}

func (c *memoryIndexCmd) Run(a *app) error {
	c.apply(a)
	if err := atLeast(1, flagNumber{"--top", c.Top}); err != nil {
		return err
	}
	if !(c.Active >= 0) {
		return usage("", "--active %v: want 0 or more", c.Active)
	}
	m, err := c.open()
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.Output); err == nil && !c.Resume {
		return failed("continue it with --resume, or give another name with -o", "%s already exists", c.Output)
	}
	id, err := m.id()
	if err != nil {
		return err
	}
	identity := fmt.Sprintf("model %s, top %d, active %g, limit %d, corpus %s", id, c.Top, c.Active, c.Limit, strings.Join(c.Corpus, " "))
	g, err := memory.NewGather(m.Model, memory.GatherOptions{Top: c.Top, Active: c.Active})
	if err != nil { // before there is a file, which would stand in the way of the next try
		return err
	}
	s, err := memory.CreateStore(c.Output, identity, c.Resume)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Restore(g); err != nil {
		return err
	}
	start, before := time.Now(), g.Bytes
	if err = c.gather(a, s, g); err == nil && g.Tokens == 0 {
		err = failed("", "the corpus holds no text")
	}
	if err != nil {
		if g.Tokens == 0 { // nothing to go on from
			s.Close()
			os.Remove(c.Output)
		}
		return err
	}
	spent := time.Since(start).Seconds()
	if err := s.Finish(g, map[string]string{"model": id, "corpus": strings.Join(c.Corpus, " ")}); err != nil {
		return err
	}
	info, err := os.Stat(c.Output)
	if err != nil {
		return err
	}
	k := &m.LM.Config
	r := indexReport{c.Output, id, g.Docs, g.Bytes, g.Tokens, spent, float64(g.Bytes-before) / spent, k.Layers * k.FFN, info.Size()}
	if a.json {
		a.printJSON(r)
		return nil
	}
	a.say("%s: %d neurons over %d documents, %s, %d tokens; read %s/s; index %s",
		r.File, r.Neurons, r.Documents, size(r.Bytes), r.Tokens, size(int64(r.Rate)), size(r.Size))
	return nil
}

// gather reads the corpus from where the state says. An interruption, or an error,
// saves it.
func (c *memoryIndexCmd) gather(a *app, s *memory.Store, g *memory.Gather) error {
	ctx, stop := a.interruptible()
	defer stop()
	defer a.startProgress(c.Output, c.total(a), 1)()
	a.bar.Load().add(int(g.Bytes))
	saved := time.Now()
	pause := func(n int) error {
		a.bar.Load().add(n)
		if time.Since(saved) < c.Save {
			return nil
		}
		saved = time.Now()
		return s.Save(g)
	}
	err := c.each(g.Docs, func(doc corpus.Doc) error { return g.Add(ctx, doc.Name, doc.Text, pause) })
	if err == nil {
		err = g.Flush(ctx, pause)
	}
	if err != nil && g.Tokens > 0 {
		if err := s.Save(g); err != nil {
			return err
		}
	}
	if errors.Is(err, context.Canceled) {
		return &problem{code: codeInterrupted, text: "interrupted; the state is saved", hint: "the same command with --resume goes on"}
	}
	return err
}

// each sees the documents of the corpus up to the limit, but for the first ones.
func (c *memoryIndexCmd) each(skip int, see func(doc corpus.Doc) error) error {
	seen := int64(0)
	for doc, err := range corpus.Open(c.Corpus...) {
		if err != nil {
			return err
		}
		if c.Limit > 0 && seen >= c.Limit {
			break
		}
		seen += int64(len(doc.Text))
		if skip > 0 {
			skip--
			continue
		}
		if err := see(doc); err != nil {
			return err
		}
	}
	return nil
}

// total is how much text is to be read, 0 if nobody wants to know. Counting takes a
// pass over the corpus, which is little beside what the model does with it.
func (c *memoryIndexCmd) total(a *app) (n int64) {
	if !a.showsProgress() {
		return 0
	}
	err := c.each(0, func(doc corpus.Doc) error { n += int64(len(doc.Text)); return nil })
	if err != nil { // the reading itself reports it
		return 0
	}
	return n
}

type memorySearchCmd struct {
	Index string  `arg:"" help:"The index."`
	Token string  `placeholder:"TOKEN" help:"Triggers that are this token."`
	Text  string  `placeholder:"TEXT" help:"Triggers in sentences with this text."`
	Least float64 `placeholder:"A" help:"Triggers with at least this activation, of either sign."`
	Layer int     `default:"-1" placeholder:"L" help:"In this layer only."`
	Limit int     `short:"n" default:"20" help:"Most lines."`
	JSON  bool    `help:"Print one JSON object a trigger."`
}

func (c *memorySearchCmd) Run(a *app) error {
	a.json = c.JSON
	if c.Token == "" && c.Text == "" && c.Least == 0 && c.Layer < 0 {
		return usage("give --token, --text, --least or --layer", "nothing to search for")
	}
	if !(c.Least >= 0) { // what is no number is not
		return usage("", "--least %v: want 0 or more", c.Least)
	}
	x, err := openIndex(c.Index)
	if err != nil {
		return err
	}
	defer x.Close()
	hits, err := x.Search(memory.Query{Token: c.Token, Text: c.Text, Least: c.Least, Layer: c.Layer, Limit: c.Limit})
	if err != nil {
		return err
	}
	t := a.table()
	for _, h := range hits {
		if a.json {
			a.printJSON(h)
			continue
		}
		t.row("trigger", h.Neuron, h.Rank, h.Activation, contextLine(h), h.Doc)
	}
	if len(hits) == 0 {
		a.say("nothing found")
	}
	return t.Flush()
}
