// Package builtin holds the language model that is embedded in kolm.
//
// doc/model.md says how it was trained. The package must not know how models
// are used, only how the embedded file is opened.
package builtin

import (
	_ "embed"
	"encoding/hex"
	"sync"

	"kolm/internal/codec"
	"kolm/internal/model"
	"kolm/internal/modelfile"
)

//go:embed kolm.gguf
var file []byte

// File returns the embedded GGUF file. The caller must not change it.
func File() []byte { return file }

// id is the ID of the embedded file, here so that not every start computes it.
// A test does, and so does "kolm model verify".
const id = "da1c8a38af758c122296a4029517e8f44af271ff7d9516f9a31420b113fbad55"

// LM opens the embedded model, once; it is shared and read only.
var LM = sync.OnceValues(func() (*codec.LM, error) {
	sum, err := hex.DecodeString(id)
	if err != nil {
		return nil, err
	}
	f, err := modelfile.LoadKnown(file, [32]byte(sum))
	if err != nil {
		return nil, err
	}
	return ready(f)
})

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
