package lmfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kolm/internal/lm"
	"kolm/internal/safetensors"
)

// hfNames are the names of tensors in folders, but for gpt2.
var hfNames = strings.NewReplacer(
	"token_embd", "model.embed_tokens", "output_norm", "model.norm", "blk.", "model.layers.",
	"attn_norm", "input_layernorm", "attn_q_norm", "self_attn.q_norm", "attn_k_norm", "self_attn.k_norm",
	"attn_q", "self_attn.q_proj", "attn_k", "self_attn.k_proj", "attn_v", "self_attn.v_proj", "attn_output", "self_attn.o_proj",
	"ffn_norm", "post_attention_layernorm", "ffn_gate", "mlp.gate_proj", "ffn_up", "mlp.up_proj", "ffn_down", "mlp.down_proj",
	"output.weight", "lm_head.weight",
)

var gpt2Names = strings.NewReplacer(
	"token_embd", "wte", "position_embd", "wpe", "output_norm", "ln_f", "blk.", "h.",
	"attn_norm", "ln_1", "ffn_norm", "ln_2", "attn_qkv", "attn.c_attn", "attn_output", "attn.c_proj",
	"ffn_up", "mlp.c_fc", "ffn_down", "mlp.c_proj",
)

// folder returns the sample as a folder holds it: other names, other order of the
// rows that rotate, matrices of gpt2 the other way round.
func (s *sample) folder() []safetensors.Tensor {
	heads := int(s.number(".attention.head_count"))
	kv := int(s.number(".attention.head_count_kv"))
	var list []safetensors.Tensor
	for _, x := range s.tensors {
		shape, data := slices.Clone(x.dims), x.data
		slices.Reverse(shape)
		name := hfNames.Replace(x.name)
		switch {
		case s.arch == "gpt2":
			name = gpt2Names.Replace(x.name)
			if strings.Contains(name, "h.") && len(x.dims) == 2 {
				slices.Reverse(shape)
				data = turned(data, x.dims[1], x.dims[0])
			}
		case s.arch == "llama" && strings.HasSuffix(x.name, "attn_q.weight"):
			data = unpaired(data, heads, x.dims[0], x.dims[1])
		case s.arch == "llama" && strings.HasSuffix(x.name, "attn_k.weight"):
			data = unpaired(data, kv, x.dims[0], x.dims[1])
		}
		list = append(list, safetensors.Tensor{Name: name, DType: "F32", Shape: shape, Data: data})
	}
	return list
}

// turned is a float32 matrix (rows, cols) as (cols, rows).
func turned(data []byte, rows, cols int) []byte {
	out := make([]byte, len(data))
	for r := range rows {
		for c := range cols {
			copy(out[(c*rows+r)*4:][:4], data[(r*cols+c)*4:])
		}
	}
	return out
}

// unpaired puts rows 2j and 2j+1 of a head to j and j plus half a head.
func unpaired(data []byte, heads, cols, rows int) []byte {
	out := make([]byte, len(data))
	hd := rows / heads
	for r := range rows {
		j := r % hd
		to := r - j + j/2 + j%2*hd/2
		copy(out[to*cols*4:][:cols*4], data[r*cols*4:])
	}
	return out
}

func (s *sample) number(name string) float64 {
	for _, k := range s.keys {
		if k.name == name {
			switch v := k.value.(type) {
			case uint32:
				return float64(v)
			case float32:
				return float64(v)
			}
		}
	}
	return 0
}

// hfConfigOf describes the sample as config.json.
func (s *sample) hfConfigOf(z sizes) map[string]any {
	if s.arch == "gpt2" {
		return map[string]any{
			"model_type": "gpt2", "n_embd": z.dim, "n_layer": z.layers, "n_head": z.heads, "n_positions": z.context, "n_inner": z.ffn,
			"vocab_size": z.vocab, "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new",
		}
	}
	return map[string]any{
		"model_type": s.arch, "_name_or_path": "toys/" + s.arch, "hidden_size": z.dim, "num_hidden_layers": z.layers, "num_attention_heads": z.heads,
		"num_key_value_heads": z.kvHeads, "head_dim": z.headDim, "intermediate_size": z.ffn, "vocab_size": z.vocab,
		"max_position_embeddings": z.context, "rms_norm_eps": 1e-5, "hidden_act": "silu", "rope_theta": 10000.0, "rope_scaling": nil,
	}
}

// writeFolder writes a folder: one file, or several with an index.
func writeFolder(t testing.TB, config map[string]any, tensors []safetensors.Tensor, shards int) string {
	t.Helper()
	dir := t.TempDir()
	b, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(configFile, b)
	index := map[string]string{}
	for i := range shards {
		name := safetensors.SingleFile
		if shards > 1 {
			name = fmt.Sprintf("model-%d-of-%d.safetensors", i+1, shards)
		}
		part := tensors[i*len(tensors)/shards : (i+1)*len(tensors)/shards]
		for _, x := range part {
			index[x.Name] = name
		}
		var b bytes.Buffer
		if err := safetensors.Write(&b, part); err != nil {
			t.Fatal(err)
		}
		put(name, b.Bytes())
	}
	if shards > 1 {
		b, err := json.Marshal(map[string]any{"weight_map": index})
		if err != nil {
			t.Fatal(err)
		}
		put(safetensors.IndexFile, b)
	}
	return dir
}

// TestFolders reads models as folders and compares them with the plain forward
// pass on the same weights as GGUF has them.
func TestFolders(t *testing.T) {
	llama3 := map[string]any{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
	for _, c := range []struct {
		name   string
		arch   string
		z      sizes
		shards int
		config map[string]any
		change func(s *sample)
	}{
		{"llama", "llama", small, 1, nil, nil},
		{"llama sharded", "llama", small, 3, nil, nil},
		{"llama tied", "llama", small, 1, map[string]any{"tie_word_embeddings": true}, func(s *sample) { s.drop("output.weight") }},
		{"llama3", "llama", small.wide(), 1, map[string]any{"rope_scaling": llama3, "rope_theta": 5e5}, llama3Factors},
		{"llama linear", "llama", small, 1, map[string]any{"rope_scaling": map[string]any{"type": "linear", "factor": 3.0}}, func(s *sample) {
			s.set(".rope.scaling.type", "linear")
			s.set(".rope.scaling.factor", float32(3))
		}},
		{"qwen2", "qwen2", small, 1, map[string]any{"use_sliding_window": false, "sliding_window": 4096}, nil},
		{"qwen2 windows", "qwen2", small, 1, map[string]any{"use_sliding_window": true, "sliding_window": 20, "max_window_layers": 1}, func(s *sample) {
			s.set(".attention.sliding_window", uint32(20))
			s.set(".attention.sliding_window_pattern", []bool{false, true})
		}},
		{"qwen3 windows", "qwen3", small, 1, map[string]any{"use_sliding_window": true, "sliding_window": 9, "layer_types": []string{"sliding_attention", "full_attention"}}, func(s *sample) {
			s.set(".attention.sliding_window", uint32(9))
			s.set(".attention.sliding_window_pattern", []bool{true, false})
		}},
		{"qwen2 yarn", "qwen2", small.wide(), 1, map[string]any{"rope_scaling": map[string]any{"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}}, func(s *sample) {
			s.set(".rope.scaling.type", "yarn")
			s.set(".rope.scaling.factor", float32(4))
			s.set(".rope.scaling.original_context_length", uint32(64))
		}},
		{"qwen3", "qwen3", small.wide(), 2, map[string]any{"rope_parameters": map[string]any{"rope_type": "default", "rope_theta": 1e6}, "rope_theta": nil},
			func(s *sample) { s.set(".rope.freq_base", float32(1e6)) }},
		{"gpt2", "gpt2", gpt2Sizes, 1, nil, nil},
		{"gpt2 of transformers", "gpt2", gpt2Sizes, 1, nil, func(s *sample) { s.add("transformer.", 0, 0, 1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSample(c.arch, c.z)
			if c.change != nil {
				c.change(s)
			}
			var tensors []safetensors.Tensor
			prefix := ""
			for _, x := range s.folder() {
				switch x.Name {
				case "rope_freqs.weight":
				case "transformer.":
					prefix = x.Name
				default:
					tensors = append(tensors, x)
				}
			}
			for i := range tensors {
				tensors[i].Name = prefix + tensors[i].Name
			}
			// What old files hold beside the weights.
			tensors = append(tensors, safetensors.Tensor{Name: prefix + "h.0.attn.bias", DType: "BOOL", Shape: []int{1}, Data: []byte{1}})
			config := s.hfConfigOf(c.z)
			maps.Copy(config, c.config)
			f := openPath(t, writeFolder(t, config, tensors, c.shards))
			tokens := text(some(140, 30), c.z.vocab)
			compare(t, logits(t, f.Model, tokens, len(tokens)), s.reference().logits(tokens), tokens)
			if f.Format != Safetensors || f.Arch != c.arch || f.Dir == "" || f.Keys != nil {
				t.Errorf("read as %s %s", f.Format, f.Arch)
			}
		})
	}
}

// llama3Factors are what the converter writes for the scaling of Llama 3.1: what
// the frequencies are divided by.
func llama3Factors(s *sample) {
	s.set(".rope.freq_base", float32(5e5))
	s.add("rope_freqs.weight", 0, 0, 8)
	x := &s.tensors[len(s.tensors)-1]
	x.data = nil
	for j := range 8 {
		wave := 2 * math.Pi * math.Pow(5e5, float64(j)/8)
		factor := 1.0
		switch {
		case wave > 64/1.0:
			factor = 8
		case wave > 64/4.0:
			smooth := (64/wave - 1) / (4 - 1)
			factor = 1 / ((1-smooth)/8 + smooth)
		}
		x.data = append(x.data, float32Bytes(float32(factor))...)
	}
}

func float32Bytes(v float32) []byte {
	b := math.Float32bits(v)
	return []byte{byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24)}
}

// TestFolderTypes reads 16-bit weights, of which the upper halves are taken.
func TestFolderTypes(t *testing.T) {
	s := newSample("qwen2", small)
	tensors := s.folder()
	for i := range tensors {
		x := &tensors[i]
		x.DType = "BF16"
		var upper []byte
		for at := 0; at < len(x.Data); at += 4 {
			upper = append(upper, x.Data[at+2:at+4]...)
			copy(s.tensors[i].data[at:], []byte{0, 0})
		}
		x.Data = upper
	}
	f := openPath(t, writeFolder(t, s.hfConfigOf(small), tensors, 1))
	tokens := text(30, small.vocab)
	compare(t, logits(t, f.Model, tokens, 30), s.reference().logits(tokens), tokens)
	if f.Types["BF16"] != len(tensors) {
		t.Errorf("types are %v", f.Types)
	}
}

// TestFolderHash computes the hash as a shell would.
func TestFolderHash(t *testing.T) {
	s := newSample("llama", small)
	dir := writeFolder(t, s.hfConfigOf(small), s.folder(), 2)
	want := sha256.New()
	for _, name := range []string{configFile, "model-1-of-2.safetensors", "model-2-of-2.safetensors"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(want, "%x  %s\n", sha256.Sum256(b), name)
	}
	for _, path := range []string{dir, filepath.Join(dir, configFile), filepath.Join(dir, safetensors.IndexFile), filepath.Join(dir, "model-2-of-2.safetensors")} {
		got, err := openPath(t, path).Hash()
		if err != nil || !bytes.Equal(got[:], want.Sum(nil)) {
			t.Errorf("%s: %x %v", path, got, err)
		}
	}
}

func TestFolderErrors(t *testing.T) {
	s := newSample("llama", small)
	tensors := s.folder()
	for want, change := range map[string]map[string]any{
		`model_type "mamba" is not supported`: {"model_type": "mamba"},
		`hidden_act "gelu" is not supported`:  {"hidden_act": "gelu"},
		`rope_type "dynamic"`:                 {"rope_scaling": map[string]any{"rope_type": "dynamic", "factor": 2.0}},
		`rope_type "longrope"`:                {"rope_scaling": map[string]any{"type": "longrope"}},
		"quantization_config":                 {"quantization_config": map[string]any{"bits": 4}},
		"layer count is 0":                    {"num_hidden_layers": 0},
		`"model.layers.1`:                     {"num_hidden_layers": 1},
		"3000 layers, but":                    {"num_hidden_layers": 3000},
		"has dimensions [48 61], want":        {"vocab_size": 62},
		"cannot unmarshal":                    {"hidden_size": "48"},
		"do not share":                        {"num_key_value_heads": 4},
		`tensor "lm_head.weight" is missing`:  {"model_type": "llama", "tie_word_embeddings": false, "drop": true},
		`tensor "model.layers.0.self_attn.q`:  {"model_type": "qwen3"},
		"the biases of model.layers.0":        {"model_type": "qwen2"},
		"rotation frequency 0 is":             {"rope_scaling": map[string]any{"rope_type": "linear"}},
	} {
		config := s.hfConfigOf(small)
		maps.Copy(config, change)
		list := tensors
		if change["drop"] != nil {
			list = slices.DeleteFunc(slices.Clone(tensors), func(x safetensors.Tensor) bool { return x.Name == "lm_head.weight" })
		}
		_, err := Open(writeFolder(t, config, list, 1), lm.DefaultKeep)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	if _, err := Open(t.TempDir(), 0); err == nil || !strings.Contains(err.Error(), "no model: want a GGUF file") {
		t.Error(err)
	}
}
