package modelfile

import (
	"fmt"
	"math"

	"kolm/internal/dequant"
)

// Error says where in a file something is wrong.
type Error struct {
	Offset int // in bytes from the start of the file
	Reason string
}

func (e *Error) Error() string {
	return fmt.Sprintf("model file: at byte %d: %s", e.Offset, e.Reason)
}

func errorAt(offset int, format string, args ...any) error {
	return &Error{Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

// Limits on what a file may hold. Everything else is bounded by its length.
const (
	maxKeys    = 1 << 16
	maxTensors = 1 << 16
	maxDims    = 4
	maxAlign   = 1 << 20
)

// Type is the storage type of a tensor, numbered as in GGUF.
type Type = dequant.Type

// The types that kolm's own models have.
const (
	F32  = dequant.F32
	F16  = dequant.F16
	Q8_0 = dequant.Q8_0
)

// q8Block is the length of a Q8_0 block in numbers, q8Bytes in bytes.
const (
	q8Block = 32
	q8Bytes = 34
)

// Tensor is a tensor of a GGUF file. Dims come in GGUF's order: the length of a
// row first, then the number of rows.
type Tensor struct {
	Name   string
	Dims   []int
	Type   Type
	Data   []byte // part of the file
	Offset int    // of Data in the file
	at     int    // where the file describes it
}

// Described returns where the file describes the tensor: name, shape, type.
func (t *Tensor) Described() int { return t.at }

// Floats returns the numbers of a tensor. It is an *Error if one is not finite.
func (t *Tensor) Floats() ([]float32, error) {
	numbers, bytes := t.Type.Block()
	out := make([]float32, len(t.Data)/bytes*numbers)
	return out, t.Widen(out, 0)
}

// Widen writes the numbers from number first on to dst. Both first and len(dst)
// are whole blocks.
func (t *Tensor) Widen(dst []float32, first int) error {
	numbers, bytes := t.Type.Block()
	start := first / numbers * bytes
	err := dequant.Widen(dst, t.Type, t.Data[start:][:len(dst)/numbers*bytes])
	if err == nil {
		return nil
	}
	bad := err.(*dequant.Error)
	return errorAt(t.Offset+start+bad.Offset, "tensor %q: %s", t.Name, bad.What)
}

// Kind is the type of a metadata value, numbered as in GGUF.
type Kind uint32

// The kinds of metadata values.
const (
	Uint8 Kind = iota
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Float32
	Bool
	String
	Array
	Uint64
	Int64
	Float64
)

// size is the length of a value of the kind in bytes; 0 where it varies.
func (k Kind) size() int {
	switch k {
	case Uint8, Int8, Bool:
		return 1
	case Uint16, Int16:
		return 2
	case Uint32, Int32, Float32:
		return 4
	case Uint64, Int64, Float64:
		return 8
	}
	return 0
}

// Value is a metadata value: a scalar, a string, or an array of those. It is
// kept as the bytes of the file; the methods decode it, and report false where
// it is of another kind.
type Value struct {
	Kind Kind
	Elem Kind // of an array
	Len  int  // of an array
	raw  []byte
	at   int
}

// KV is one metadata entry.
type KV struct {
	Key   string
	Value Value
}

// GGUF is a parsed file: its metadata and tensors in the order of the file.
type GGUF struct {
	Version int
	Keys    []KV
	Tensors []Tensor
}

// Get returns the value of a key.
func (g *GGUF) Get(key string) (Value, bool) {
	for _, kv := range g.Keys {
		if kv.Key == key {
			return kv.Value, true
		}
	}
	return Value{}, false
}

// missing reports the zero Value, which stands for a key that is not there.
func (v Value) missing() bool { return len(v.raw) < v.Kind.size() }

// Int returns an integer of any width.
func (v Value) Int() (int64, bool) {
	if v.missing() {
		return 0, false
	}
	u := little(v.raw[:v.Kind.size()])
	switch v.Kind {
	case Uint8, Uint16, Uint32:
		return int64(u), true
	case Uint64:
		return int64(u), u <= math.MaxInt64
	case Int8:
		return int64(int8(u)), true
	case Int16:
		return int64(int16(u)), true
	case Int32:
		return int64(int32(u)), true
	case Int64:
		return int64(u), true
	}
	return 0, false
}

// Float returns a floating-point number of either width.
func (v Value) Float() (float64, bool) {
	if v.missing() {
		return 0, false
	}
	switch v.Kind {
	case Float32:
		return float64(math.Float32frombits(uint32(little(v.raw[:4])))), true
	case Float64:
		return math.Float64frombits(little(v.raw[:8])), true
	}
	return 0, false
}

// Offset returns where in the file the value is.
func (v Value) Offset() int { return v.at }

// Bool returns a truth value.
func (v Value) Bool() (value, ok bool) {
	if v.Kind != Bool || v.missing() {
		return false, false
	}
	return v.raw[0] != 0, true
}

// Text returns a string.
func (v Value) Text() (string, bool) {
	if v.Kind != String {
		return "", false
	}
	return string(v.raw), true
}

// Bytes returns an array of Uint8 as part of the file.
func (v Value) Bytes() ([]byte, bool) {
	if v.Kind != Array || v.Elem != Uint8 {
		return nil, false
	}
	return v.raw, true
}

// Texts returns an array of strings as parts of the file.
func (v Value) Texts() ([][]byte, bool) {
	if v.Kind != Array || v.Elem != String {
		return nil, false
	}
	out, raw := make([][]byte, v.Len), v.raw
	for i := range out {
		n := little(raw[:8])
		out[i], raw = raw[8:8+n:8+n], raw[8+n:]
	}
	return out, true
}

// Int32s returns an array of 32-bit integers, signed or not.
func (v Value) Int32s() ([]int32, bool) {
	if v.Kind != Array || v.Elem != Int32 && v.Elem != Uint32 {
		return nil, false
	}
	out := make([]int32, v.Len)
	for i := range out {
		out[i] = int32(little(v.raw[4*i:][:4]))
	}
	return out, true
}

// Float32s returns an array of 32-bit floating-point numbers.
func (v Value) Float32s() ([]float32, bool) {
	if v.Kind != Array || v.Elem != Float32 {
		return nil, false
	}
	out := make([]float32, v.Len)
	for i := range out {
		out[i] = math.Float32frombits(uint32(little(v.raw[4*i:][:4])))
	}
	return out, true
}

// Bools returns an array of truth values.
func (v Value) Bools() ([]bool, bool) {
	if v.Kind != Array || v.Elem != Bool {
		return nil, false
	}
	out := make([]bool, v.Len)
	for i := range out {
		out[i] = v.raw[i] != 0
	}
	return out, true
}

// little reads up to 8 bytes as a little-endian number.
func little(b []byte) (u uint64) {
	for i, x := range b {
		u |= uint64(x) << (8 * i)
	}
	return u
}
