package modelfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"unsafe"

	"kolm/internal/dequant"
	"kolm/internal/half"
	"kolm/internal/model"
)

// Write writes the model as a GGUF file of version 3 that llama.cpp loads too.
// Int8 matrices become Q8_0 tensors whose blocks in a row share the row's
// scale, which must be a binary16 number; float32 ones become F32 tensors. The
// same File gives the same bytes, and Load gives back what was written. An output
// table that shares the input table's storage is left out.
func Write(w io.Writer, f *File) error {
	return f.write(w, f.Merges, func(m *model.Matrix) Type {
		if m.F != nil {
			return F32
		}
		return Q8_0
	})
}

// Marshal returns what Write writes.
func Marshal(f *File) ([]byte, error) {
	var b bytes.Buffer
	if err := Write(&b, f); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Export writes the model for other programs, all matrices as tensors of one
// type: F32, F16, or Q8_0 with one scale a row. Because llama.cpp refuses a
// vocabulary without merges, one that joins two bytes which never stand together
// in text is added where there is none; Load does not take that for kolm's order.
func Export(w io.Writer, f *File, t Type) error {
	if t != F32 && t != F16 && t != Q8_0 {
		return fmt.Errorf("model file: type %v is not written: want F32, F16 or Q8_0", t)
	}
	merges := f.Merges
	if len(merges) == 0 {
		merges = [][2]int32{{0, 0}}
	}
	return f.write(w, merges, func(*model.Matrix) Type { return t })
}

// write writes the model with matrices of the types that as names.
func (f *File) write(w io.Writer, merges [][2]int32, as func(*model.Matrix) Type) error {
	if err := f.check(); err != nil {
		return err
	}
	if len(f.Types) != len(f.Pieces) {
		return fmt.Errorf("model file: %d token types for %d tokens", len(f.Types), len(f.Pieces))
	}
	if base := f.Config.RopeBase; float64(float32(base)) != base {
		return fmt.Errorf("model file: rope base %v is no float32", base)
	}
	var tensors []Tensor
	fileType := 0 // of the key general.file_type: all F32
	for _, p := range parts(f.Config, f.Weights) {
		if p.Matrix == &f.Weights.Output && tied(f.Weights) {
			continue
		}
		t, err := p.tensor(as)
		if err != nil {
			return err
		}
		switch t.Type {
		case F16:
			fileType = 1 // mostly F16
		case Q8_0:
			fileType = 7 // mostly Q8_0
		}
		tensors = append(tensors, t)
	}
	return Encode(w, f.metadata(fileType, merges), tensors)
}

// metadata lists the keys that llama.cpp needs.
func (f *File) metadata(fileType int, merges [][2]int32) []KV {
	c := &f.Config
	tokens, pairs := make([]string, len(f.Pieces)), make([]string, len(merges))
	for id := range tokens {
		tokens[id] = f.Spelling(id)
	}
	for i, m := range merges {
		pairs[i] = tokens[m[0]] + " " + tokens[m[1]]
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
		{"tokenizer.ggml.merges", stringsValue(pairs)},
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

// tensor serialises the matrix, with the type that as names, or the vector.
func (p *Part) tensor(as func(*model.Matrix) Type) (Tensor, error) {
	t := Tensor{Name: p.Name, Dims: []int{p.Cols, p.Rows}, Type: F32}
	if p.Vector != nil {
		t.Dims = t.Dims[:1]
		return t, t.narrow(*p.Vector)
	}
	if t.Type = as(p.Matrix); t.Type != Q8_0 {
		return t, t.narrow(p.Matrix.Floats())
	}
	m := p.Matrix.Int8()
	for r, s := range m.Scale {
		if half.ToFloat(half.FromFloat(s)) != s {
			return t, fmt.Errorf("model file: %s: scale of row %d is %v, which is no binary16 number", p.Name, r, s)
		}
	}
	t.Data = packQ8(&m)
	return t, nil
}

// narrow sets the data to numbers, F32 or F16.
func (t *Tensor) narrow(x []float32) error {
	b, err := dequant.Narrow(x, t.Type)
	if err != nil {
		return fmt.Errorf("model file: %s: %w", t.Name, err)
	}
	t.Data = b
	return nil
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
