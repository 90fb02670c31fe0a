package modelfile

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"kolm/internal/half"
	"kolm/internal/model"
)

var toyConfig = model.Config{Vocab: 260, Dim: 32, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 16, FFN: 64, Window: 32, RopeBase: 10000, Eps: 1e-6}

// toy returns a small model with random weights, in float32.
func toy(t testing.TB) *File {
	t.Helper()
	f, err := New("toy", toyConfig, weights(toyConfig), [][2]int32{{'a', 'b'}, {' ', 257}, {0xe4, 0xff}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// weights are random multiples of 1/256, the same on every machine.
func weights(c model.Config) *model.Weights {
	w := &model.Weights{Layers: make([]model.Layer, c.Layers)}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, p := range parts(c, w) {
		x := make([]float32, p.Rows*p.Cols)
		for i := range x {
			x[i] = float32(rng.IntN(1<<10)-1<<9) / 256
		}
		if p.Vector != nil {
			*p.Vector = x
		} else {
			*p.Matrix = model.Matrix{Rows: p.Rows, Cols: p.Cols, F: x}
		}
	}
	return w
}

func quantized(t testing.TB) *File {
	f := toy(t)
	f.Weights = f.Weights.Quantized()
	return f
}

func marshal(t testing.TB, f *File) []byte {
	t.Helper()
	b, err := Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encode(t testing.TB, keys []KV, tensors []Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Encode(&b, keys, tensors); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func load(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRoundTrip(t *testing.T) {
	tied := quantized(t)
	tied.Weights.Output = tied.Weights.Embed
	for name, f := range map[string]*File{"float32": toy(t), "int8": quantized(t), "tied": tied} {
		t.Run(name, func(t *testing.T) {
			b := marshal(t, f)
			if !bytes.Equal(b, marshal(t, f)) {
				t.Fatal("the same model gave other bytes")
			}
			got := load(t, b)
			id := got.ID
			got.ID = [32]byte{}
			if !reflect.DeepEqual(got, f) {
				t.Fatal("Load gave another model than was written")
			}
			if again := marshal(t, got); !bytes.Equal(again, b) {
				t.Fatal("writing what was loaded gave other bytes")
			}
			if id == [32]byte{} {
				t.Fatal("no ID")
			}
		})
	}
}

// TestGolden pins the format and the ID: a change here makes old files refer to
// models that no longer exist.
func TestGolden(t *testing.T) {
	const want = "60668610fb8b7746d123ba7acd80bec868ce0b58590717efcff0596d81741707"
	f := load(t, marshal(t, quantized(t)))
	if got := hex.EncodeToString(f.ID[:]); got != want {
		t.Errorf("ID is %s, want %s", got, want)
	}
}

func TestIDIgnores(t *testing.T) {
	f := quantized(t)
	b := marshal(t, f)
	want := load(t, b).ID
	f.Name = "another name"
	if load(t, marshal(t, f)).ID != want {
		t.Error("the ID depends on the name")
	}
	g, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	g.Keys = append(g.Keys, KV{"general.author", stringValue("somebody")})
	for i, j := 0, len(g.Tensors)-1; i < j; i, j = i+1, j-1 {
		g.Tensors[i], g.Tensors[j] = g.Tensors[j], g.Tensors[i]
	}
	if load(t, encode(t, g.Keys, g.Tensors)).ID != want {
		t.Error("the ID depends on other keys or on the order of the tensors")
	}
}

func TestIDDepends(t *testing.T) {
	seen := map[[32]byte]string{load(t, marshal(t, quantized(t))).ID: "unchanged"}
	for name, change := range map[string]func(*File){
		"window":   func(f *File) { f.Config.Window = 16 },
		"epsilon":  func(f *File) { f.Config.Eps = 1e-5 },
		"rope":     func(f *File) { f.Config.RopeBase = 500000 },
		"heads":    func(f *File) { f.Config.HeadDim, f.Config.Heads, f.Config.KVHeads = 32, 2, 1; longer(f) },
		"weight":   func(f *File) { f.Weights.Layers[1].Down.Q[77] ^= 1 },
		"scale":    func(f *File) { f.Weights.Layers[0].V.Scale[3] *= 2 },
		"norm":     func(f *File) { f.Weights.OutputNorm[31] += 1 },
		"swapped":  func(f *File) { l := &f.Weights.Layers[0]; l.Gate, l.Up = l.Up, l.Gate },
		"merges":   func(f *File) { f.Merges[0], f.Merges[1] = f.Merges[1], f.Merges[0] },
		"piece":    func(f *File) { f.Pieces[258] = []byte("other") },
		"type":     func(f *File) { f.Types[258] = typeControl },
		"tied":     func(f *File) { f.Weights.Output = f.Weights.Embed },
		"bos":      func(f *File) { f.Separator = 10 },
		"float32s": func(f *File) { f.Weights = toy(t).Weights },
	} {
		f := quantized(t)
		change(f)
		id := load(t, marshal(t, f)).ID
		if other, ok := seen[id]; ok {
			t.Errorf("%s: same ID as %s", name, other)
		}
		seen[id] = name
	}
}

// longer doubles the gains of the heads, whose length doubled.
func longer(f *File) {
	for i := range f.Weights.Layers {
		l := &f.Weights.Layers[i]
		l.QNorm, l.KNorm = append(l.QNorm, l.QNorm...), append(l.KNorm, l.KNorm...)
	}
}

// TestForeign reads what other programs write: F16 tensors, blocks with
// different scales.
func TestForeign(t *testing.T) {
	f := toy(t)
	g, err := Parse(marshal(t, f))
	if err != nil {
		t.Fatal(err)
	}
	gate, down := find(t, g, "blk.0.ffn_gate.weight"), find(t, g, "blk.1.ffn_down.weight")
	*gate = narrowed(t, gate)
	*down = blocks(down)
	got := load(t, encode(t, g.Keys, g.Tensors))
	if m := got.Weights.Layers[0].Gate; m.F == nil || m.F[5] != half.ToFloat(half.FromFloat(f.Weights.Layers[0].Gate.F[5])) {
		t.Error("F16 was not widened")
	}
	// The first row of blocks has one scale, the other 31 have two.
	if got.Requantized != 31 {
		t.Errorf("%d rows requantised, want 31", got.Requantized)
	}
	m := got.Weights.Layers[1].Down
	want, scale := model.Quantize(31, 64, floats(t, down)[64:])
	if !reflect.DeepEqual(m.Q[64:], want) || !reflect.DeepEqual(m.Scale[1:], scale) {
		t.Error("rows with two scales are not those of Quantize")
	}
	if m.Q[5] != 5 || m.Q[63] != 63 || m.Scale[0] != 0.5 {
		t.Errorf("row with one scale is %v * %v", m.Q[:64], m.Scale[0])
	}
}

// TestHugeHeads: sizes whose product wraps around to that of a small tensor are no
// sizes.
func TestHugeHeads(t *testing.T) {
	g, err := Parse(marshal(t, quantized(t)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range g.Keys {
		switch kv := &g.Keys[i]; kv.Key { // 2^59 + 134 together, and 32 times that is 32*134
		case "qwen3.attention.head_count":
			kv.Value = uint32Value(756670118)
		case "qwen3.attention.head_count_kv":
			kv.Value = uint32Value(1)
		case "qwen3.attention.key_length", "qwen3.attention.value_length":
			kv.Value = uint32Value(761838929)
		}
	}
	q := find(t, g, "blk.0.attn_q.weight")
	*q = Tensor{Name: q.Name, Dims: []int{32, 134}, Type: Q8_0, Data: make([]byte, 134*34)}
	if _, err := Load(encode(t, g.Keys, g.Tensors)); err == nil || !strings.Contains(err.Error(), "head count") {
		t.Errorf("%v", err)
	}
}

func find(t *testing.T, g *GGUF, name string) *Tensor {
	for i := range g.Tensors {
		if g.Tensors[i].Name == name {
			return &g.Tensors[i]
		}
	}
	t.Fatalf("no tensor %s", name)
	return nil
}

func floats(t *testing.T, x *Tensor) []float32 {
	t.Helper()
	f, err := x.Floats()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func narrowed(t *testing.T, x *Tensor) Tensor {
	out := Tensor{Name: x.Name, Dims: x.Dims, Type: F16}
	for _, v := range floats(t, x) {
		h := half.FromFloat(v)
		out.Data = append(out.Data, byte(h), byte(h>>8))
	}
	return out
}

func blocks(x *Tensor) Tensor {
	out := Tensor{Name: x.Name, Dims: x.Dims, Type: Q8_0}
	for b := range x.Dims[0] * x.Dims[1] / 32 {
		h := half.FromFloat(0.5)
		if b >= 2 {
			h += uint16(b)
		}
		out.Data = append(out.Data, byte(h), byte(h>>8))
		for i := range 32 {
			out.Data = append(out.Data, byte(32*b+i))
		}
	}
	return out
}

func TestSpelling(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	s := Printable(all)
	if back, ok := Unprintable([]byte(s)); !ok || !bytes.Equal(back, all) {
		t.Fatalf("%q is not spelled back: %q", s, back)
	}
	if got := Printable([]byte(" a\n\x00\xff")); got != "ĠaĊĀÿ" {
		t.Errorf("spelling is %q", got)
	}
	for _, bad := range []string{" ", "a b", "北", "\xff", "ń"} {
		if _, ok := Unprintable([]byte(bad)); ok {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestNewErrors(t *testing.T) {
	f := toy(t)
	for name, merges := range map[string][][2]int32{
		"later":     {{'a', 258}, {'a', 'b'}, {'c', 'd'}},
		"separator": {{'a', 256}, {'a', 'b'}, {'c', 'd'}},
		"negative":  {{-1, 'b'}, {'a', 'b'}, {'c', 'd'}},
		"few":       {{'a', 'b'}},
		"long":      doubling(40),
	} {
		if _, err := New("x", f.Config, f.Weights, merges); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// doubling returns merges each twice as long as the one before.
func doubling(n int) [][2]int32 {
	m := [][2]int32{{'a', 'a'}}
	for i := 1; i < n; i++ {
		m = append(m, [2]int32{int32(256 + i), int32(256 + i)})
	}
	return m
}

func TestMarshalErrors(t *testing.T) {
	for want, change := range map[string]func(*File){
		"binary16":  func(f *File) { f.Weights.Layers[0].Q.Scale[1] = 0.1 },
		"float32":   func(f *File) { f.Config.RopeBase = 10000.1 },
		"rows":      func(f *File) { f.Pieces = f.Pieces[:259] },
		"shape":     func(f *File) { f.Weights.Layers[1].Up.Rows = 63 },
		"tokens":    func(f *File) { f.Types = f.Types[:2] },
		"32 layers": func(f *File) { f.Config.Layers = 32 },
	} {
		f := quantized(t)
		change(f)
		if _, err := Marshal(f); err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(want, "32 ")) {
			t.Errorf("%s: error is %v", want, err)
		}
	}
}

// TestExport reads the model back from each type.
func TestExport(t *testing.T) {
	f := quantized(t)
	w := f.Weights.Layers[1].Up
	for _, typ := range []Type{F32, F16, Q8_0} {
		var b bytes.Buffer
		if err := Export(&b, f, typ); err != nil {
			t.Fatal(err)
		}
		g, err := Parse(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range g.Tensors {
			if want := (map[bool]Type{true: typ, false: F32})[len(x.Dims) == 2]; x.Type != want {
				t.Errorf("%s: type %v, want %v", x.Name, x.Type, want)
			}
		}
		got := load(t, b.Bytes()).Weights.Layers[1].Up.Floats()
		for i, v := range w.Floats() {
			if d := v - got[i]; typ == F16 && max(d, -d) > 1e-3*max(v, -v) || typ != F16 && d != 0 {
				t.Fatalf("%v: number %d is %v, want %v", typ, i, got[i], v)
			}
		}
	}
	if err := Export(&bytes.Buffer{}, f, 2); err == nil || !strings.Contains(err.Error(), "Q4_0 is not written") {
		t.Error(err)
	}
	f.Weights.Layers[0].Down.Scale[3] = 1000
	if err := Export(&bytes.Buffer{}, f, F16); err == nil || !strings.Contains(err.Error(), "too large for F16") {
		t.Error(err)
	}
}

// TestExportBytes writes a vocabulary of single bytes: there must be a merge, of
// two tokens that exist.
func TestExportBytes(t *testing.T) {
	c := toyConfig
	c.Vocab = 257
	f, err := New("bytes", c, weights(c).Quantized(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Export(&b, f, Q8_0); err != nil {
		t.Fatal(err)
	}
	g, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	v, _ := g.Get("tokenizer.ggml.merges")
	if list, _ := v.Texts(); len(list) != 1 || string(list[0]) != "Ā Ā" {
		t.Errorf("merges are %q", list)
	}
}

// TestEncode writes a parsed file again, and with one tensor changed.
func TestEncode(t *testing.T) {
	b := marshal(t, quantized(t))
	g, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encode(t, g.Keys, g.Tensors), b) {
		t.Error("written again it differs")
	}
	g.Keys = append(g.Keys, KV{"general.alignment", uint32Value(64)})
	x := &g.Tensors[5]
	wide := floats(t, x)
	x.Type = F32
	if err := x.narrow(wide); err != nil {
		t.Fatal(err)
	}
	again, err := Parse(encode(t, g.Keys, g.Tensors))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range g.Tensors {
		got := again.Tensors[i]
		if got.Name != want.Name || got.Type != want.Type || !bytes.Equal(got.Data, want.Data) || got.Offset%64 != 0 {
			t.Errorf("tensor %s differs, or is at byte %d", got.Name, got.Offset)
		}
	}
	x.Data = x.Data[4:]
	if err := Encode(&bytes.Buffer{}, g.Keys, g.Tensors); err == nil || !strings.Contains(err.Error(), "bytes, want") {
		t.Error(err)
	}
	x.Type = 16
	if err := Encode(&bytes.Buffer{}, g.Keys, g.Tensors); err == nil || !strings.Contains(err.Error(), "cannot be IQ2_XXS") {
		t.Error(err)
	}
}

// TestNoValue asks for what is not there.
func TestNoValue(t *testing.T) {
	v, ok := (&GGUF{}).Get("no key")
	_, isInt := v.Int()
	_, isFloat := v.Float()
	_, isBool := v.Bool()
	_, isText := v.Text()
	_, isTexts := v.Texts()
	if ok || isInt || isFloat || isBool || isText || isTexts {
		t.Error("a key that is not there has a value")
	}
}
