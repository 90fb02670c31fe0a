package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"kolm"
	"kolm/internal/builtin"
	"kolm/internal/modelfile"
)

// othermodel FILE: writes a model that is the built-in one but for one weight,
// and so has another ID. Sets $id to it.
func cmdOtherModel(ts *testscript.TestScript, neg bool, args []string) {
	f, err := modelfile.Load(builtin.Default.File())
	ts.Check(err)
	f.Weights.OutputNorm[0] *= 1.5
	f.Name = "other"
	b, err := modelfile.Marshal(f)
	ts.Check(err)
	f, err = modelfile.Load(b)
	ts.Check(err)
	ts.Setenv("id", kolm.ModelID(f.ID).String())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o666))
}

// plainmodel FILE: writes a model of architecture gpt2, without gates, with biases
// and learned positions, of random weights, with the built-in model's tokenizer.
func cmdPlainModel(ts *testscript.TestScript, neg bool, args []string) {
	g, err := modelfile.Parse(builtin.Default.File())
	ts.Check(err)
	var keys []modelfile.KV
	size := map[string]int{}
	for _, kv := range g.Keys {
		name, ours := strings.CutPrefix(kv.Key, "qwen3.")
		if n, ok := kv.Value.Int(); ok {
			size[name] = int(n)
		}
		switch {
		case kv.Key == "general.architecture":
			kv.Value = modelfile.Text("gpt2")
		case name == "attention.layer_norm_rms_epsilon":
			kv.Key = "gpt2.attention.layer_norm_epsilon"
		case name == "attention.head_count_kv" || strings.HasPrefix(name, "rope."):
			continue
		case ours:
			kv.Key = "gpt2." + name
		}
		keys = append(keys, kv)
	}
	rng := rand.New(rand.NewPCG(2, 2))
	var tensors []modelfile.Tensor
	add := func(name string, mean float64, dims ...int) {
		t := modelfile.Tensor{Name: name, Dims: dims, Type: modelfile.F32}
		n := 1
		for _, d := range dims {
			n *= d
		}
		for range n {
			v := float32(mean + rng.NormFloat64()/math.Sqrt(float64(dims[0])))
			t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(v))
		}
		tensors = append(tensors, t)
	}
	d, ffn := size["embedding_length"], size["feed_forward_length"]
	both := func(name string, mean float64, cols, rows int) {
		if mean != 0 {
			add(name+".weight", mean, rows)
		} else {
			add(name+".weight", mean, cols, rows)
		}
		add(name+".bias", 0, rows)
	}
	add("token_embd.weight", 0, d, size["vocab_size"])
	add("position_embd.weight", 0, d, size["context_length"])
	both("output_norm", 1, 0, d)
	for l := range size["block_count"] {
		p := fmt.Sprintf("blk.%d.", l)
		both(p+"attn_norm", 1, 0, d)
		both(p+"attn_qkv", 0, d, 3*d)
		both(p+"attn_output", 0, d, d)
		both(p+"ffn_norm", 1, 0, d)
		both(p+"ffn_up", 0, d, ffn)
		both(p+"ffn_down", 0, ffn, d)
	}
	var b bytes.Buffer
	ts.Check(modelfile.Encode(&b, keys, tensors))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o666))
}
