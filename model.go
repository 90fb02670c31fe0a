package kolm

import (
	"bytes"
	"encoding/hex"
	"fmt"

	"kolm/internal/builtin"
	"kolm/internal/codec"
	"kolm/internal/container"
)

// ModelID identifies a model by what determines its predictions.
type ModelID [32]byte

// String is the whole ID, 64 hexadecimal digits.
func (id ModelID) String() string { return hex.EncodeToString(id[:]) }

// Model is a language model to pack and unpack with. It is read only and may be
// shared.
type Model struct{ lm *codec.LM }

// ID identifies the model.
func (m *Model) ID() ModelID { return m.lm.ID }

// BuiltinModel opens the model that comes with this package.
func BuiltinModel() (*Model, error) {
	lm, err := builtin.LM()
	if err != nil {
		return nil, fmt.Errorf("built-in model: %w", err)
	}
	return &Model{lm}, nil
}

// ParseModel opens a model from the bytes of a GGUF file.
func ParseModel(file []byte) (*Model, error) {
	lm, err := builtin.Open(file)
	if err != nil {
		return nil, err
	}
	return &Model{lm}, nil
}

// packer is the model to pack with, nil at levels that use none.
func (o *options) packer() (*codec.LM, error) {
	if o.level < DefaultLevel {
		return nil, nil
	}
	if o.model != nil {
		return o.model.lm, nil
	}
	m, err := BuiltinModel()
	if err != nil {
		return nil, err
	}
	return m.lm, nil
}

// unpacker finds the model that a block was packed with, nil if none was.
func (o *options) unpacker(e *container.Entry) (*codec.LM, error) {
	prefix := e.ModelPrefix()
	fits := func(m *Model) bool { return m != nil && bytes.HasPrefix(m.lm.ID[:], prefix) }
	switch {
	case prefix == nil:
		return nil, nil
	case fits(o.model):
		return o.model.lm, nil
	}
	m, err := BuiltinModel()
	if err != nil {
		return nil, err
	}
	if fits(m) {
		return m.lm, nil
	}
	if o.find != nil {
		if m, err = o.find(prefix); err != nil {
			return nil, e.Wrong(ErrModel, "packed with model %x: %v", prefix, err)
		}
		if fits(m) {
			return m.lm, nil
		}
	}
	return nil, e.Wrong(ErrModel, "packed with model %x, which is not at hand", prefix)
}
