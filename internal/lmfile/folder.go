package lmfile

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"kolm/internal/lm"
	"kolm/internal/safetensors"
)

// folder reads a model of a safetensors folder.
type folder struct {
	*builder
	c *hfConfig
}

// readFolder builds the model of a folder's configuration and tensors.
func readFolder(c *hfConfig, tensors map[string]*safetensors.Tensor) (*builder, error) {
	r := &folder{builder: newBuilder(), c: c}
	for name, t := range tensors {
		// Files of gpt2 have names with and without this beginning.
		name = strings.TrimPrefix(name, "transformer.")
		dims := slices.Clone(t.Shape)
		slices.Reverse(dims)
		if r.has(name) {
			return nil, fmt.Errorf("tensor %q is there with and without %q", name, "transformer.")
		}
		r.tensors[name] = &tensor{name: name, dims: dims, typ: t.DType, at: t.Described(), data: t}
	}
	if len(c.Quantized) > 0 && string(c.Quantized) != "null" {
		return nil, fmt.Errorf("%s: quantization_config is not supported: want F32, F16 or BF16 weights", configFile)
	}
	switch c.ModelType {
	case "llama", "qwen2", "qwen3":
		r.decoder()
	case "gpt2":
		r.gpt2()
	default:
		return nil, fmt.Errorf("%s: model_type %.40q is not supported: want one of gpt2, llama, qwen2, qwen3", configFile, c.ModelType)
	}
	return r.finish(buffer)
}

// buffer reports whether a tensor is no weight: masks and frequencies that old
// files hold.
func buffer(name string) bool {
	for _, end := range []string{".rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// decoder reads llama, qwen2 and qwen3.
func (r *folder) decoder() {
	h, c, w := r.c, &r.config, &r.weights
	c.Arch, c.EmbedScale = h.ModelType, 1
	c.Vocab, c.Dim, c.Layers, c.Heads, c.FFN, c.Context = h.Vocab, h.Dim, h.Layers, h.Heads, h.FFN, h.Context
	c.KVHeads = or(h.KVHeads, h.Heads)
	c.HeadDim = or(h.HeadDim, h.Dim/max(1, h.Heads))
	c.Eps = float32(or(h.Eps, 1e-6))
	c.QueryScale = float32(1 / math.Sqrt(float64(c.HeadDim)))
	if act := cmp.Or(h.Activation, "silu"); act != "silu" {
		r.fail("%s: hidden_act %.40q is not supported: want silu", configFile, act)
	}
	if r.err == nil { // before anything is made of these sizes
		r.err = c.Validate()
	}
	r.rotation()
	r.windows()
	w.Embed = r.matrix("model.embed_tokens.weight", c.Vocab, c.Dim)
	w.FinalNorm = r.norm("model.norm", c.Dim)
	w.Output = w.Embed
	if !or(h.Tied, false) {
		w.Output = r.matrix("lm_head.weight", c.Vocab, c.Dim)
	} else if r.has("lm_head.weight") { // the same once more
		r.matrix("lm_head.weight", c.Vocab, c.Dim)
	}
	for i := range r.layers(c.Layers) {
		r.layer(&w.Layers[i], fmt.Sprintf("model.layers.%d.", i))
	}
}

func (r *folder) layer(l *lm.Layer, p string) {
	c := &r.config
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	l.AttnNorm, l.FFNNorm = r.norm(p+"input_layernorm", c.Dim), r.norm(p+"post_attention_layernorm", c.Dim)
	l.Q, l.K, l.V = r.linear(p+"self_attn.q_proj", q, c.Dim), r.linear(p+"self_attn.k_proj", kv, c.Dim), r.linear(p+"self_attn.v_proj", kv, c.Dim)
	if c.Arch == "qwen2" && r.err == nil && (l.Q.Bias == nil || l.K.Bias == nil || l.V.Bias == nil) {
		r.fail("the biases of %sself_attn are missing", p)
	}
	if c.Arch == "qwen3" {
		l.QNorm, l.KNorm = r.vector(p+"self_attn.q_norm.weight", c.HeadDim), r.vector(p+"self_attn.k_norm.weight", c.HeadDim)
	}
	l.O = r.linear(p+"self_attn.o_proj", c.Dim, q)
	l.Gate, l.Up = r.linear(p+"mlp.gate_proj", c.FFN, c.Dim), r.linear(p+"mlp.up_proj", c.FFN, c.Dim)
	l.Down = r.linear(p+"mlp.down_proj", c.Dim, c.FFN)
}

// rotation reads rope_scaling, or rope_parameters of new files.
func (r *folder) rotation() {
	h, c := r.c, &r.config
	base, rope := or(h.RopeBase, 10000), h.RopeScaling
	if rope == nil {
		rope = h.RopeParameters
	}
	if rope == nil {
		rope = &hfRope{}
	}
	if rope.Base != nil {
		base = *rope.Base
	}
	s := &scaling{
		kind: cmp.Or(rope.Kind, rope.OldKind), factor: rope.Factor, original: cmp.Or(rope.Original, c.Context),
		fast: or(rope.Fast, 32), slow: or(rope.Slow, 1), low: rope.Low, high: rope.High,
	}
	if r.err == nil && (c.HeadDim%2 != 0) {
		r.fail("%s: heads of %d numbers cannot rotate", configFile, c.HeadDim)
	}
	if r.err != nil {
		return
	}
	var ok bool
	if c.Rope, ok = s.rope(lm.Halves, c.HeadDim, base); !ok {
		r.fail("%s: rope_type %.40q is not supported", configFile, s.kind)
	}
	if s.kind == "yarn" && rope.Attention != nil {
		c.Rope.Scale = float32(*rope.Attention)
	}
}

// windows reads which layers of qwen2 and qwen3 see a window.
func (r *folder) windows() {
	h, c := r.c, &r.config
	if !h.UseSliding || h.SlidingWindow == nil || r.err != nil || c.Layers > len(r.tensors) {
		return
	}
	if h.LayerTypes != nil && len(h.LayerTypes) != c.Layers {
		r.fail("%s: %d layer_types for %d layers", configFile, len(h.LayerTypes), c.Layers)
		return
	}
	c.Windows = make([]int, max(0, c.Layers))
	for i := range c.Windows {
		local := i >= or(h.MaxWindow, 28) // what the families take for a missing value
		if h.LayerTypes != nil {
			local = h.LayerTypes[i] == "sliding_attention"
		}
		if local {
			c.Windows[i] = *h.SlidingWindow
		}
	}
}

// gpt2 reads gpt2, whose matrices are stored (in, out).
func (r *folder) gpt2() {
	h, c, w := r.c, &r.config, &r.weights
	c.Arch, c.Norm, c.Activation, c.EmbedScale = "gpt2", lm.LayerNorm, lm.GELU, 1
	c.Vocab, c.Dim, c.Layers, c.Heads, c.Context = h.Vocab, h.GPT2Dim, h.GPT2Layers, h.GPT2Heads, h.GPT2Context
	c.KVHeads, c.HeadDim = c.Heads, c.Dim/max(1, c.Heads)
	c.FFN = or(h.GPT2FFN, 4*c.Dim)
	c.Eps = float32(or(h.GPT2Eps, 1e-5))
	c.QueryScale = float32(1 / math.Sqrt(float64(c.HeadDim)))
	if act := cmp.Or(h.GPT2Activation, "gelu_new"); act != "gelu_new" {
		r.fail("%s: activation_function %.40q is not supported: want gelu_new", configFile, act)
	}
	if h.ScaleByLayer || !or(h.ScaleWeights, true) {
		r.fail("%s: scores that are scaled by layer, or not at all, are not supported", configFile)
	}
	if r.err == nil {
		r.err = c.Validate()
	}
	w.Embed, w.Positions = r.matrix("wte.weight", c.Vocab, c.Dim), r.matrix("wpe.weight", c.Context, c.Dim)
	w.FinalNorm = r.norm("ln_f", c.Dim)
	w.Output = w.Embed
	if r.has("lm_head.weight") {
		w.Output = r.matrix("lm_head.weight", c.Vocab, c.Dim)
	}
	for i := range r.layers(c.Layers) {
		l, p := &w.Layers[i], fmt.Sprintf("h.%d.", i)
		l.AttnNorm, l.FFNNorm = r.norm(p+"ln_1", c.Dim), r.norm(p+"ln_2", c.Dim)
		qkv := r.transposed(p+"attn.c_attn", c.Dim, c.Dim, c.Dim, c.Dim)
		l.Q, l.K, l.V = qkv[0], qkv[1], qkv[2]
		l.O = r.transposed(p+"attn.c_proj", c.Dim, c.Dim)[0]
		l.Up = r.transposed(p+"mlp.c_fc", c.Dim, c.FFN)[0]
		l.Down = r.transposed(p+"mlp.c_proj", c.FFN, c.Dim)[0]
	}
}

// transposed is fused for a matrix that is stored (cols, rows).
func (r *folder) transposed(name string, cols int, heights ...int) []lm.Linear {
	total := 0
	for _, n := range heights {
		total += n
	}
	t, bias := r.take(name+".weight", total, cols), r.vector(name+".bias", total)
	list, at := make([]lm.Linear, len(heights)), 0
	if r.err != nil {
		return list
	}
	for i, n := range heights {
		list[i].Matrix = lm.NewMatrix(n, cols, columns{t.data.(*safetensors.Tensor), total, at})
		list[i].Bias = bias[at : at+n]
		at += n
	}
	return list
}

// columns is some columns of a stored matrix as a source of rows.
type columns struct {
	t     *safetensors.Tensor
	width int // of a stored row
	first int
}

func (s columns) ReadRow(dst []float32, r int) error {
	return s.t.WidenColumn(dst, s.first+r, s.width)
}
