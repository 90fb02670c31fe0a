package modelfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"kolm/internal/model"
)

// TestTruncated cuts a file at every byte of its description and at some of its
// data, which ends without padding: always an error with an offset inside what is left.
func TestTruncated(t *testing.T) {
	b := marshal(t, quantized(t))
	for n := 0; n < len(b); n++ {
		if n > 16384 && n%997 != 0 && n != len(b)-1 {
			continue
		}
		_, err := Load(b[:n])
		var e *Error
		if !errors.As(err, &e) || e.Offset > n {
			t.Fatalf("%d of %d bytes: error is %v", n, len(b), err)
		}
	}
}

func TestBadFiles(t *testing.T) {
	good := marshal(t, quantized(t))
	replace := func(old, new string) []byte {
		if len(old) != len(new) || !bytes.Contains(good, []byte(old)) {
			t.Fatalf("cannot replace %q by %q", old, new)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	at := func(offset int, v uint64, n int) []byte {
		b := bytes.Clone(good)
		for i := range n {
			b[offset+i] = byte(v >> (8 * i))
		}
		return b
	}
	after := func(text string, skip int, v uint64, n int) []byte {
		i := bytes.Index(good, []byte(text))
		if i < 0 {
			t.Fatalf("%q is not in the file", text)
		}
		return at(i+len(text)+skip, v, n)
	}
	const window, tensor = "qwen3.context_length", "blk.1.ffn_up.weight"
	for want, b := range map[string][]byte{
		"not a GGUF file":                   replace("GGUF", "GGML"),
		"big-endian":                        at(4, 3<<24, 4),
		"version is 1":                      at(4, 1, 4),
		"tensors, at most":                  at(8, 1<<40, 8),
		"keys, at most":                     at(16, 1<<40, 8),
		"key needs":                         at(24, 1<<63, 8),
		"unknown kind 77":                   after(window, 0, 77, 4),
		"not a number":                      after(window, 0, uint64(Float32), 4),
		"window is 33":                      after(window, 4, 33, 4),
		"window is 0":                       after(window, 4, 0, 4),
		"array of 1099511627776 elements":   after("tokenizer.ggml.token_type", 8, 1<<40, 8),
		"array of kind 9 is not supported":  after("tokenizer.ggml.token_type", 4, 9, 4),
		"has 5 dimensions":                  after(tensor, 0, 5, 4),
		"has a dimension of 0":              after(tensor, 4, 0, 8),
		"has rows of 33 numbers":            after(tensor, 4, 33, 8),
		"type Q4_0, which is not supported": after(tensor, 20, 2, 4),
		"want a multiple of 256":            after(tensor, 20, 12, 4),
		"type IQ2_XXS, which is not":        after(tensor, 20, 16, 4),
		"type type 99":                      after(tensor, 20, 99, 4),
		"8, want a multiple of 32":          after(tensor, 24, 8, 8),
		"reaches beyond":                    after(tensor, 24, 1<<62, 8),
		"overlaps":                          after(tensor, 24, 0, 8),
		"is missing":                        replace("blk.0.ffn_up.weight", "blk.0.ffn_ab.weight"),
		`want "qwen3"`:                      replace("\x05\x00\x00\x00\x00\x00\x00\x00qwen3", "\x05\x00\x00\x00\x00\x00\x00\x00llama"),
		`want "qwen2"`:                      replace("\x05\x00\x00\x00\x00\x00\x00\x00qwen2", "\x05\x00\x00\x00\x00\x00\x00\x00llama"),
		`is not two tokens`:                 replace("a b", "a_b"),
	} {
		if len(b) == 0 {
			continue
		}
		_, err := Load(b)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// TestExtra covers errors that need more than changed bytes.
func TestExtra(t *testing.T) {
	g, err := Parse(marshal(t, quantized(t)))
	if err != nil {
		t.Fatal(err)
	}
	infinite := append([]Tensor(nil), g.Tensors...)
	infinite[0].Data = bytes.Clone(infinite[0].Data)
	copy(infinite[0].Data[q8Bytes*7:], []byte{0, 0x7c})
	bias := Tensor{Name: "blk.0.attn_q.bias", Dims: []int{64}, Type: F32, Data: make([]byte, 256)}
	for want, b := range map[string][]byte{
		"has no place":             encode(t, g.Keys, append(g.Tensors[:len(g.Tensors):len(g.Tensors)], bias)),
		`tensor "output_norm`:      encode(t, g.Keys, append(g.Tensors[:len(g.Tensors):len(g.Tensors)], g.Tensors[2])),
		`key "general.name" occur`: encode(t, append(g.Keys[:len(g.Keys):len(g.Keys)], g.Keys[1]), g.Tensors),
		"rope scaling":             encode(t, append(g.Keys[:len(g.Keys):len(g.Keys)], KV{"qwen3.rope.scaling.type", stringValue("yarn")}), g.Tensors),
		"general.alignment":        encode(t, append(g.Keys[:len(g.Keys):len(g.Keys)], KV{"general.alignment", uint32Value(24)}), g.Tensors),
		"cannot make":              encode(t, g.Keys, nil),
		"block 7 is not finite":    encode(t, g.Keys, infinite),
	} {
		if _, err := Load(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// TestClaims checks that large claims in a small file allocate little.
func TestClaims(t *testing.T) {
	header := func(tensors, keys uint64, rest ...byte) []byte {
		b := binary.LittleEndian.AppendUint32([]byte("GGUF"), 3)
		b = binary.LittleEndian.AppendUint64(b, tensors)
		b = binary.LittleEndian.AppendUint64(b, keys)
		return append(b, rest...)
	}
	key := append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 'k'}, byte(Array), 0, 0, 0, byte(String), 0, 0, 0)
	for name, b := range map[string][]byte{
		"tensors": header(maxTensors, 0),
		"keys":    header(0, maxKeys),
		"array":   header(0, 1, append(key, 0, 0, 0, 0, 0, 1, 0, 0)...),
		"text":    header(0, 1, 0, 0, 0, 0, 0, 1, 0, 0),
	} {
		if n := allocated(func() {
			if _, err := Load(b); err == nil {
				t.Errorf("%s: no error", name)
			}
		}); n > 64<<10 {
			t.Errorf("%s: %d bytes allocated for a file of %d", name, n, len(b))
		}
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// FuzzLoad checks that no input makes Load panic or allocate more than a
// multiple of its length, and that what it accepts survives writing.
func FuzzLoad(f *testing.F) {
	c := model.Config{Vocab: 257, Dim: 32, Layers: 1, Heads: 2, KVHeads: 1, HeadDim: 16, FFN: 32, Window: 16, RopeBase: 10000, Eps: 1e-6}
	w := weights(c).Quantized()
	w.Output = w.Embed
	small, err := New("small", c, w, nil)
	if err != nil {
		f.Fatal(err)
	}
	good := marshal(f, small)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("GGUF\x03\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var file *File
		var err error
		if n := allocated(func() { file, err = Load(b) }); n > uint64(32*len(b)+1<<20) {
			t.Errorf("%d bytes allocated for a file of %d", n, len(b))
		}
		if err != nil {
			return
		}
		out, err := Marshal(file)
		if err != nil {
			return // some of what Load accepts Marshal does not write
		}
		again, err := Load(out)
		if err != nil || again.Config != file.Config {
			t.Errorf("written again: %v", err)
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	data := marshal(b, quantized(b))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Load(data); err != nil {
			b.Fatal(err)
		}
	}
}

// TestTextBytes: metadata that others add comes back.
func TestTextBytes(t *testing.T) {
	keys := []KV{{"a", Text("x\x00é")}, {"b", Bytes([]byte{0, 255, 7})}}
	g, err := Parse(encode(t, keys, nil))
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := g.Keys[0].Value.Text(); !ok || s != "x\x00é" {
		t.Errorf("text %q, %v", s, ok)
	}
	if b, ok := g.Keys[1].Value.Bytes(); !ok || !bytes.Equal(b, []byte{0, 255, 7}) {
		t.Errorf("bytes %v, %v", b, ok)
	}
	if _, ok := g.Keys[0].Value.Bytes(); ok {
		t.Error("a text is bytes")
	}
}
