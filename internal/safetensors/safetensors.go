// Package safetensors reads and writes safetensors files and folders of them, as
// Hugging Face lays them out. It must not know models: names are just names.
//
// # The format
//
// A file is the length of a header as 8 bytes, little-endian; the header, a JSON
// object; and data. Each member of the object is a tensor: its dtype, its shape,
// the length of a row last, and data_offsets, where its bytes begin and end in
// the data. Tensors lie side by side without gaps. The member __metadata__ is an
// object of texts. (Facts from the format's own description.)
package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"kolm/internal/dequant"
)

// Error says where in a file something is wrong.
type Error struct {
	Offset int // in bytes from the start of the file
	Reason string
}

func (e *Error) Error() string {
	return fmt.Sprintf("safetensors file: at byte %d: %s", e.Offset, e.Reason)
}

func errorAt(offset int, format string, args ...any) error {
	return &Error{Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

// dtypes lists the types of the format with the length of a number in bits.
var dtypes = map[string]int{
	"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
	"U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64,
}

// floats lists those that Widen converts.
var floats = map[string]dequant.Type{"F32": dequant.F32, "F16": dequant.F16, "BF16": dequant.BF16}

// Tensor is a tensor of a file.
type Tensor struct {
	Name   string
	DType  string
	Shape  []int
	Data   []byte // part of the file
	Offset int    // of Data in the file
	at     int    // where the header describes it
}

// Described returns where the header describes the tensor.
func (t *Tensor) Described() int { return t.at }

// Type returns the storage type, and false for one that Widen does not convert.
func (t *Tensor) Type() (dequant.Type, bool) {
	typ, ok := floats[t.DType]
	return typ, ok
}

// Widen writes the numbers from number first on to dst. It is an *Error if the
// type is not F32, F16 or BF16, or if a number is not finite.
func (t *Tensor) Widen(dst []float32, first int) error { return t.widen(dst, first, 1) }

// WidenColumn writes column c of a matrix whose rows are width numbers long.
func (t *Tensor) WidenColumn(dst []float32, c, width int) error { return t.widen(dst, c, width) }

// widen writes the numbers first, first+step, ...
func (t *Tensor) widen(dst []float32, first, step int) error {
	typ, ok := floats[t.DType]
	if !ok {
		return errorAt(t.at, "tensor %q has type %s, which is not supported: want F32, F16 or BF16", t.Name, t.DType)
	}
	_, size := typ.Block()
	data := t.Data[first*size:]
	if step > 1 {
		gathered := make([]byte, len(dst)*size)
		for i := range dst {
			copy(gathered[i*size:][:size], data[i*step*size:])
		}
		data = gathered
	}
	err := dequant.Widen(dst, typ, data[:len(dst)*size])
	var bad *dequant.Error
	if errors.As(err, &bad) {
		return errorAt(t.Offset+(first+bad.Offset/size*step)*size, "tensor %q: %s", t.Name, bad.What)
	}
	return err
}

// Parse reads a file. The tensors come in the order of the header and refer to
// data, which must not change. Errors are of type *Error. What Parse allocates is
// at most a small multiple of the header, which is part of data.
func Parse(data []byte) ([]Tensor, error) {
	if len(data) < 8 {
		return nil, errorAt(0, "%d bytes, want at least 8", len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	if left := uint64(len(data) - 8); n > left {
		return nil, errorAt(0, "the header claims %d bytes, %d are left", n, left)
	}
	p := &parser{header: data[8 : 8+n], data: data, base: 8 + int(n)}
	if err := p.tensors(); err != nil {
		return nil, err
	}
	return p.list, p.layout()
}

// parser reads a header.
type parser struct {
	header []byte
	data   []byte // the file
	base   int    // of the tensors' bytes in the file
	list   []Tensor
}

func (p *parser) tensors() error {
	d := json.NewDecoder(bytes.NewReader(p.header))
	at := func() int { return 8 + int(d.InputOffset()) }
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errorAt(8, "the header is not a JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		start := at()
		key, err := d.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return errorAt(at(), "the header is not valid JSON")
		}
		if seen[name] {
			return errorAt(start, "tensor %q occurs twice", name)
		}
		seen[name] = true
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return errorAt(at(), "the header is not valid JSON: %v", err)
		}
		if name == "__metadata__" {
			continue
		}
		if err := p.tensor(name, raw, start); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errorAt(at(), "the header is not valid JSON")
	}
	if rest := bytes.TrimLeft(p.header[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return errorAt(at(), "%d bytes after the header's object", len(rest))
	}
	return nil
}

// tensor reads one description and finds the data that it refers to.
func (p *parser) tensor(name string, raw []byte, at int) error {
	var info struct {
		DType   string   `json:"dtype"`
		Shape   []uint64 `json:"shape"`
		Offsets []uint64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(raw, &info); err != nil {
		return errorAt(at, "tensor %q: %v", name, err)
	}
	bits, ok := dtypes[info.DType]
	if !ok {
		return errorAt(at, "tensor %q has unknown type %.40q", name, info.DType)
	}
	have := uint64(len(p.data) - p.base)
	if len(info.Offsets) != 2 || info.Offsets[0] > info.Offsets[1] || info.Offsets[1] > have {
		return errorAt(at, "tensor %q has data_offsets %v, want a part of the %d bytes of data", name, info.Offsets, have)
	}
	t := Tensor{Name: name, DType: info.DType, at: at}
	size := uint64(bits / 8)
	for _, n := range info.Shape {
		if n > math.MaxInt32 || n > 0 && size > have { // so that the product cannot overflow
			return errorAt(at, "tensor %q has shape %v, more than the %d bytes of data hold", name, info.Shape, have)
		}
		size *= n
		t.Shape = append(t.Shape, int(n))
	}
	from, to := info.Offsets[0], info.Offsets[1]
	if size != to-from {
		return errorAt(at, "tensor %q (%s %v) needs %d bytes, data_offsets %v give %d", name, t.DType, t.Shape, size, info.Offsets, to-from)
	}
	t.Offset = p.base + int(from)
	t.Data = p.data[t.Offset : t.Offset+int(size) : t.Offset+int(size)]
	p.list = append(p.list, t)
	return nil
}

// layout checks that the tensors cover the data, each byte once.
func (p *parser) layout() error {
	order := make([]*Tensor, len(p.list))
	for i := range p.list {
		order[i] = &p.list[i]
	}
	slices.SortStableFunc(order, func(a, b *Tensor) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(len(a.Data), len(b.Data)))
	})
	end := p.base
	for _, t := range order {
		if t.Offset != end {
			return errorAt(t.at, "tensor %q begins at byte %d, but the one before ends at %d: they overlap or leave a gap", t.Name, t.Offset, end)
		}
		end += len(t.Data)
	}
	if end != len(p.data) {
		return errorAt(end, "%d bytes after the last tensor", len(p.data)-end)
	}
	return nil
}
