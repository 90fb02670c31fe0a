package codes

import (
	"bytes"
	"context"
	"io"
	"math"
	"strings"

	"kolm"
	"kolm/internal/builtin"
	"kolm/internal/codec"
	"kolm/internal/container"
	"kolm/internal/ledger"
	"kolm/internal/modelfile"
)

func contexts(_ context.Context, in *Input) ([]*ledger.Ledger, error) {
	l, err := packed("kolm -1", in, nil, kolm.WithLevel(1))
	return []*ledger.Ledger{l}, err
}

// mixed gives kolm's code twice: for who has the model anyway, and for who has not.
func mixed(_ context.Context, in *Input) ([]*ledger.Ledger, error) {
	lm, err := builtin.Open(in.ModelFile)
	if err != nil {
		return nil, err
	}
	without, err := packed("kolm -5, model not counted", in, lm, kolm.WithLevel(5), kolm.WithModel(in.Model))
	if err != nil {
		return nil, err
	}
	parts, err := modelParts(in.ModelFile)
	if err != nil {
		return nil, err
	}
	with := *without
	with.Code = "kolm -5, model counted"
	with.Entries = append(parts, without.Entries...)
	return []*ledger.Ledger{without, &with}, nil
}

// modelParts are the parts of a model's file.
func modelParts(file []byte) ([]ledger.Entry, error) {
	g, err := modelfile.Parse(file)
	if err != nil {
		return nil, err
	}
	tokenizer, weights := 0, 0
	for _, kv := range g.Keys {
		if strings.HasPrefix(kv.Key, "tokenizer.") {
			tokenizer += kv.Size()
		}
	}
	for i := range g.Tensors {
		weights += len(g.Tensors[i].Data)
	}
	entry := func(what string, bytes int) ledger.Entry {
		return ledger.Entry{What: what, Side: ledger.Model, Bits: ledger.Bytes(int64(bytes))}
	}
	return []ledger.Entry{
		entry("architecture", len(file)-tokenizer-weights), entry("tokenizer", tokenizer), entry("weights", weights),
	}, nil
}

// packed writes a file of kolm's and reads it back. lm is the model of the options.
func packed(name string, in *Input, lm *codec.LM, opts ...kolm.Option) (*ledger.Ledger, error) {
	l := &ledger.Ledger{Code: name}
	var file, back []byte
	var ideal float64
	var head int
	err := timed(l, func() error {
		c, err := kolm.NewCodec(opts...)
		if err != nil {
			return err
		}
		if file, err = c.Encode(nil, in.Data); err != nil {
			return err
		}
		back, head, ideal, err = unpack(file, lm, max(1, in.Threads))
		return err
	})
	if err != nil {
		return nil, err
	}
	payload(l, head, ideal, len(file))
	if err := decoded(l, back, in.Data); err != nil {
		return nil, err
	}
	return l, l.Close(int64(len(file)))
}

// unpack decodes a file as package kolm does, and adds up what every decision
// cost. head is how many bytes are no payload.
func unpack(file []byte, lm *codec.LM, workers int) (plain []byte, head int, ideal float64, err error) {
	level := 1
	if lm != nil {
		level = kolm.DefaultLevel
	}
	c := codec.New(codec.Options{Level: level, LM: lm, Workers: workers,
		Watch: func(p uint32) { ideal += 32 - math.Log2(float64(p)) }})
	s := container.NewScanner(bytes.NewReader(file))
	head = len(file)
	for {
		e, payload, err := s.Next(nil)
		if err == io.EOF {
			return plain, head, ideal, nil
		}
		if err != nil {
			return nil, 0, 0, err
		}
		head -= len(payload)
		block := make([]byte, e.Plain)
		m := codec.Method(e.Method)
		if err := c.Decode(block, m, payload); err != nil {
			return nil, 0, 0, err
		}
		var id *[32]byte
		switch m {
		case codec.Model:
			id = &lm.ID
		case codec.Stored, codec.Fill:
			ideal += 8 * float64(len(payload))
		}
		if err := e.Check(id, block); err != nil {
			return nil, 0, 0, err
		}
		plain = append(plain, block...)
	}
}
