package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"kolm/internal/lm"
	"kolm/internal/lmfile"
	"kolm/internal/modelfile"
	"kolm/internal/vocab"
)

// scoringModel is a model of any architecture with its tokenizer.
type scoringModel struct {
	*lmfile.File
	name string
	tok  *vocab.Tokenizer
	sum  chan hashed
}

type hashed struct {
	sum [32]byte
	err error
}

// openScoring opens the model that a user means. tokenizer is the file of its
// tokenizer, "" if the model has it.
func openScoring(name, tokenizer string) (*scoringModel, error) {
	m := &scoringModel{name: name, sum: make(chan hashed, 1)}
	e, err := chooseModel(name)
	if err != nil {
		return nil, err
	}
	if b := embedded[e.path]; b != nil {
		m.File, err = lmfile.Parse(e.path, b.File(), lm.DefaultKeep)
	} else {
		m.File, err = lmfile.Open(e.path, lm.DefaultKeep)
	}
	if err != nil {
		return nil, noModel("", "%v", err)
	}
	if m.tok, err = m.tokenizer(tokenizer); err != nil {
		m.Close()
		return nil, err
	}
	go func() { // while the model works
		sum, err := m.Hash()
		m.sum <- hashed{sum, err}
	}()
	return m, nil
}

// tokenizer reads the tokenizer of the model, or the one that a file holds.
func (m *scoringModel) tokenizer(file string) (*vocab.Tokenizer, error) {
	var t *vocab.Tokenizer
	var err error
	switch {
	case file != "":
		t, err = readTokenizer(file)
	case m.Keys != nil:
		t, err = vocab.ParseGGUF(m.Keys)
	case m.Dir != "":
		t, err = readTokenizer(filepath.Join(m.Dir, "tokenizer.json"))
	default:
		t, err = readTokenizer(filepath.Join(filepath.Dir(m.Path), "tokenizer.bin"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noModel("name its tokenizer with --tokenizer FILE: tokenizer.json, tokenizer.bin of llama2.c, or a GGUF file of the same family", "%s: no tokenizer: %v", m.name, err)
	}
	if err == nil && t.Vocab() > m.Model.Config.Vocab {
		err = fmt.Errorf("the tokenizer has %d tokens and the model %d: they do not belong together", t.Vocab(), m.Model.Config.Vocab)
	}
	if err != nil {
		return nil, noModel("", "%s: %v", m.name, err)
	}
	return t, nil
}

// readTokenizer reads a tokenizer's own file.
func readTokenizer(path string) (*vocab.Tokenizer, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(string(b), "GGUF"):
		g, err := modelfile.Parse(b)
		if err != nil {
			return nil, err
		}
		return vocab.ParseGGUF(g)
	case strings.EqualFold(filepath.Ext(path), ".json"):
		config, err := os.ReadFile(filepath.Join(filepath.Dir(path), "tokenizer_config.json"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return vocab.ParseHuggingFace(b, config)
	}
	return vocab.ParseLlama2C(b)
}

// scoringReport says what a model is, for JSON.
type scoringReport struct {
	Model      string `json:"model"`
	SHA256     string `json:"sha256"`
	Bytes      int64  `json:"file_bytes"`
	Arch       string `json:"architecture"`
	Parameters int64  `json:"parameters"`
	Types      string `json:"types"`
	Tokenizer  string `json:"tokenizer"`
	Vocab      int    `json:"vocabulary"`
	TokenHash  string `json:"tokenizer_sha256"`
}

func (m *scoringModel) report() *scoringReport {
	h := <-m.sum
	m.sum <- h
	sum := fmt.Sprintf("%x", h.sum)
	if h.err != nil {
		sum = h.err.Error()
	}
	return &scoringReport{
		Model: m.name, SHA256: sum, Bytes: m.Size, Arch: m.Arch, Parameters: m.Parameters, Types: m.typeNames(),
		Tokenizer: m.tokenizerName(), Vocab: m.tok.Vocab(), TokenHash: fmt.Sprintf("%x", m.tok.Hash()),
	}
}

func (m *scoringModel) tokenizerName() string {
	if m.tok.Pre == "" {
		return m.tok.Kind.String()
	}
	return m.tok.Kind.String() + " " + m.tok.Pre
}

// typeNames lists the storage types of the tensors, the most common first.
func (m *scoringModel) typeNames() string {
	var names []string
	for name := range m.Types {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := names[i], names[j]
		return m.Types[a] > m.Types[b] || m.Types[a] == m.Types[b] && a < b
	})
	return strings.Join(names, "+")
}

// line describes the model for a person.
func (r *scoringReport) line() string {
	return fmt.Sprintf("%s: %s, %s parameters as %s, %s, sha256 %.16s", r.Model, r.Arch, count(r.Parameters), r.Types, size(r.Bytes), r.SHA256)
}

// count prints a number of things to read, not to add up.
func count(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f billion", float64(n)/1e9)
	case n >= 1e5:
		return fmt.Sprintf("%.2f million", float64(n)/1e6)
	}
	return fmt.Sprint(n)
}
