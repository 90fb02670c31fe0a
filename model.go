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

// BuiltinModel opens the model that comes with this package, which levels from
// [DefaultLevel] on pack with.
func BuiltinModel() (*Model, error) { return embedded(builtin.Default) }

// SmallModel opens the other model that comes with this package, for levels 3
// and 4: it predicts less well and computes several times as fast.
func SmallModel() (*Model, error) { return embedded(builtin.Small) }

func embedded(b *builtin.Model) (*Model, error) {
	lm, err := b.LM()
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
	switch {
	case o.level < modelLevel:
		return nil, nil
	case o.model != nil:
		return o.model.lm, nil
	case o.level < DefaultLevel:
		return builtin.Small.LM()
	}
	return builtin.Default.LM()
}

// unpacker finds the model that a block was packed with, nil if none was.
func (o *options) unpacker(e *container.Entry) (*codec.LM, error) {
	prefix := e.ModelPrefix()
	if prefix == nil {
		return nil, nil
	}
	fits := func(id [32]byte) bool { return bytes.HasPrefix(id[:], prefix) }
	if o.model != nil && fits(o.model.lm.ID) {
		return o.model.lm, nil
	}
	for _, b := range builtin.Models() {
		if fits(b.ID()) {
			return b.LM()
		}
	}
	if o.find != nil {
		m, err := o.find(prefix)
		if err != nil {
			return nil, e.Wrong(ErrModel, "packed with model %x: %v", prefix, err)
		}
		if m != nil && fits(m.lm.ID) {
			return m.lm, nil
		}
	}
	return nil, e.Wrong(ErrModel, "packed with model %x, which is not at hand", prefix)
}
