package lmfile

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"kolm/internal/dequant"
	"kolm/internal/lm"
)

// sample is a small model with random weights, to be written as a file.
type sample struct {
	arch    string
	keys    []key
	tensors []stored
	rng     *rand.Rand
}

type key struct {
	name  string // with the architecture, if it begins with a dot
	value any    // uint32, float32, string, []bool
}

type stored struct {
	name string
	dims []int
	typ  dequant.Type
	data []byte
}

func (s *sample) set(name string, value any) {
	for i := range s.keys {
		if s.keys[i].name == name {
			s.keys[i].value = value
			return
		}
	}
	s.keys = append(s.keys, key{name, value})
}

// add adds a tensor of random numbers.
func (s *sample) add(name string, mean, sd float64, dims ...int) {
	n := 1
	for _, d := range dims {
		n *= d
	}
	data := make([]byte, 0, 4*n)
	for range n {
		v := float32(mean + sd*s.rng.NormFloat64())
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	s.tensors = append(s.tensors, stored{name, dims, dequant.F32, data})
}

func (s *sample) matrix(name string, gain float64, cols, rows int) {
	s.add(name+".weight", 0, gain/math.Sqrt(float64(cols)), cols, rows)
}

func (s *sample) norm(name string, n int) {
	s.add(name+".weight", 1, .2, n)
	if s.arch == "gpt2" {
		s.add(name+".bias", 0, .2, n)
	}
}

// sizes of a sample.
type sizes struct{ dim, layers, heads, kvHeads, headDim, ffn, vocab, context, experts int }

var small = sizes{dim: 48, layers: 2, heads: 6, kvHeads: 2, headDim: 8, ffn: 40, vocab: 61, context: 256}

// newSample makes a model of an architecture.
func newSample(arch string, z sizes) *sample {
	s := &sample{arch: arch, rng: rand.New(rand.NewPCG(1, uint64(len(arch))))}
	s.set("general.architecture", arch)
	s.set(".block_count", uint32(z.layers))
	s.set(".context_length", uint32(z.context))
	s.set(".embedding_length", uint32(z.dim))
	s.set(".feed_forward_length", uint32(z.ffn))
	s.set(".attention.head_count", uint32(z.heads))
	s.set(".attention.head_count_kv", uint32(z.kvHeads))
	if z.headDim != z.dim/z.heads {
		s.set(".attention.key_length", uint32(z.headDim))
		s.set(".attention.value_length", uint32(z.headDim))
	}
	eps := ".attention.layer_norm_rms_epsilon"
	if arch == "gpt2" {
		eps = ".attention.layer_norm_epsilon"
	}
	s.set(eps, float32(1e-5))
	s.add("token_embd.weight", 0, 1, z.dim, z.vocab)
	if arch == "gpt2" {
		s.add("position_embd.weight", 0, .5, z.dim, z.context)
	}
	s.norm("output_norm", z.dim)
	if arch != "gemma" && arch != "gemma2" && arch != "gemma3" && arch != "gpt2" {
		s.matrix("output", 2, z.dim, z.vocab)
	}
	for l := range z.layers {
		s.layer(fmt.Sprintf("blk.%d.", l), z)
	}
	if z.experts > 0 {
		s.set(".expert_count", uint32(z.experts))
		s.set(".expert_used_count", uint32(2))
		s.set(".expert_feed_forward_length", uint32(z.ffn))
	}
	return s
}

func (s *sample) layer(p string, z sizes) {
	q, kv := z.heads*z.headDim, z.kvHeads*z.headDim
	s.norm(p+"attn_norm", z.dim)
	bias := func(name string, n int) {
		if s.arch == "gpt2" || s.arch == "qwen2" {
			s.add(p+name+".bias", 0, .3, n)
		}
	}
	if s.arch == "gpt2" || s.arch == "phi3" {
		s.matrix(p+"attn_qkv", 1.5, z.dim, q+2*kv)
		bias("attn_qkv", q+2*kv)
	} else {
		for i, name := range []string{"attn_q", "attn_k", "attn_v"} {
			n := []int{q, kv, kv}[i]
			s.matrix(p+name, 1.5, z.dim, n)
			bias(name, n)
		}
	}
	switch s.arch {
	case "qwen3", "qwen3moe", "gemma3":
		s.norm(p+"attn_q_norm", z.headDim)
		s.norm(p+"attn_k_norm", z.headDim)
	}
	s.matrix(p+"attn_output", 1, q, z.dim)
	s.norm(p+"ffn_norm", z.dim)
	if s.arch == "gemma2" || s.arch == "gemma3" {
		s.norm(p+"post_attention_norm", z.dim)
		s.norm(p+"post_ffw_norm", z.dim)
	}
	switch {
	case z.experts > 0:
		s.matrix(p+"ffn_gate_inp", 3, z.dim, z.experts)
		s.add(p+"ffn_gate_exps.weight", 0, .2, z.dim, z.ffn, z.experts)
		s.add(p+"ffn_up_exps.weight", 0, .2, z.dim, z.ffn, z.experts)
		s.add(p+"ffn_down_exps.weight", 0, .2, z.ffn, z.dim, z.experts)
		return
	case s.arch == "phi3":
		s.matrix(p+"ffn_up", 1.5, z.dim, 2*z.ffn)
	default:
		if s.arch != "gpt2" {
			s.matrix(p+"ffn_gate", 1.5, z.dim, z.ffn)
		}
		s.matrix(p+"ffn_up", 1.5, z.dim, z.ffn)
	}
	s.matrix(p+"ffn_down", 1, z.ffn, z.dim)
	if s.arch == "gpt2" {
		s.add(p+"attn_output.bias", 0, .3, z.dim)
		s.add(p+"ffn_up.bias", 0, .3, z.ffn)
		s.add(p+"ffn_down.bias", 0, .3, z.dim)
	}
}

// gguf writes the sample as a GGUF file of a version.
func (s *sample) gguf(version uint32) []byte {
	le := binary.LittleEndian
	text := func(b []byte, s string) []byte { return append(le.AppendUint64(b, uint64(len(s))), s...) }
	b := le.AppendUint32([]byte("GGUF"), version)
	b = le.AppendUint64(b, uint64(len(s.tensors)))
	b = le.AppendUint64(b, uint64(len(s.keys)))
	for _, k := range s.keys {
		name := k.name
		if name[0] == '.' {
			name = s.arch + name
		}
		b = text(b, name)
		switch v := k.value.(type) {
		case uint32:
			b = le.AppendUint32(le.AppendUint32(b, 4), v)
		case float32:
			b = le.AppendUint32(le.AppendUint32(b, 6), math.Float32bits(v))
		case string:
			b = text(le.AppendUint32(b, 8), v)
		case []bool:
			b = le.AppendUint64(le.AppendUint32(le.AppendUint32(b, 9), 7), uint64(len(v)))
			for _, x := range v {
				if x {
					b = append(b, 1)
				} else {
					b = append(b, 0)
				}
			}
		default:
			panic(v)
		}
	}
	var data []byte
	for _, t := range s.tensors {
		b = le.AppendUint32(text(b, t.name), uint32(len(t.dims)))
		for _, d := range t.dims {
			b = le.AppendUint64(b, uint64(d))
		}
		b = le.AppendUint64(le.AppendUint32(b, uint32(t.typ)), uint64(len(data)))
		data = append(data, t.data...)
		data = append(data, make([]byte, -len(data)&31)...)
	}
	return append(append(b, make([]byte, -len(b)&31)...), data...)
}

// reference returns the model for the plain forward pass.
func (s *sample) reference() *reference {
	m := &reference{arch: s.arch, num: map[string]float64{}, tensors: map[string]refTensor{}}
	for _, k := range s.keys {
		switch v := k.value.(type) {
		case uint32:
			m.num[k.name[1:]] = float64(v)
		case float32:
			m.num[k.name[1:]] = float64(v)
		case string:
			if k.name == ".rope.scaling.type" {
				m.kind = v
			}
		case []bool:
			m.local = v
		}
	}
	for _, t := range s.tensors {
		n, size := t.typ.Block()
		x := make([]float32, len(t.data)/size*n)
		if err := dequant.Widen(x, t.typ, t.data); err != nil {
			panic(err)
		}
		wide := make([]float64, len(x))
		for i, v := range x {
			wide[i] = float64(v)
		}
		m.tensors[t.name] = refTensor{t.dims, wide}
	}
	if m.tensors["rope_factors_long.weight"].x != nil {
		m.kind = "longrope"
	}
	return m
}

// open writes a file and opens it as a model.
func open(t testing.TB, name string, data []byte) *File {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return openPath(t, path)
}

func openPath(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(path, lm.DefaultKeep)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// logits runs tokens through a model, in a session for capacity of them.
func logits(t testing.TB, m *lm.Model, tokens []int32, capacity int) []float32 {
	t.Helper()
	s, err := m.NewSession(capacity)
	if err != nil {
		t.Fatal(err)
	}
	c, n := &m.Config, len(tokens)
	hidden, out := make([]float32, n*c.Dim), make([]float32, n*c.Vocab)
	if err := s.Feed(tokens, hidden); err != nil {
		t.Fatal(err)
	}
	if err := m.Logits(out, hidden, n, s.Threads); err != nil {
		t.Fatal(err)
	}
	return out
}

// some returns n, or a smaller number for short runs, as on emulated CPUs.
func some(n, short int) int {
	if testing.Short() {
		return short
	}
	return n
}

// text returns n random tokens, with repetitions as texts have them.
func text(n, vocab int) []int32 {
	rng := rand.New(rand.NewPCG(5, 5))
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(rng.IntN(vocab))
		if i > 8 && rng.IntN(2) == 0 {
			out[i] = out[i-7]
		}
	}
	return out
}

// nats is the code length of a token under logits.
func nats[T float32 | float64](row []T, token int32) float64 {
	top, sum := math.Inf(-1), 0.0
	for _, v := range row {
		top = max(top, float64(v))
	}
	for _, v := range row {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum) - float64(row[token])
}

// compare fails where the logits of the model give any next token a code length
// that differs by more than 1e-4 nats from the reference.
func compare(t *testing.T, got []float32, want [][]float64, tokens []int32) {
	t.Helper()
	worst, vocab, spread := 0.0, len(want[0]), 0.0
	for p := range want[:len(want)-1] {
		a, b := nats(got[p*vocab:][:vocab], tokens[p+1]), nats(want[p], tokens[p+1])
		worst = max(worst, math.Abs(a-b))
		spread = max(spread, b)
	}
	if !(worst < 1e-4) {
		t.Errorf("a token costs %v nats more or less than by the reference", worst)
	}
	if spread < 4 {
		t.Errorf("the costliest token costs %v nats: the model is too simple to show errors", spread)
	}
}
