package modelfile

import (
	"encoding/binary"
	"math"
)

// Constructors of metadata values, for writing.

func uint32Value(u int) Value {
	return Value{Kind: Uint32, raw: binary.LittleEndian.AppendUint32(nil, uint32(u))}
}

func float32Value(f float32) Value {
	return Value{Kind: Float32, raw: binary.LittleEndian.AppendUint32(nil, math.Float32bits(f))}
}

func boolValue(b bool) Value {
	if b {
		return Value{Kind: Bool, raw: []byte{1}}
	}
	return Value{Kind: Bool, raw: []byte{0}}
}

func stringValue(s string) Value { return Value{Kind: String, raw: []byte(s)} }

func stringsValue(list []string) Value {
	v := Value{Kind: Array, Elem: String, Len: len(list)}
	for _, s := range list {
		v.raw = appendText(v.raw, s)
	}
	return v
}

func int32sValue(list []int32) Value {
	v := Value{Kind: Array, Elem: Int32, Len: len(list)}
	for _, x := range list {
		v.raw = binary.LittleEndian.AppendUint32(v.raw, uint32(x))
	}
	return v
}

func appendText(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
	return append(b, s...)
}

// encode writes a GGUF file of version 3: keys and tensors in the order given,
// the data of each tensor padded to 32 bytes with zeros.
func encode(keys []KV, tensors []Tensor) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32([]byte(magic), 3)
	b = le.AppendUint64(b, uint64(len(tensors)))
	b = le.AppendUint64(b, uint64(len(keys)))
	for _, kv := range keys {
		b = appendText(b, kv.Key)
		b = appendValue(b, kv.Value)
	}
	offset := 0
	for _, t := range tensors {
		b = appendText(b, t.Name)
		b = le.AppendUint32(b, uint32(len(t.Dims)))
		for _, d := range t.Dims {
			b = le.AppendUint64(b, uint64(d))
		}
		b = le.AppendUint32(b, uint32(t.Type))
		b = le.AppendUint64(b, uint64(offset))
		offset += pad(len(t.Data))
	}
	b = append(b, make([]byte, pad(len(b))-len(b))...)
	for _, t := range tensors {
		b = append(b, t.Data...)
		b = append(b, make([]byte, pad(len(t.Data))-len(t.Data))...)
	}
	return b
}

func pad(n int) int { return (n + defaultAlign - 1) &^ (defaultAlign - 1) }

func appendValue(b []byte, v Value) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(v.Kind))
	switch v.Kind {
	case Array:
		b = le.AppendUint32(b, uint32(v.Elem))
		b = le.AppendUint64(b, uint64(v.Len))
	case String:
		b = le.AppendUint64(b, uint64(len(v.raw)))
	}
	return append(b, v.raw...)
}
