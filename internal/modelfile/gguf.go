package modelfile

import (
	"fmt"
	"math"
	"strconv"
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
type Type uint32

// The types that kolm reads and writes.
const (
	F32  Type = 0
	F16  Type = 1
	Q8_0 Type = 8 // blocks of 32: a binary16 scale, 32 int8 numbers
)

// q8Block is the length of a Q8_0 block in numbers, q8Bytes in bytes.
const (
	q8Block = 32
	q8Bytes = 34
)

var typeNames = map[Type]string{
	0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1",
	10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS",
	17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S",
	23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M",
	30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}

func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return "type " + strconv.Itoa(int(t))
}

// block returns how many numbers and bytes a block of the type has; zeros for
// a type that kolm does not read.
func (t Type) block() (numbers, bytes int) {
	switch t {
	case F32:
		return 1, 4
	case F16:
		return 1, 2
	case Q8_0:
		return q8Block, q8Bytes
	}
	return 0, 0
}

// Tensor is a tensor of a GGUF file. Dims come in GGUF's order: the length of a
// row first, then the number of rows.
type Tensor struct {
	Name string
	Dims []int
	Type Type
	Data []byte // part of the file
	at   int    // where the file describes it
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

// Int returns an integer of any width.
func (v Value) Int() (int64, bool) {
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
	switch v.Kind {
	case Float32:
		return float64(math.Float32frombits(uint32(little(v.raw[:4])))), true
	case Float64:
		return math.Float64frombits(little(v.raw[:8])), true
	}
	return 0, false
}

// Bool returns a truth value.
func (v Value) Bool() (value, ok bool) {
	if v.Kind != Bool {
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

// little reads up to 8 bytes as a little-endian number.
func little(b []byte) (u uint64) {
	for i, x := range b {
		u |= uint64(x) << (8 * i)
	}
	return u
}
