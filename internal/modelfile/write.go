package modelfile

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"unsafe"

	"kolm/internal/half"
	"kolm/internal/model"
)

// Write writes the model as a GGUF file of version 3 that llama.cpp loads too.
// Int8 matrices become Q8_0 tensors whose blocks in a row share the row's
// scale, which must be a binary16 number; float32 ones become F32 tensors. The
// same File gives the same bytes, and Load gives back what was written. An output
// table that shares the input table's storage is left out.
func Write(w io.Writer, f *File) error {
	b, err := Marshal(f)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// Marshal returns what Write writes.
func Marshal(f *File) ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if len(f.Types) != len(f.Pieces) {
		return nil, fmt.Errorf("model file: %d token types for %d tokens", len(f.Types), len(f.Pieces))
	}
	if base := f.Config.RopeBase; float64(float32(base)) != base {
		return nil, fmt.Errorf("model file: rope base %v is no float32", base)
	}
	var tensors []Tensor
	fileType := 0 // all F32
	for _, p := range parts(f.Config, f.Weights) {
		if p.matrix == &f.Weights.Output && tied(f.Weights) {
			continue
		}
		t, err := p.tensor()
		if err != nil {
			return nil, err
		}
		if t.Type == Q8_0 {
			fileType = 7 // mostly Q8_0
		}
		tensors = append(tensors, t)
	}
	return encode(f.metadata(fileType), tensors), nil
}

// metadata lists the keys that llama.cpp needs.
func (f *File) metadata(fileType int) []KV {
	c := &f.Config
	tokens, merges := make([]string, len(f.Pieces)), make([]string, len(f.Merges))
	for id := range tokens {
		tokens[id] = f.spell(id)
	}
	for i, m := range f.Merges {
		merges[i] = tokens[m[0]] + " " + tokens[m[1]]
	}
	return []KV{
		{"general.architecture", stringValue(architecture)},
		{"general.name", stringValue(f.Name)},
		{"general.file_type", uint32Value(fileType)},
		{"general.quantization_version", uint32Value(2)},
		{architecture + ".block_count", uint32Value(c.Layers)},
		{architecture + ".context_length", uint32Value(c.Window)},
		{architecture + ".embedding_length", uint32Value(c.Dim)},
		{architecture + ".feed_forward_length", uint32Value(c.FFN)},
		{architecture + ".attention.head_count", uint32Value(c.Heads)},
		{architecture + ".attention.head_count_kv", uint32Value(c.KVHeads)},
		{architecture + ".attention.key_length", uint32Value(c.HeadDim)},
		{architecture + ".attention.value_length", uint32Value(c.HeadDim)},
		{architecture + ".attention.layer_norm_rms_epsilon", float32Value(c.Eps)},
		{architecture + ".rope.freq_base", float32Value(float32(c.RopeBase))},
		{architecture + ".vocab_size", uint32Value(c.Vocab)},
		{"tokenizer.ggml.model", stringValue("gpt2")},
		{"tokenizer.ggml.pre", stringValue(preTokenizer)},
		{"tokenizer.ggml.tokens", stringsValue(tokens)},
		{"tokenizer.ggml.token_type", int32sValue(f.Types)},
		{"tokenizer.ggml.merges", stringsValue(merges)},
		{"tokenizer.ggml.bos_token_id", uint32Value(f.Separator)},
		{"tokenizer.ggml.eos_token_id", uint32Value(f.Separator)},
		{"tokenizer.ggml.add_bos_token", boolValue(true)},
	}
}

// tied reports whether the output table is the input table.
func tied(w *model.Weights) bool {
	return unsafe.SliceData(w.Output.F) == unsafe.SliceData(w.Embed.F) &&
		unsafe.SliceData(w.Output.Q) == unsafe.SliceData(w.Embed.Q)
}

// tensor serialises the matrix or vector.
func (p *part) tensor() (Tensor, error) {
	t := Tensor{Name: p.name, Dims: []int{p.cols, p.rows}, Type: F32}
	switch {
	case p.vector != nil:
		t.Dims = t.Dims[:1]
		t.Data = packF32(*p.vector)
	case p.matrix.F != nil:
		t.Data = packF32(p.matrix.F)
	default:
		for r, s := range p.matrix.Scale {
			if half.ToFloat(half.FromFloat(s)) != s {
				return t, fmt.Errorf("model file: %s: scale of row %d is %v, which is no binary16 number", p.name, r, s)
			}
		}
		t.Type, t.Data = Q8_0, packQ8(p.matrix)
	}
	return t, nil
}

func packF32(x []float32) []byte {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// packQ8 writes every row as Q8_0 blocks that share its scale.
func packQ8(m *model.Matrix) []byte {
	b := make([]byte, 0, len(m.Q)/q8Block*q8Bytes)
	q := asBytes(m.Q)
	for _, s := range m.Scale {
		h := half.FromFloat(s)
		for range m.Cols / q8Block {
			b = binary.LittleEndian.AppendUint16(b, h)
			b = append(b, q[:q8Block]...)
			q = q[q8Block:]
		}
	}
	return b
}
