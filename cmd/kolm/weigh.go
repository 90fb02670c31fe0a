package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"kolm/internal/codes"
	"kolm/internal/lm"
	"kolm/internal/score"
	"kolm/internal/vocab"
)

type weighCmd struct {
	Model     string  `short:"m" default:"built-in" placeholder:"MODEL" help:"The model: a GGUF file, a safetensors folder, a llama2.c checkpoint, digits of an ID, built-in or built-in-small."`
	Against   string  `placeholder:"MODEL2" help:"Compare with a second model: difference, divergence, agreement."`
	Tokenizer string  `placeholder:"FILE" help:"The tokenizer, for a model that comes without: tokenizer.json, tokenizer.bin of llama2.c, or a GGUF file."`
	As        string  `enum:"kolm,llama.cpp,harness,hf" default:"kolm" help:"Score by the rule of another program: llama.cpp, harness (lm-evaluation-harness) or hf (Hugging Face's guide)."`
	Context   int     `short:"c" placeholder:"N" help:"Tokens that the model sees at once (default: what it was trained for, at most 2048; for llama.cpp 512)."`
	Stride    int     `placeholder:"N" help:"Tokens that the context advances by (default: half of it; for hf 512)."`
	Codes     string  `placeholder:"LIST" help:"Instead: one table of what the files cost in many codes, their models counted: all, or names parted by commas."`
	Minutes   float64 `default:"1" help:"How long the codes that train a model on the file train it."`
	SizeSweep bool    `help:"Instead: train models of growing size on the file, within the --minutes, and say which makes the shortest file of model and data."`
	Sizes     int     `default:"4" placeholder:"N" help:"How many sizes --size-sweep trains, 1 to 6 (default: 4)."`
	Output    string  `short:"o" placeholder:"FOLDER" help:"Write the pictures of --codes or --size-sweep there, as SVG and PNG."`
	Archive   string  `placeholder:"OUT" help:"With --codes two-part of one file: write the smallest two-part file, model and data in one; kolm unpack reads it."`
	Tokens    string  `placeholder:"OUT" help:"Write every scored token to a file, one JSON object a line: bits, rank, entropy."`
	HTML      string  `name:"html" placeholder:"OUT" help:"Write the text as a page, coloured by what surprised the model."`
	Force     bool    `short:"f" help:"Overwrite files."`
	Seed      uint64  `default:"1" help:"Seed of the intervals."`
	Threads   int     `short:"T" placeholder:"N" help:"Processors to use (default: all). The figures do not depend on it."`
	Batch     int     `placeholder:"N" help:"Tokens that go through the model together. The figures do not depend on it."`
	talk

	Files []string `arg:"" optional:"" name:"file" help:"Files and folders; - is standard input."`
}

// mostContext is the context that is used where a model could see more: few texts
// gain by more, and all cost time.
const mostContext = 2048

func (c *weighCmd) Run(a *app) error {
	c.apply(a)
	if err := c.check(); err != nil {
		return err
	}
	switch {
	case c.SizeSweep:
		return c.sweep(a)
	case c.Codes != "":
		return c.ledgers(a)
	}
	texts, err := c.texts(a)
	if err != nil {
		return err
	}
	if err := c.apart(texts); err != nil {
		return err
	}
	w := &weighing{app: a, cmd: c}
	defer w.close()
	if err := w.open(); err != nil {
		return err
	}
	if err := w.create(); err != nil {
		return err
	}
	w.all(texts)
	return w.finish()
}

// The times that --minutes may give: no time at all, or what rounds to it when it is
// divided, would mean training without end.
const (
	leastMinutes = 0.001
	mostMinutes  = 1e6
)

// check refuses what no code and no rule can mean, and flags of the one where the
// other is asked for.
func (c *weighCmd) check() error {
	if !(c.Minutes >= leastMinutes && c.Minutes <= mostMinutes) { // what is no number is neither
		return usage("", "--minutes %v: want from %v to %v", c.Minutes, leastMinutes, mostMinutes)
	}
	if c.Sizes < 1 || c.Sizes > codes.MostSizes {
		return usage("", "--sizes %d: want 1 to %d", c.Sizes, codes.MostSizes)
	}
	ofRules := []flagGiven{
		{"--against", c.Against != ""}, {"--tokenizer", c.Tokenizer != ""}, {"--as", c.As != "kolm"}, {"-c", c.Context != 0},
		{"--stride", c.Stride != 0}, {"--tokens", c.Tokens != ""}, {"--html", c.HTML != ""},
	}
	switch {
	case c.SizeSweep && c.Codes != "":
		return usage("give one of them", "--codes and --size-sweep exclude each other")
	case c.SizeSweep:
		return unused("with --size-sweep", append(ofRules, flagGiven{"-m", c.Model != builtinName}, flagGiven{"--archive", c.Archive != ""})...)
	case c.Codes != "":
		return unused("with --codes", ofRules...)
	case c.Output != "":
		return usage("give --codes or --size-sweep; figures token by token are written by --tokens and --html", "-o is for pictures, and there are none")
	case c.Archive != "":
		return usage("give --codes two-part", "--archive is for a two-part file, and there is none")
	}
	return nil
}

// apart refuses outputs that are files to be read.
func (c *weighCmd) apart(texts []*text) error {
	inputs := []string{c.Tokenizer, modelPath(c.Model), modelPath(c.Against)}
	for _, t := range texts {
		inputs = append(inputs, t.name)
	}
	for _, out := range []string{c.Tokens, c.HTML, c.Archive} {
		if err := apart(out, inputs...); err != nil {
			return err
		}
	}
	return nil
}

// text is something to weigh: a file, or what was read of standard input.
type text struct {
	name  string
	bytes int64
	data  []byte // of standard input
}

func (t *text) read() ([]byte, error) {
	if t.data != nil {
		return t.data, nil
	}
	return os.ReadFile(t.name)
}

// texts lists the files that are meant, those in folders by name. What can not be
// read is reported and left out.
func (c *weighCmd) texts(a *app) ([]*text, error) {
	named, err := a.orStdin(c.Files)
	if err != nil {
		return nil, err
	}
	var list []*text
	a.each(named, func(name string) error {
		if name == "-" {
			b, err := io.ReadAll(a.stdin)
			list = append(list, &text{name, int64(len(b)), append([]byte{}, b...)})
			return err
		}
		return filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case path != name && strings.HasPrefix(d.Name(), "."):
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			case d.IsDir() || path != name && !d.Type().IsRegular():
				return nil
			}
			info, err := os.Stat(path)
			if err == nil {
				list = append(list, &text{path, info.Size(), nil})
			}
			return err
		})
	})
	if len(list) == 0 && a.status == 0 {
		return nil, failed("hidden files, and what is no regular file, are left out", "nothing to weigh: no files in %s", strings.Join(named, ", "))
	}
	return list, nil
}

// weighing is one run of the command.
type weighing struct {
	app  *app
	cmd  *weighCmd
	a, b *scale // the model and the one to compare with, which may be nil
	rows []*weighRow

	tokens *tokenFile
	page   *output
	pages  []*score.Page
}

// scale is a model that is ready to weigh.
type scale struct {
	*scoringModel
	rule *score.Rule
}

// paired says that both models have one tokenizer, so that they are compared token
// by token.
func (w *weighing) paired() bool { return w.b != nil && w.a.tok.Hash() == w.b.tok.Hash() }

// open opens the models and makes their rules.
func (w *weighing) open() error {
	var err error
	if w.a, err = w.cmd.scale(w.app, w.cmd.Model); err != nil {
		return err
	}
	if w.cmd.Against != "" {
		if w.b, err = w.cmd.scale(w.app, w.cmd.Against); err != nil {
			return err
		}
		if w.paired() { // they see the same windows
			if w.cmd.Context == 0 && w.b.rule.Context < w.a.rule.Context {
				w.a.rule = w.b.rule
			}
			return nil
		}
		if w.cmd.As != "kolm" {
			return usage("leave out --as: by kolm's rule every byte is scored under both", "%s leaves out parts of a text that depend on the tokenizer, and the models have two", w.cmd.As)
		}
	}
	return nil
}

func (w *weighing) close() {
	for _, s := range []*scale{w.a, w.b} {
		if s != nil {
			s.Close()
		}
	}
	if w.tokens != nil {
		w.tokens.discard()
	}
	if w.page != nil {
		w.page.discard()
	}
}

// scale opens a model and makes the rule for it.
func (c *weighCmd) scale(a *app, name string) (*scale, error) {
	m, err := openScoring(name, c.Tokenizer)
	if err != nil {
		return nil, err
	}
	s := &scale{scoringModel: m}
	if s.rule, err = c.rule(m); err != nil {
		m.Close()
		return nil, usage("", "%s: %v", name, err)
	}
	if trained := m.Model.Config.Context; s.rule.Context > trained {
		a.warn(m.name, "a context of %d tokens is longer than the %d that the model was trained for", s.rule.Context, trained)
	}
	return s, nil
}

func (c *weighCmd) rule(m *scoringModel) (*score.Rule, error) {
	context := c.Context
	switch {
	case context == 0 && c.As == "llama.cpp":
		context = 512
	case context == 0 && c.As == "kolm":
		context = min(m.Model.Config.Context, mostContext)
	case context == 0:
		context = m.Model.Config.Context
	}
	stride := c.Stride
	if stride != 0 && (c.As == "llama.cpp" || c.As == "harness") {
		return nil, fmt.Errorf("the rule of %s has no stride", c.As)
	}
	switch c.As {
	case "llama.cpp":
		return score.LlamaCpp(m.tok, context)
	case "harness":
		return score.Harness(m.tok, context)
	case "hf":
		if stride == 0 {
			stride = min(512, context)
		}
		return score.HuggingFace(m.tok, context, stride)
	}
	if stride == 0 {
		stride = (context + 1) / 2
	}
	return score.Every(m.tok, context, stride)
}

// largePage is from how many bytes of text on a page is hard to show.
const largePage = 1 << 20

// all weighs the texts. What goes wrong with one is reported, and the others go on.
func (w *weighing) all(texts []*text) {
	var total int64
	for _, t := range texts {
		total += t.bytes
	}
	name, passes := fmt.Sprintf("%d files", len(texts)), int64(1)
	if len(texts) == 1 {
		name = label(texts[0].name)
	}
	if w.b != nil && !w.paired() {
		passes = 2
	}
	if w.page != nil && total > largePage {
		w.app.warn(w.cmd.HTML, "the page of %s of text takes about %s, more than many browsers show well", size(total), size(36*total))
	}
	defer w.app.startProgress(name, total, passes)()
	for _, t := range texts {
		row, err := w.one(t)
		if err != nil {
			w.app.report(label(t.name), explainText(err))
			if w.app.brokenPipe(err) {
				return
			}
			continue
		}
		w.rows = append(w.rows, row)
		if w.app.json {
			w.app.printJSON(w.report(row))
		}
	}
}

func explainText(err error) error {
	var missing *vocab.MissingError
	if errors.As(err, &missing) {
		return failed("this tokenizer can not spell the text, so that no honest figure exists: take a model whose tokenizer has all bytes", "%v", err)
	}
	return err
}

// one weighs a text.
func (w *weighing) one(t *text) (*weighRow, error) {
	data, err := t.read()
	if err != nil {
		return nil, err
	}
	w.app.warnEncoding(t.name, data)
	encoded, err := score.Encode(w.a.tok, data)
	if err != nil {
		return nil, err
	}
	run := w.run(w.a)
	if w.paired() {
		run.Other = w.b.Model
	}
	var page *score.Page
	if w.page != nil {
		page = w.newPage(t.name, data)
	}
	if page != nil || w.tokens != nil {
		run.Each = func(token score.Token) error {
			if page != nil {
				page.Tokens = append(page.Tokens, token)
			}
			return w.tokens.write(label(t.name), data, token)
		}
	}
	row := &weighRow{name: label(t.name), words: score.Words(data)}
	if row.Result, err = run.Score(encoded); err != nil {
		return nil, err
	}
	if row.Sum.Tokens == 0 && len(data) > 0 {
		return nil, failed("give a smaller -c, or leave out --as: kolm's rule scores texts of any length", "the rule of %s scores nothing of %d tokens with a context of %d", w.cmd.As, row.Tokens, w.a.rule.Context)
	}
	if w.b != nil && !w.paired() {
		if err := w.second(row, data); err != nil {
			return nil, err
		}
	}
	w.pages = append(w.pages, page)
	return row, nil
}

// second weighs a text under a second model that has a tokenizer of its own.
func (w *weighing) second(row *weighRow, data []byte) error {
	encoded, err := score.Encode(w.b.tok, data)
	if err != nil {
		return err
	}
	other, err := w.run(w.b).Score(encoded)
	if err != nil {
		return err
	}
	row.pair(other)
	return nil
}

func (w *weighing) run(s *scale) *score.Run {
	return &score.Run{
		Rule: s.rule, Model: s.Model, Threads: w.cmd.Threads, Batch: w.cmd.Batch,
		Progress: func(n int) { w.app.bar.Load().add(n) },
	}
}

// warnEncoding says what makes a text look costlier than it need be.
func (a *app) warnEncoding(name string, data []byte) {
	if a.quiet || utf8.Valid(data) && !bytes.ContainsRune(data[:min(len(data), lm.DefaultBatch)], 0) {
		return
	}
	zeros := bytes.Count(data, []byte{0})
	switch {
	case isUTF16(data):
		a.warn(label(name), "is UTF-16, it seems: models know UTF-8, and its bytes are new to them; for the figure of the text, convert it first")
		return
	case zeros > 0:
		a.warn(label(name), "holds %d zero bytes and so is hardly text: models hardly know such bytes", zeros)
		return
	}
	bad := 0
	for rest := data; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if r == utf8.RuneError && n == 1 {
			bad++
		}
		rest = rest[n:]
	}
	a.warn(label(name), "is not UTF-8 text (%d of its %d bytes): models hardly know such bytes; if it is text in another encoding, convert it first", bad, len(data))
}

// isUTF16 guesses: by the mark at the beginning, or because many bytes are 0 that all
// but few stand on one side of their pairs.
func isUTF16(data []byte) bool {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return true
	}
	var zeros [2]int
	for i, b := range data {
		if b == 0 {
			zeros[i%2]++
		}
	}
	more, fewer := max(zeros[0], zeros[1]), min(zeros[0], zeros[1])
	return len(data)%2 == 0 && 4*more > len(data) && 8*fewer < more && bytes.IndexByte(data, 0) < 2
}
