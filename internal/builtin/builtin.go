// Package builtin holds the language models that are embedded in kolm.
//
// doc/model.md says how they were trained. The package must not know how models
// are used, only how the embedded files are opened.
package builtin

import (
	_ "embed"
	"encoding/hex"
	"sync"

	"kolm/internal/codec"
	"kolm/internal/model"
	"kolm/internal/modelfile"
)

var (
	//go:embed kolm.gguf
	defaultFile []byte
	//go:embed kolm-small.gguf
	smallFile []byte
)

// The embedded models: the one to pack with, and one of a quarter of its size,
// for when that is too slow.
//
// Their IDs stand here so that not every start computes them. A test does, and
// so does "kolm model verify".
var (
	Default = embedded(defaultFile, "47ca5a5b35a1165f8c0e03185a433ec30c0f082aa300491d5d4aee7476f6d2c8")
	Small   = embedded(smallFile, "b730fe7959765391d22ce1173d506f173af8e9d6fbba31784c607d584ba6b9db")
)

// Models are all that are embedded.
func Models() []*Model { return []*Model{Default, Small} }

// Model is an embedded model.
type Model struct {
	file []byte
	id   [32]byte
	open func() (*codec.LM, error)
}

func embedded(file []byte, id string) *Model {
	m := &Model{file: file}
	if n, err := hex.Decode(m.id[:], []byte(id)); err != nil || n != len(m.id) {
		panic("builtin: no ID: " + id)
	}
	m.open = sync.OnceValues(func() (*codec.LM, error) {
		f, err := modelfile.LoadKnown(file, m.id)
		if err != nil {
			return nil, err
		}
		return ready(f)
	})
	return m
}

// File returns the GGUF file. The caller must not change it.
func (m *Model) File() []byte { return m.file }

// ID is the ID of the model, known without opening it.
func (m *Model) ID() [32]byte { return m.id }

// LM opens the model, once; it is shared and read only.
func (m *Model) LM() (*codec.LM, error) { return m.open() }

// Open makes a GGUF file of a kolm model ready for coding.
func Open(gguf []byte) (*codec.LM, error) {
	f, err := modelfile.Load(gguf)
	if err != nil {
		return nil, err
	}
	return ready(f)
}

func ready(f *modelfile.File) (*codec.LM, error) {
	m, err := model.New(f.Config, f.Weights)
	if err != nil {
		return nil, err
	}
	tok, err := f.Tokenizer()
	if err != nil {
		return nil, err
	}
	return codec.NewLM(f.ID, m, tok)
}
