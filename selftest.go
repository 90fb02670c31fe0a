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
	"kolm/internal/kernel"
)

// ErrSelfTest: this program on this machine does not unpack what it must. It
// then neither packs nor unpacks anything.
var ErrSelfTest = errors.New("kolm: self-test failed")

// Short messages and what they stand for, packed without a model and with each
// built-in one.
var (
	//go:embed testdata/golden/contexts.golden
	contextsPacked []byte
	//go:embed testdata/golden/contexts.plain
	contextsPlain []byte
	//go:embed testdata/golden/model.golden
	modelPacked []byte
	//go:embed testdata/golden/model.plain
	modelPlain []byte
	//go:embed testdata/golden/small.golden
	smallPacked []byte
	//go:embed testdata/golden/small.plain
	smallPlain []byte
)

// once runs a test at its first call and keeps what came of it.
type once struct {
	sync.Once
	err error
}

var testedContexts, testedModel, testedSmall once

// selfTest unpacks a known message before the first use of contexts or of a
// model, once in the life of the program, with the coder c that is about to be
// used: making one takes longer than the test. c has the model lm, nil for none.
func selfTest(lm *codec.LM, c coder) error {
	switch {
	case lm == nil:
		testedContexts.Do(func() { testedContexts.err = knownAnswer(contextsPacked, contextsPlain, nil, c) })
		return testedContexts.err
	case lm.ID == builtin.Small.ID():
		testedSmall.Do(func() { testedSmall.err = testModel(lm, c, smallPacked, smallPlain) })
		return testedSmall.err
	}
	testedModel.Do(func() { testedModel.err = testDefault(lm, c) })
	return testedModel.err
}

// testDefault tests the default model, if c has another one with a coder of its own.
func testDefault(lm *codec.LM, c coder) error {
	own, err := builtin.Default.LM()
	if err != nil {
		return err
	}
	if lm != own {
		c = codec.New(codec.Options{Level: codec.ModelLevel, LM: own, Workers: 1})
	}
	return testModel(own, c, modelPacked, modelPlain)
}

// testModel tests the arithmetic, on more than a message meets, and then the model.
func testModel(lm *codec.LM, c coder, packed, plain []byte) error {
	if err := kernel.SelfTest(); err != nil {
		return fmt.Errorf("%w: %w", ErrSelfTest, err)
	}
	return knownAnswer(packed, plain, lm, c)
}

func knownAnswer(packed, want []byte, lm *codec.LM, c coder) error {
	e, payload, err := container.NewScanner(bytes.NewReader(packed)).Next(nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSelfTest, err)
	}
	if p := e.ModelPrefix(); lm != nil && !bytes.Equal(p, lm.ID[:len(p)]) {
		return fmt.Errorf("%w: the known answer is for model %x, the built-in one is %x", ErrSelfTest, p, lm.ID[:len(p)])
	}
	got := make([]byte, e.Plain)
	if err := c.Decode(got, codec.Method(e.Method), payload); err != nil {
		return fmt.Errorf("%w: %w", ErrSelfTest, err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%w: unpacked %q, want %q", ErrSelfTest, got, want)
	}
	return nil
}
