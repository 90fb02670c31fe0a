package lmfile

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"kolm/internal/lm"
)

// Parse opens a model whose GGUF file is in memory, such as the built-in one. data
// must not be changed afterwards.
func Parse(name string, data []byte, keep int64) (*File, error) {
	f := &File{Path: name}
	f.hash = sync.OnceValues(func() ([32]byte, error) { return sha256.Sum256(data), nil })
	b, err := f.parse(data)
	if err == nil {
		f.Model, err = lm.New(b.config, &b.weights, keep)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f.Parameters, f.Types = b.parameters, b.types
	return f, nil
}
