package modelfile

import (
	"bytes"
	"fmt"

	"kolm/internal/model"
)

// config reads the sizes of the model.
func (l *loader) config() error {
	if err := l.want("general.architecture", architecture); err != nil {
		return err
	}
	if v, ok := l.keys["general.name"]; ok {
		l.f.Name, _ = v.Text()
	}
	if v, ok := l.keys[architecture+".rope.scaling.type"]; ok {
		if s, _ := v.Text(); s != "none" {
			return errorAt(v.at, "rope scaling is not supported")
		}
	}
	c := &l.f.Config
	var keyLength, valueLength, rotated int
	for _, k := range []struct {
		name  string
		value *int
		def   int // what stands for a missing key; 0 where it must be there
	}{
		{"block_count", &c.Layers, 0},
		{"context_length", &c.Window, 0},
		{"embedding_length", &c.Dim, 0},
		{"feed_forward_length", &c.FFN, 0},
		{"attention.head_count", &c.Heads, 0},
		{"attention.head_count_kv", &c.KVHeads, 0},
		{"attention.key_length", &keyLength, 0},
		{"attention.value_length", &valueLength, 0},
		{"rope.dimension_count", &rotated, -1},
		{"vocab_size", &c.Vocab, -1},
	} {
		if err := l.int(architecture+"."+k.name, k.value, k.def); err != nil {
			return err
		}
	}
	if valueLength != keyLength || rotated != -1 && rotated != keyLength {
		return fmt.Errorf("model file: keys are %d long, values %d, rotation %d: want one length", keyLength, valueLength, rotated)
	}
	c.HeadDim = keyLength
	return l.floats(c)
}

func (l *loader) floats(c *model.Config) error {
	eps, err := l.float(architecture + ".attention.layer_norm_rms_epsilon")
	if err != nil {
		return err
	}
	c.Eps = float32(eps)
	c.RopeBase, err = l.float(architecture + ".rope.freq_base")
	return err
}

// vocabulary reads the tokens, their types and the merges.
func (l *loader) vocabulary() error {
	if err := l.want("tokenizer.ggml.model", "gpt2"); err != nil {
		return err
	}
	if err := l.want("tokenizer.ggml.pre", preTokenizer); err != nil {
		return err
	}
	tokens, at, err := l.texts("tokenizer.ggml.tokens")
	if err != nil {
		return err
	}
	f := l.f
	if f.Config.Vocab == -1 {
		f.Config.Vocab = len(tokens)
	}
	if err := l.types(len(tokens)); err != nil {
		return err
	}
	ids := make(map[string]int32, len(tokens))
	f.Pieces = make([][]byte, len(tokens))
	for id, t := range tokens {
		if _, ok := ids[string(t)]; ok {
			return errorAt(at, "token %d, %q, occurs twice", id, t)
		}
		ids[string(t)] = int32(id)
		piece, ok := bytes.Clone(t), true
		if f.Types[id] == typeNormal {
			piece, ok = Unprintable(t)
		}
		if !ok {
			return errorAt(at, "token %d, %q, is not in GPT-2's spelling of bytes", id, t)
		}
		f.Pieces[id] = piece
	}
	if err := l.merges(ids); err != nil {
		return err
	}
	if err := l.int("tokenizer.ggml.bos_token_id", &f.Separator, 0); err != nil {
		return err
	}
	if f.Separator < 0 || f.Separator >= len(tokens) {
		return errorAt(l.keys["tokenizer.ggml.bos_token_id"].at, "separator is token %d of %d", f.Separator, len(tokens))
	}
	return nil
}

func (l *loader) types(n int) error {
	v, ok := l.keys["tokenizer.ggml.token_type"]
	if !ok {
		return fmt.Errorf("model file: key %q is missing", "tokenizer.ggml.token_type")
	}
	l.f.Types, ok = v.Int32s()
	if !ok || len(l.f.Types) != n {
		return errorAt(v.at, "token types are not %d integers, one a token", n)
	}
	return nil
}

func (l *loader) merges(ids map[string]int32) error {
	list, at, err := l.texts("tokenizer.ggml.merges")
	if err != nil {
		return err
	}
	l.f.Merges = make([][2]int32, len(list))
	for i, m := range list {
		left, right, ok := bytes.Cut(m, []byte(" "))
		a, okLeft := ids[string(left)]
		b, okRight := ids[string(right)]
		if !ok || !okLeft || !okRight {
			return errorAt(at, "merge %d, %q, is not two tokens with a space between", i, m)
		}
		l.f.Merges[i] = [2]int32{a, b}
	}
	return nil
}

// want checks that a key has one given text.
func (l *loader) want(key, text string) error {
	v, ok := l.keys[key]
	if !ok {
		return fmt.Errorf("model file: key %q is missing, want %q", key, text)
	}
	if s, ok := v.Text(); !ok || s != text {
		return errorAt(v.at, "%s is %.40q, which is not supported: want %q", key, s, text)
	}
	return nil
}

// int reads a key, or takes def where it is missing and def is not 0.
func (l *loader) int(key string, dst *int, def int) error {
	v, ok := l.keys[key]
	if !ok && def != 0 {
		*dst = def
		return nil
	}
	if !ok {
		return fmt.Errorf("model file: key %q is missing", key)
	}
	n, ok := v.Int()
	if !ok || n < 0 || n > 1<<31-1 {
		return errorAt(v.at, "%s is not a number from 0 to 2^31-1", key)
	}
	*dst = int(n)
	return nil
}

func (l *loader) float(key string) (float64, error) {
	v, ok := l.keys[key]
	if !ok {
		return 0, fmt.Errorf("model file: key %q is missing", key)
	}
	f, ok := v.Float()
	if !ok {
		return 0, errorAt(v.at, "%s is not a floating-point number", key)
	}
	return f, nil
}

func (l *loader) texts(key string) (list [][]byte, at int, err error) {
	v, ok := l.keys[key]
	if !ok {
		return nil, 0, fmt.Errorf("model file: key %q is missing", key)
	}
	list, ok = v.Texts()
	if !ok {
		return nil, 0, errorAt(v.at, "%s is not an array of strings", key)
	}
	return list, v.at, nil
}
