package kolm

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"sync"

	"kolm/internal/builtin"
	"kolm/internal/codec"
	"kolm/internal/container"
)

// ErrSelfTest: this program on this machine does not unpack what it must. It
// then neither packs nor unpacks anything.
var ErrSelfTest = errors.New("kolm: self-test failed")

// Two short messages and what they stand for, packed without and with the
// built-in model.
var (
	//go:embed testdata/golden/contexts.golden
	contextsPacked []byte
	//go:embed testdata/golden/contexts.plain
	contextsPlain []byte
	//go:embed testdata/golden/model.golden
	modelPacked []byte
	//go:embed testdata/golden/model.plain
	modelPlain []byte
)

var (
	testContexts = sync.OnceValue(func() error { return knownAnswer(contextsPacked, contextsPlain, nil) })
	testModel    = sync.OnceValue(func() error {
		lm, err := builtin.LM()
		if err != nil {
			return err
		}
		return knownAnswer(modelPacked, modelPlain, lm)
	})
)

// selfTest unpacks a known message before the first use of contexts or of any
// model, once in the life of the program. It takes milliseconds.
func selfTest(lm *codec.LM) error {
	if lm != nil {
		return testModel()
	}
	return testContexts()
}

func knownAnswer(packed, want []byte, lm *codec.LM) error {
	e, payload, err := container.NewScanner(bytes.NewReader(packed)).Next(nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSelfTest, err)
	}
	if p := e.ModelPrefix(); lm != nil && !bytes.Equal(p, lm.ID[:len(p)]) {
		return fmt.Errorf("%w: the known answer is for model %x, the built-in one is %x", ErrSelfTest, p, lm.ID[:len(p)])
	}
	got := make([]byte, e.Plain)
	c := codec.New(codec.Options{Level: DefaultLevel, LM: lm, Workers: 1})
	if err := c.Decode(got, codec.Method(e.Method), payload); err != nil {
		return fmt.Errorf("%w: %w", ErrSelfTest, err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%w: unpacked %q, want %q", ErrSelfTest, got, want)
	}
	return nil
}
