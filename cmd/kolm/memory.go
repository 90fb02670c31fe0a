package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"text/tabwriter"

	"kolm/internal/memory"
	"kolm/internal/vocab"
)

type memoryCmd struct {
	Index    memoryIndexCmd    `cmd:"" help:"Read a corpus and keep, for every feed-forward neuron, what makes it fire."`
	Neuron   memoryNeuronCmd   `cmd:"" help:"Show a neuron: what makes it fire, and what its value votes for."`
	Search   memorySearchCmd   `cmd:"" help:"Search an index by token, text or activation."`
	Explain  memoryExplainCmd  `cmd:"" help:"Say how a model comes to an answer, from key to value."`
	Ablate   memoryAblateCmd   `cmd:"" help:"Measure in bits what neurons are worth on a text."`
	Trace    memoryTraceCmd    `cmd:"" help:"Find where a model keeps what it says of a subject, and the neurons that know an answer."`
	Edit     memoryEditCmd     `cmd:"" help:"Write a fact into a model's memory: a new model file."`
	Capacity memoryCapacityCmd `cmd:"" help:"Measure bits stored per weight of random facts, or which facts of a table a model keeps."`
}

// memoryModel are the flags that choose the model.
type memoryModel struct {
	Model     string `short:"m" default:"built-in" placeholder:"MODEL" help:"The model: a GGUF file, a safetensors folder, a llama2.c checkpoint, digits of an ID, built-in or built-in-small."`
	Tokenizer string `placeholder:"FILE" help:"The tokenizer, for a model that comes without: tokenizer.json, tokenizer.bin of llama2.c, or a GGUF file."`
	Threads   int    `short:"T" placeholder:"N" help:"Processors to use (default: all). No figure depends on it."`
}

// openMemory is a model whose memories are read.
type openMemory struct {
	*memory.Model
	file *scoringModel
	name string
}

func (c *memoryModel) open() (*openMemory, error) {
	f, err := openScoring(c.Model, c.Tokenizer)
	if err != nil {
		return nil, err
	}
	m := &openMemory{file: f, name: c.Model}
	if m.Model, err = memory.New(f.Model, memoryVocab{f.tok}); err != nil {
		return nil, noModel("", "%s: %v", c.Model, err)
	}
	if c.Threads > 0 {
		m.Threads = c.Threads
	}
	return m, nil
}

// id names the model by the SHA-256 of its file.
func (m *openMemory) id() (string, error) {
	sum, err := m.file.Hash()
	return fmt.Sprintf("%x", sum), err
}

// memoryVocab is a tokenizer as package memory wants it.
type memoryVocab struct{ *vocab.Tokenizer }

func (v memoryVocab) Encode(text []byte) ([]int32, error) { return v.Tokenizer.Encode(nil, text) }
func (v memoryVocab) Bytes(t int32) []byte                { return v.Text(t) }

func (v memoryVocab) Continue(text []byte) ([]int32, error) {
	return v.Encode(bytes.TrimPrefix(text, []byte(v.Prefix())))
}

// Start is BOS, else EOS: what stands between texts is before one too.
func (v memoryVocab) Start() int32 {
	if v.BOS != vocab.None {
		return v.BOS
	}
	return v.EOS
}

// openIndex opens an index of any model.
func openIndex(name string) (*memory.Index, error) {
	x, err := memory.OpenIndex(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failed(`make one with "kolm memory index"`, "%s: no such index", name)
	}
	return x, err
}

// openIndex opens an index that was made of the model; name "" is none.
func (m *openMemory) openIndex(name string) (*memory.Index, error) {
	if name == "" {
		return nil, nil
	}
	x, err := openIndex(name)
	if err != nil {
		return nil, err
	}
	id, err := m.id()
	if err == nil && x.Meta["model"] != id {
		err = failed(`make one with "kolm memory index"`, "%s: is an index of model %.16s, not of %s, which is %.16s", name, x.Meta["model"], m.name, id)
	}
	if err != nil {
		x.Close()
		return nil, err
	}
	return x, nil
}

// table prints rows of cells in columns.
type table struct{ *tabwriter.Writer }

func (a *app) table() table { return table{tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)} }

func (t table) row(cells ...any) {
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(t, "\t")
		}
		switch v := c.(type) {
		case float64:
			fmt.Fprintf(t, "%.4f", v)
		default:
			fmt.Fprint(t, v)
		}
	}
	fmt.Fprintln(t)
}

// votesLine lists tokens with the share that each gets.
func votesLine(list []memory.Vote) string {
	var words []string
	for _, v := range list {
		words = append(words, fmt.Sprintf("%q %.3f", v.Text, v.Probability))
	}
	return strings.Join(words, "  ")
}

// contextLine shows a trigger in its sentence, between brackets.
func contextLine(h memory.Hit) string {
	before, after := []rune(h.Before), []rune(h.After)
	const most = 60
	if len(before) > most {
		before = before[len(before)-most:]
	}
	if len(after) > most/2 {
		after = after[:most/2]
	}
	return strings.NewReplacer("\n", " ", "\t", " ", "\r", " ").Replace(string(before) + "[" + h.Token + "]" + string(after))
}
