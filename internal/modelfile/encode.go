package modelfile

import (
	"encoding/binary"
	"fmt"
	"io"
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

// Text makes a metadata value of a string.
func Text(s string) Value { return stringValue(s) }

// Bytes makes a metadata value of bytes: an array of Uint8.
func Bytes(b []byte) Value { return Value{Kind: Array, Elem: Uint8, Len: len(b), raw: b} }

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

// Encode writes a GGUF file of version 3: keys and tensors in the order given, the
// data of each tensor at a multiple of general.alignment, or of 32, padded with
// zeros. Parsed tensors can be written again, changed ones among them: Name, Dims,
// Type and Data count. Data must have the length that Dims and Type ask for.
func Encode(w io.Writer, keys []KV, tensors []Tensor) error {
	align := defaultAlign
	le := binary.LittleEndian
	b := le.AppendUint32([]byte(magic), 3)
	b = le.AppendUint64(b, uint64(len(tensors)))
	b = le.AppendUint64(b, uint64(len(keys)))
	for _, kv := range keys {
		b = appendText(b, kv.Key)
		b = appendValue(b, kv.Value)
		if n, ok := kv.Value.Int(); ok && kv.Key == "general.alignment" {
			align = int(n)
		}
	}
	if align < 1 || align > maxAlign {
		return fmt.Errorf("model file: general.alignment is %d", align)
	}
	offset := 0
	for _, t := range tensors {
		if err := t.checkSize(); err != nil {
			return err
		}
		b = appendText(b, t.Name)
		b = le.AppendUint32(b, uint32(len(t.Dims)))
		for _, d := range t.Dims {
			b = le.AppendUint64(b, uint64(d))
		}
		b = le.AppendUint32(b, uint32(t.Type))
		b = le.AppendUint64(b, uint64(offset))
		offset += pad(len(t.Data), align)
	}
	zeros := make([]byte, align)
	b = append(b, zeros[:pad(len(b), align)-len(b)]...)
	if _, err := w.Write(b); err != nil {
		return err
	}
	for _, t := range tensors {
		if _, err := w.Write(t.Data); err != nil {
			return err
		}
		if _, err := w.Write(zeros[:pad(len(t.Data), align)-len(t.Data)]); err != nil {
			return err
		}
	}
	return nil
}

// checkSize reports data whose length is not that of the type and dimensions.
func (t *Tensor) checkSize() error {
	numbers, bytes := t.Type.Block()
	if numbers == 0 || len(t.Dims) == 0 || t.Dims[0]%numbers != 0 {
		return fmt.Errorf("model file: tensor %q cannot be %v with dimensions %v", t.Name, t.Type, t.Dims)
	}
	size := bytes
	for _, d := range t.Dims {
		size *= d
	}
	if size/numbers != len(t.Data) {
		return fmt.Errorf("model file: tensor %q (%v %v) has %d bytes, want %d", t.Name, t.Type, t.Dims, len(t.Data), size/numbers)
	}
	return nil
}

// Size is how many bytes the entry takes in a file.
func (kv *KV) Size() int { return len(appendValue(appendText(nil, kv.Key), kv.Value)) }

func pad(n, align int) int { return (n + align - 1) / align * align }

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
