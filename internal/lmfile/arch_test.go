package lmfile

import (
	"math"
	"slices"
	"testing"

	"kolm/internal/dequant"
)

var gpt2Sizes = sizes{dim: 48, layers: 2, heads: 6, kvHeads: 6, headDim: 8, ffn: 40, vocab: 61, context: 256}

// wide returns sizes with heads wider than their share of the embedding.
func (z sizes) wide() sizes { z.headDim = 16; return z }

func (z sizes) deep(layers int) sizes { z.layers = layers; return z }

func (z sizes) with(experts int) sizes { z.experts = experts; return z }

// cases are the architectures and what a file can switch on in them.
var cases = []struct {
	name   string
	arch   string
	z      sizes
	change func(s *sample)
	long   bool
}{
	{"llama", "llama", small, nil, false},
	{"llama tied", "llama", small, func(s *sample) { s.drop("output.weight") }, false},
	{"llama rope_freqs", "llama", small, func(s *sample) { s.add("rope_freqs.weight", 2, .5, 4) }, false},
	{"llama linear", "llama", small, func(s *sample) {
		s.set(".rope.scaling.type", "linear")
		s.set(".rope.scaling.factor", float32(3))
	}, false},
	{"llama partial", "llama", small.wide(), func(s *sample) { s.set(".rope.dimension_count", uint32(10)) }, false},
	{"mixtral", "llama", small.with(5), func(s *sample) { s.dropKey(".expert_feed_forward_length") }, false},
	{"qwen2", "qwen2", small, func(s *sample) { s.set(".rope.freq_base", float32(1e6)) }, false},
	{"qwen2 yarn", "qwen2", small.wide(), func(s *sample) {
		s.set(".rope.scaling.type", "yarn")
		s.set(".rope.scaling.factor", float32(4))
		s.set(".rope.scaling.original_context_length", uint32(64))
	}, false},
	{"qwen3", "qwen3", small.wide(), nil, false},
	{"qwen3moe", "qwen3moe", small.wide().with(7), nil, false},
	{"gpt2", "gpt2", gpt2Sizes, nil, false},
	{"gemma", "gemma", small.wide(), nil, false},
	{"gemma2", "gemma2", small.wide().deep(4), func(s *sample) {
		s.set(".attention.sliding_window", uint32(10))
		s.set(".attn_logit_softcapping", float32(2))
		s.set(".final_logit_softcapping", float32(15))
	}, false},
	{"gemma2 27B", "gemma2", small.wide().deep(46), func(s *sample) {
		s.set(".attention.sliding_window", uint32(70))
		s.set(".attn_logit_softcapping", float32(50))
		s.set(".final_logit_softcapping", float32(30))
	}, false},
	{"gemma3", "gemma3", small.wide().deep(7), func(s *sample) {
		s.set(".attention.sliding_window", uint32(65))
		s.set(".rope.freq_base", float32(1e6))
		s.set(".rope.scaling.type", "linear")
		s.set(".rope.scaling.factor", float32(8))
	}, false},
	{"gemma3 period", "gemma3", small.wide().deep(4), func(s *sample) {
		s.set(".attention.sliding_window", uint32(9))
		s.set(".attention.sliding_window_pattern", uint32(3))
		s.set(".final_logit_softcapping", float32(20))
	}, false},
	{"gemma3 pattern", "gemma3", small.wide().deep(7), func(s *sample) {
		s.set(".attention.sliding_window", uint32(20))
		s.set(".attention.sliding_window_pattern", []bool{true, false, true, true, true, true, false})
		s.set(".rope.freq_base", float32(1e5))
		s.set(".rope.freq_base_swa", float32(500))
	}, false},
	{"phi3", "phi3", small, nil, false},
	{"phi3 short", "phi3", small, phi3Long, false},
	{"phi3 long", "phi3", small, phi3Long, true},
}

func phi3Long(s *sample) {
	s.set(".rope.scaling.original_context_length", uint32(150))
	s.set(".rope.scaling.attn_factor", float32(1.2))
	s.add("rope_factors_short.weight", 1.2, .1, 4)
	s.add("rope_factors_long.weight", 4, 1, 4)
}

func (s *sample) drop(name string) {
	s.tensors = slices.DeleteFunc(s.tensors, func(t stored) bool { return t.name == name })
}

func (s *sample) dropKey(name string) {
	s.keys = slices.DeleteFunc(s.keys, func(k key) bool { return k.name == name })
}

// TestArchitectures compares every architecture with the plain forward pass in
// float64, over more than two blocks of positions.
func TestArchitectures(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range cases {
		seen[c.arch] = true
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.z.layers > 40 {
				t.Skip("short: another case has the same features; the run without -short has this one too")
			}
			s := newSample(c.arch, c.z)
			if c.change != nil {
				c.change(s)
			}
			f := open(t, "model.gguf", s.gguf(3))
			ref := s.reference()
			ref.long = c.long
			if c.name == "gemma3 period" {
				ref.local = []bool{true, true, false, true}
			}
			capacity := 150
			if c.long {
				capacity = 151
			}
			tokens := text(some(140, 80), c.z.vocab)
			compare(t, logits(t, f.Model, tokens, capacity), ref.logits(tokens), tokens)
			if f.Arch != c.arch || f.Format != GGUF {
				t.Errorf("read as %s %s", f.Format, f.Arch)
			}
		})
	}
	for arch := range families {
		if !seen[arch] {
			t.Errorf("no test of architecture %s", arch)
		}
	}
}

// TestTypes reads one model in which each type has a matrix.
func TestTypes(t *testing.T) {
	places := map[dequant.Type][]int{ // of the scales in a block
		dequant.Q8_0: {0}, dequant.Q4_0: {0}, dequant.Q4_1: {0, 2}, dequant.Q5_0: {0}, dequant.Q5_1: {0, 2}, dequant.IQ4_NL: {0},
		dequant.Q2_K: {80, 82}, dequant.Q3_K: {108}, dequant.Q4_K: {0, 2}, dequant.Q5_K: {0, 2}, dequant.Q6_K: {208}, dequant.IQ4_XS: {0},
	}
	types := []dequant.Type{dequant.F32, dequant.F16, dequant.BF16}
	for typ := range places {
		types = append(types, typ)
	}
	slices.Sort(types)
	s := newSample("llama", sizes{dim: 256, layers: 2, heads: 4, kvHeads: 2, headDim: 64, ffn: 256, vocab: 70, context: 256})
	used := map[dequant.Type]int{}
	for i, n := range s.matrices() {
		typ := types[i%len(types)]
		used[typ]++
		s.retype(n, typ, places[typ])
	}
	if len(used) != len(types) || len(types) != 15 {
		t.Fatalf("%d of %d types are used", len(used), len(types))
	}
	for _, version := range []uint32{2, 3} {
		f := open(t, "model.gguf", s.gguf(version))
		tokens := text(40, 70)
		compare(t, logits(t, f.Model, tokens, 40), s.reference().logits(tokens), tokens)
		for typ, n := range used {
			if typ != dequant.F32 && f.Types[typ.String()] != n {
				t.Errorf("%d tensors of type %v, want %d", f.Types[typ.String()], typ, n)
			}
		}
	}
}

// matrices returns the indexes of the tensors with two dimensions.
func (s *sample) matrices() (list []int) {
	for i, t := range s.tensors {
		if len(t.dims) == 2 {
			list = append(list, i)
		}
	}
	return list
}

// retype replaces the numbers of a matrix by random ones of a type.
func (s *sample) retype(i int, typ dequant.Type, scales []int) {
	t := &s.tensors[i]
	if typ == dequant.F32 {
		return
	}
	n, size := typ.Block()
	count := t.dims[0] * t.dims[1]
	data := make([]byte, count/n*size)
	for i := range data {
		data[i] = byte(s.rng.Uint32())
	}
	fill := func(scale uint16) {
		for at := 0; at < len(data); at += size {
			for _, p := range scales {
				data[at+p], data[at+p+1] = byte(scale), byte(scale>>8)
			}
			switch typ {
			case dequant.F16: // between 2^-6 and 2^-3, of either sign
				data[at+1] = data[at+1]&0x83 | 0x24 | data[at+1]&0x04
			case dequant.BF16:
				data[at], data[at+1] = data[at]&0x7f|0x80, data[at+1]&0x80|0x3d
			}
		}
	}
	fill(0x3c00) // 1
	x := make([]float32, count)
	sum := 0.0
	if err := dequant.Widen(x, typ, data); err != nil {
		panic(err)
	}
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	// The power of two that makes the numbers as large as those of a sample.
	e := math.Round(math.Log2(1 / math.Sqrt(sum/float64(count)*float64(t.dims[0]))))
	fill(uint16(15+e) << 10)
	t.typ, t.data = typ, data
}
