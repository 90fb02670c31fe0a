package lmfile

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"kolm/internal/lm"
	"kolm/internal/modelfile"
)

// gguf reads a model of a GGUF file.
type gguf struct {
	*builder
	arch   string
	keys   map[string]modelfile.Value
	family family
}

// A family is what the architectures in GGUF differ in. Parts that an architecture
// has must be there, and those that it does not have must not.
type family struct {
	rope       lm.RopeKind
	activation lm.Activation
	norm       lm.NormKind
	qkNorm     bool
	postNorm   bool
	qkvBias    bool // must be there; where it may be there it is read
	positions  bool // learned
	fusedGate  bool // ffn_up holds gate and up
	experts    bool // may have experts
	tune       func(*gguf)
}

var families = map[string]family{
	"llama":    {rope: lm.Interleaved, experts: true},
	"qwen2":    {rope: lm.Halves, qkvBias: true},
	"qwen3":    {rope: lm.Halves, qkNorm: true},
	"qwen3moe": {rope: lm.Halves, qkNorm: true, experts: true},
	"gpt2":     {rope: lm.NoRope, activation: lm.GELU, norm: lm.LayerNorm, qkvBias: true, positions: true},
	"gemma":    {rope: lm.Halves, activation: lm.GELU, tune: (*gguf).gemma},
	"gemma2":   {rope: lm.Halves, activation: lm.GELU, postNorm: true, tune: (*gguf).gemma2},
	"gemma3":   {rope: lm.Halves, activation: lm.GELU, postNorm: true, qkNorm: true, tune: (*gguf).gemma3},
	"phi3":     {rope: lm.Halves, fusedGate: true},
}

// readGGUF builds the model of a parsed file.
func readGGUF(g *modelfile.GGUF) (*builder, error) {
	r := &gguf{builder: newBuilder(), keys: map[string]modelfile.Value{}}
	for _, kv := range g.Keys {
		r.keys[kv.Key] = kv.Value
	}
	for i := range g.Tensors {
		t := &g.Tensors[i]
		r.tensors[t.Name] = &tensor{name: t.Name, dims: t.Dims, typ: t.Type.String(), at: t.Described(), data: t}
	}
	if err := r.architecture(); err != nil {
		return nil, err
	}
	r.sizes()
	if r.err == nil { // before anything is made of these sizes
		r.err = r.config.Validate()
	}
	r.rotation()
	if r.family.tune != nil {
		r.family.tune(r)
	}
	r.assemble()
	return r.finish(func(name string) bool { return strings.HasSuffix(name, ".attn_rot_embd.weight") })
}

func (r *gguf) architecture() error {
	v, ok := r.keys["general.architecture"]
	if !ok {
		return fmt.Errorf("key %q is missing", "general.architecture")
	}
	r.arch, _ = v.Text()
	if r.family, ok = families[r.arch]; !ok {
		known := strings.Join(slices.Sorted(maps.Keys(families)), ", ")
		return fmt.Errorf("at byte %d: architecture %.40q is not supported: want one of %s", v.Offset(), r.arch, known)
	}
	if v, ok := r.keys["split.count"]; ok {
		if n, ok := v.Int(); !ok || n > 1 {
			return fmt.Errorf("at byte %d: the file is one of %d parts of a model: merge them first", v.Offset(), n)
		}
	}
	return nil
}

// sizes reads what all architectures have.
func (r *gguf) sizes() {
	c, f := &r.config, &r.family
	c.Arch, c.Norm, c.Activation, c.EmbedScale = r.arch, f.norm, f.activation, 1
	c.Layers = r.int("block_count", -1)
	c.Context = r.int("context_length", -1)
	c.Dim = r.int("embedding_length", -1)
	c.Heads = r.int("attention.head_count", -1)
	c.KVHeads = r.int("attention.head_count_kv", c.Heads)
	c.HeadDim = r.int("attention.key_length", c.Dim/max(1, c.Heads))
	if n := r.int("attention.value_length", c.HeadDim); n != c.HeadDim {
		r.fail("keys are %d long, values %d: want one length", c.HeadDim, n)
	}
	eps := "attention.layer_norm_rms_epsilon"
	if f.norm == lm.LayerNorm {
		eps = "attention.layer_norm_epsilon"
	}
	c.Eps = float32(r.float(eps, math.NaN()))
	c.QueryScale = float32(1 / math.Sqrt(float64(c.HeadDim)))
	if f.experts {
		c.Experts = r.int("expert_count", 0)
		c.ExpertsUsed = r.int("expert_used_count", 0)
		c.ExpertsSum1 = true
	}
	ffn := -1
	if c.Experts > 0 { // where experts have a length of their own
		ffn = r.int("expert_feed_forward_length", 0)
	}
	if ffn <= 0 {
		ffn = r.int("feed_forward_length", -1)
	}
	c.FFN = ffn
	t := r.tensors["token_embd.weight"]
	if t == nil || len(t.dims) != 2 {
		r.fail("tensor %q with two dimensions is missing", "token_embd.weight")
		return
	}
	c.Vocab = t.dims[1]
}

// rotation reads how positions turn queries and keys.
func (r *gguf) rotation() {
	if r.family.rope == lm.NoRope {
		return
	}
	c := &r.config
	dims := r.int("rope.dimension_count", c.HeadDim)
	if r.err == nil && (dims < 2 || dims%2 != 0 || dims > c.HeadDim) {
		r.fail("rotation of %d numbers of a head of %d", dims, c.HeadDim)
	}
	s := &scaling{
		kind:      r.text("rope.scaling.type", ""),
		factor:    r.float("rope.scaling.factor", 1),
		original:  r.int("rope.scaling.original_context_length", c.Context),
		attention: r.float("rope.scaling.attn_factor", 0),
		fast:      r.float("rope.scaling.yarn_beta_fast", 32),
		slow:      r.float("rope.scaling.yarn_beta_slow", 1),
	}
	if old := r.float("rope.scale_linear", 0); old > 0 && s.kind == "" { // of old files
		s.kind, s.factor = "linear", old
	}
	if r.has("rope_freqs.weight") {
		s.freqDiv = r.vector("rope_freqs.weight", dims/2)
	}
	if r.has("rope_factors_short.weight") {
		s.kind = "longrope"
		s.shortDiv = r.vector("rope_factors_short.weight", dims/2)
		s.longDiv = r.vector("rope_factors_long.weight", dims/2)
	}
	if r.err != nil {
		return
	}
	var ok bool
	if c.Rope, ok = s.rope(r.family.rope, dims, r.float("rope.freq_base", 10000)); !ok {
		r.failAt(r.keys[r.arch+".rope.scaling.type"].Offset(), "rope scaling %.40q is not supported, or its factors are missing", s.kind)
	}
}

func (r *gguf) gemma() {
	r.config.EmbedScale = float32(math.Sqrt(float64(r.config.Dim)))
}

// wide scales the queries of the models with the given number of layers, whose
// heads are narrower than their share of the embedding.
func (r *gguf) wide(layers int) {
	if c := &r.config; c.Layers == layers {
		c.QueryScale = float32(1 / math.Sqrt(float64(c.Dim/max(1, c.Heads))))
	}
}

func (r *gguf) gemma2() {
	r.gemma()
	r.wide(46)
	c := &r.config
	c.AttnCap = float32(r.float("attn_logit_softcapping", 50))
	c.LogitCap = float32(r.float("final_logit_softcapping", 30))
	r.windows(r.int("attention.sliding_window", 4096), 2)
}

func (r *gguf) gemma3() {
	r.gemma()
	r.wide(62)
	c := &r.config
	c.LogitCap = float32(r.float("final_logit_softcapping", 0))
	r.windows(r.int("attention.sliding_window", 0), 6)
	local := c.Rope
	local.Freq = lm.Frequencies(2*len(local.Freq), r.float("rope.freq_base_swa", 10000))
	c.WindowRope = &local
}

// windows gives all but every n-th layer a window; the file may say otherwise.
func (r *gguf) windows(window, n int) {
	c := &r.config
	if window == 0 || r.err != nil || c.Layers > len(r.tensors) {
		return
	}
	key := r.arch + ".attention.sliding_window_pattern"
	pattern, each := r.keys[key].Bools()
	if each && len(pattern) != c.Layers {
		r.failAt(r.keys[key].Offset(), "%s has %d values for %d layers", key, len(pattern), c.Layers)
		return
	}
	if !each {
		n = max(1, r.int("attention.sliding_window_pattern", n))
	}
	c.Windows = make([]int, c.Layers)
	for i := range c.Windows {
		if each && pattern[i] || !each && i%n < n-1 {
			c.Windows[i] = window
		}
	}
}

// The keys of the architecture. A default of -1 or NaN stands for a key that must
// be there.

func (r *gguf) find(name string, needed bool) (modelfile.Value, bool) {
	v, ok := r.keys[r.arch+"."+name]
	if !ok && needed {
		r.fail("key %q is missing", r.arch+"."+name)
	}
	return v, ok && r.err == nil
}

func (r *gguf) int(name string, def int) int {
	v, ok := r.find(name, def == -1)
	if !ok {
		return max(0, def)
	}
	n, ok := v.Int()
	if !ok || n < 0 || n > math.MaxInt32 {
		r.failAt(v.Offset(), "%s.%s is not a number from 0 to 2^31-1", r.arch, name)
		return 0
	}
	return int(n)
}

func (r *gguf) float(name string, def float64) float64 {
	v, ok := r.find(name, math.IsNaN(def))
	if !ok {
		return def
	}
	f, ok := v.Float()
	if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
		r.failAt(v.Offset(), "%s.%s is not a finite floating-point number", r.arch, name)
		return 0
	}
	return f
}

func (r *gguf) text(name, def string) string {
	v, ok := r.find(name, false)
	if !ok {
		return def
	}
	s, ok := v.Text()
	if !ok {
		r.failAt(v.Offset(), "%s.%s is not a text", r.arch, name)
	}
	return s
}
