package lmfile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"kolm/internal/dequant"
	"kolm/internal/lm"
	"kolm/internal/modelfile"
	"kolm/internal/safetensors"
)

// tiny has rows that can be quantised; least is the smallest model.
var (
	tiny  = sizes{dim: 32, layers: 1, heads: 2, kvHeads: 2, headDim: 16, ffn: 32, vocab: 5, context: 16}
	least = sizes{dim: 8, layers: 1, heads: 2, kvHeads: 2, headDim: 4, ffn: 8, vocab: 5, context: 16}
)

// build makes a model of the bytes of a GGUF file or a llama2.c checkpoint.
func build(b []byte) (*lm.Model, error) {
	var made *builder
	var err error
	if isLlama2C(b, "") {
		made, err = readLlama2C(b)
	} else {
		var g *modelfile.GGUF
		if g, err = modelfile.Parse(b); err == nil {
			made, err = readGGUF(g)
		}
	}
	if err != nil {
		return nil, err
	}
	return lm.New(made.config, &made.weights, lm.DefaultKeep)
}

// use runs two tokens through a model; any result will do that is no panic.
func use(m *lm.Model) error {
	s, err := m.NewSession(2)
	if err != nil {
		return err
	}
	hidden, out := make([]float32, 2*m.Config.Dim), make([]float32, 2*m.Config.Vocab)
	if err := s.Feed([]int32{0, int32(m.Config.Vocab - 1)}, hidden); err != nil {
		return err
	}
	return m.Logits(out, hidden, 2, 1)
}

func TestGGUFErrors(t *testing.T) {
	for want, change := range map[string]func(s *sample){
		`architecture "mamba" is not supported: want one of gemma, gemma2`: func(s *sample) { s.set("general.architecture", "mamba") },
		`key "general.architecture" is missing`:                            func(s *sample) { s.dropKey("general.architecture") },
		`key "llama.block_count" is missing`:                               func(s *sample) { s.dropKey(".block_count") },
		"llama.block_count is not a number":                                func(s *sample) { s.set(".block_count", float32(2)) },
		"epsilon is not a finite":                                          func(s *sample) { s.set(".attention.layer_norm_rms_epsilon", float32(math.NaN())) },
		"rope scaling \"dynamic\" is not supported":                        func(s *sample) { s.set(".rope.scaling.type", "dynamic") },
		"rope scaling \"longrope\" is not supported, or its factors":       func(s *sample) { s.set(".rope.scaling.type", "longrope") },
		"type is not a text":                                               func(s *sample) { s.set(".rope.scaling.type", uint32(1)) },
		"rotation of 34 numbers":                                           func(s *sample) { s.set(".rope.dimension_count", uint32(34)) },
		"keys are 16 long, values 8":                                       func(s *sample) { s.set(".attention.value_length", uint32(8)) },
		"one of 3 parts":                                                   func(s *sample) { s.set("split.count", uint32(3)) },
		"200 layers, but 12 tensors":                                       func(s *sample) { s.set(".block_count", uint32(200)) },
		"head length is 2000000":                                           func(s *sample) { s.set(".attention.key_length", uint32(2000000)) },
		"experts, but": func(s *sample) {
			s.set(".expert_count", uint32(500))
			s.set(".expert_used_count", uint32(2))
			s.matrix("blk.0.ffn_gate_inp", 1, 32, 500)
		},
		`tensor "blk.0.attn_q.weight" is missing`:               func(s *sample) { s.drop("blk.0.attn_q.weight") },
		`tensor "token_embd.weight" with two`:                   func(s *sample) { s.drop("token_embd.weight") },
		`tensor "blk.0.attn_q_norm.weight" has no place`:        func(s *sample) { s.norm("blk.0.attn_q_norm", 16) },
		`tensor "blk.1.ffn_up.weight" has no place`:             func(s *sample) { s.matrix("blk.1.ffn_up", 1, 32, 32) },
		`"output.weight" has dimensions [32 6], want [32 5]`:    func(s *sample) { s.drop("output.weight"); s.matrix("output", 1, 32, 6) },
		`type IQ2_XS, which is not supported`:                   func(s *sample) { s.tensors[3].typ = 17 },
		`tensor "output_norm.weight": F32 number is not finite`: func(s *sample) { copy(s.tensors[1].data[8:], []byte{0, 0, 0xc0, 0x7f}) },
	} {
		s := newSample("llama", tiny)
		change(s)
		_, err := build(s.gguf(3))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// TestLazyErrors damages weights that Open does not look at: the error comes with
// the first use, and says where.
func TestLazyErrors(t *testing.T) {
	s := newSample("llama", tiny)
	i := s.matrices()[3]
	s.retype(i, dequant.Q8_0, []int{0})
	copy(s.tensors[i].data[34*7:], []byte{1, 0x7e}) // NaN in the scale of block 7
	data := s.gguf(3)
	m, err := build(data)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, s.tensors[i].data) + 34*7
	err = use(m)
	var e *modelfile.Error
	if e, _ = err.(*modelfile.Error); e == nil || e.Offset != at || !strings.Contains(e.Reason, s.tensors[i].name) {
		t.Errorf("error is %v, want one at byte %d", err, at)
	}
}

// llama2cFile writes a checkpoint of a tiny model.
func llama2cFile(kind int, shared bool) []byte {
	le := binary.LittleEndian
	sizes := []int32{32, 24, 2, 4, 2, 6, 8} // dim, hidden, layers, heads, kv heads, vocabulary, context
	if kind == 0 && !shared {
		sizes[5] = -6
	}
	var b []byte
	if kind > 0 {
		b = le.AppendUint32(le.AppendUint32(b, llama2cMagic), uint32(kind))
	}
	for _, n := range sizes {
		b = le.AppendUint32(b, uint32(n))
	}
	if kind > 0 {
		b = append(b, 0)
		if shared {
			b[len(b)-1] = 1
		}
		b = le.AppendUint32(b, 16)
		b = append(b, make([]byte, llama2cHeader-len(b))...)
	}
	norms, head := 5*32, 0
	matrices := []int{6 * 32, 2 * 32 * 32, 2 * 16 * 32, 2 * 16 * 32, 2 * 32 * 32, 2 * 24 * 32, 2 * 24 * 32, 2 * 24 * 32}
	if !shared {
		head = 6 * 32
	}
	n := norms + head
	for _, m := range matrices {
		n += m
	}
	switch kind {
	case 0:
		n += 8 * 8
	case 2: // norms as they are, then a byte a number and a float32 a group of 16
		quarter := (n - norms) / 4
		n = norms + quarter + quarter/4
	}
	for i := range n {
		b = le.AppendUint32(b, math.Float32bits(float32(i%13-6)/16))
	}
	return b
}

func TestLlama2C(t *testing.T) {
	for kind := range 3 {
		for _, shared := range []bool{false, true} {
			b := llama2cFile(kind, shared)
			if kind == 0 { // without a mark, the name decides
				f := open(t, "model.bin", b)
				if err := use(f.Model); err != nil {
					t.Error(err)
				}
			}
			made, err := readLlama2C(b)
			if err != nil {
				t.Errorf("version %d, shared %v: %v", kind, shared, err)
				continue
			}
			if shared != (made.weights.Output == made.weights.Embed) {
				t.Errorf("version %d, shared %v: the output table is wrong", kind, shared)
			}
			for n := 0; n < len(b); n += 1 + n/64 {
				if _, err := readLlama2C(b[:n]); err == nil || !strings.Contains(err.Error(), "at byte") {
					t.Fatalf("version %d: %d of %d bytes: error is %v", kind, n, len(b), err)
				}
			}
			if _, err := readLlama2C(append(b, 0)); err == nil || !strings.Contains(err.Error(), "1 bytes after") {
				t.Error(err)
			}
		}
	}
	for want, at := range map[string]int{"size 0 ": 8, "heads": 20, "version": 4} {
		b := llama2cFile(2, true)
		b[at] = 0
		if at == 20 {
			b[at] = 5
		}
		if _, err := readLlama2C(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// TestTruncated cuts files at many places: always an error, with a place.
func TestTruncated(t *testing.T) {
	dir := t.TempDir()
	s := newSample("qwen2", tiny)
	folder := writeFolder(t, s.hfConfigOf(tiny), s.folder(), 1)
	weights, err := os.ReadFile(filepath.Join(folder, safetensors.SingleFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, open string
		data       []byte
	}{
		{filepath.Join(dir, "m.gguf"), filepath.Join(dir, "m.gguf"), s.gguf(3)},
		{filepath.Join(folder, safetensors.SingleFile), folder, weights},
	} {
		for n := 0; n < len(c.data); n += 1 + n/50 {
			if err := os.WriteFile(c.path, c.data[:n], 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(c.open, 0)
			if err == nil || !strings.Contains(err.Error(), "at byte") {
				t.Fatalf("%s: %d of %d bytes: error is %v", c.path, n, len(c.data), err)
			}
		}
	}
}

// within fails where f allocates more than a file of n bytes justifies.
func within(t *testing.T, n int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(128*n+8<<20) {
		t.Errorf("%d bytes allocated for a file of %d", got, n)
	}
}

// FuzzBuild checks that no bytes make opening and using a model panic, or
// allocate more than a multiple of their number.
func FuzzBuild(f *testing.F) {
	for arch := range families {
		z := least
		if arch == "qwen3moe" {
			z.experts = 3
		}
		f.Add(newSample(arch, z).gguf(3))
	}
	for kind := range 3 {
		f.Add(llama2cFile(kind, true))
	}
	for _, kind := range []string{"linear", "yarn", "longrope"} {
		s := newSample("phi3", least)
		s.set(".rope.scaling.type", kind)
		s.set(".rope.scaling.factor", float32(2))
		f.Add(s.gguf(2))
	}
	large := llama2cFile(2, true)
	large[10] = 0xbe // an embedding of 12 million numbers
	f.Add(large)
	f.Fuzz(func(t *testing.T, b []byte) {
		within(t, len(b), func() {
			if m, err := build(b); err == nil {
				use(m)
			}
		})
	})
}

// FuzzFolder does the same with a configuration and a file of weights.
func FuzzFolder(f *testing.F) {
	for _, arch := range []string{"llama", "qwen3", "gpt2"} {
		s := newSample(arch, least)
		config, err := json.Marshal(s.hfConfigOf(least))
		if err != nil {
			f.Fatal(err)
		}
		var b bytes.Buffer
		if err := safetensors.Write(&b, s.folder()); err != nil {
			f.Fatal(err)
		}
		f.Add(config, b.Bytes())
	}
	f.Fuzz(func(t *testing.T, config, weights []byte) {
		within(t, len(config)+len(weights), func() {
			c := &hfConfig{}
			list, err := safetensors.Parse(weights)
			if err != nil || json.Unmarshal(config, c) != nil {
				return
			}
			tensors := map[string]*safetensors.Tensor{}
			for i := range list {
				tensors[list[i].Name] = &list[i]
			}
			made, err := readFolder(c, tensors)
			if err != nil {
				return
			}
			if m, err := lm.New(made.config, &made.weights, lm.DefaultKeep); err == nil {
				use(m)
			}
		})
	})
}
