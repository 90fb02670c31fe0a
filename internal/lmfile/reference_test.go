package lmfile

import (
	"fmt"
	"math"
	"slices"
)

// The forward pass once more, plainly and in float64, from the tensors of a GGUF
// file by their names, an architecture at a time. It shares nothing with
// internal/lm.

// reference is a model for it.
type reference struct {
	arch    string
	num     map[string]float64 // keys without the architecture
	kind    string             // of rope scaling
	tensors map[string]refTensor
	local   []bool // layers with a window, where the file says so
	long    bool   // take the long factors of phi3
}

type refTensor struct {
	dims []int
	x    []float64
}

// mul multiplies row r.. of a tensor with x, and adds the bias if there is one.
func (m *reference) mul(name string, x []float64) []float64 {
	w, ok := m.tensors[name+".weight"]
	if !ok {
		panic("no tensor " + name)
	}
	n := len(x)
	y := make([]float64, len(w.x)/n)
	for r := range y {
		for c, v := range x {
			y[r] += w.x[r*n+c] * v
		}
	}
	if b, ok := m.tensors[name+".bias"]; ok {
		for r := range y {
			y[r] += b.x[r]
		}
	}
	return y
}

func (m *reference) row(name string, r int) []float64 {
	w := m.tensors[name+".weight"]
	return slices.Clone(w.x[r*w.dims[0]:][:w.dims[0]])
}

func (m *reference) norm(name string, x []float64) []float64 {
	g := m.tensors[name+".weight"].x
	n := float64(len(x))
	mean, sq := 0.0, 0.0
	if m.arch == "gpt2" {
		for _, v := range x {
			mean += v / n
		}
	}
	for _, v := range x {
		sq += (v - mean) * (v - mean) / n
	}
	eps := m.num["attention.layer_norm_rms_epsilon"] + m.num["attention.layer_norm_epsilon"]
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = (v - mean) / math.Sqrt(sq+eps) * g[i]
		if b, ok := m.tensors[name+".bias"]; ok {
			y[i] += b.x[i]
		}
	}
	return y
}

func gelu(x float64) float64 {
	return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

func silu(x float64) float64 { return x / (1 + math.Exp(-x)) }

func (m *reference) act(x float64) float64 {
	switch m.arch {
	case "gpt2", "gemma", "gemma2", "gemma3":
		return gelu(x)
	}
	return silu(x)
}

// angle is how far pair j turns at a position, and size what the pair grows by.
func (m *reference) angle(j, dims, layer, pos int) (angle, size float64) {
	base, ok := m.num["rope.freq_base"]
	if !ok {
		base = 10000
	}
	if m.arch == "gemma3" && m.isLocal(layer) {
		base, ok := m.num["rope.freq_base_swa"]
		if !ok {
			base = 10000
		}
		return float64(pos) * math.Pow(base, -2*float64(j)/float64(dims)), 1
	}
	f := math.Exp(-2 * float64(j) / float64(dims) * math.Log(base))
	size = 1
	factor := m.num["rope.scaling.factor"]
	switch m.kind {
	case "linear":
		f /= factor
	case "yarn":
		original := m.num["rope.scaling.original_context_length"]
		// The pairs that turn 32 times and once within the original context.
		at := func(turns float64) float64 {
			return float64(dims) / 2 * math.Log(original/(2*math.Pi*turns)) / math.Log(base)
		}
		low, high := math.Max(0, math.Floor(at(32))), math.Min(float64(dims-1), math.Ceil(at(1)))
		keep := 1 - math.Min(1, math.Max(0, (float64(j)-low)/math.Max(.001, high-low)))
		f = keep*f + (1-keep)*f/factor
		size = 0.1*math.Log(factor) + 1
	case "longrope":
		name := "rope_factors_short.weight"
		if m.long {
			name = "rope_factors_long.weight"
		}
		f /= m.tensors[name].x[j]
		size = m.num["rope.scaling.attn_factor"]
	}
	if t, ok := m.tensors["rope_freqs.weight"]; ok {
		f /= t.x[j]
	}
	return float64(pos) * f, size
}

func (m *reference) rotate(head []float64, layer, pos int) {
	if m.arch == "gpt2" {
		return
	}
	dims := len(head)
	if n, ok := m.num["rope.dimension_count"]; ok {
		dims = int(n)
	}
	for j := range dims / 2 {
		a, b := j, j+dims/2
		if m.arch == "llama" {
			a, b = 2*j, 2*j+1
		}
		t, size := m.angle(j, dims, layer, pos)
		c, s := math.Cos(t)*size, math.Sin(t)*size
		head[a], head[b] = head[a]*c-head[b]*s, head[a]*s+head[b]*c
	}
}

// sees reports whether position p looks at position q in a layer.
func (m *reference) sees(layer, p, q int) bool {
	w := int(m.num["attention.sliding_window"])
	return q <= p && (!m.isLocal(layer) || p-q < w)
}

// isLocal reports whether a layer has a window.
func (m *reference) isLocal(layer int) bool {
	if m.local != nil {
		return m.local[layer]
	}
	return m.arch == "gemma2" && layer%2 == 0 || m.arch == "gemma3" && layer%6 != 5
}

func softmax(x []float64) {
	top, sum := slices.Max(x), 0.0
	for i, v := range x {
		x[i] = math.Exp(v - top)
		sum += x[i]
	}
	for i := range x {
		x[i] /= sum
	}
}

// logits runs tokens through the model.
func (m *reference) logits(tokens []int32) [][]float64 {
	dim, layers := int(m.num["embedding_length"]), int(m.num["block_count"])
	x := make([][]float64, len(tokens))
	for p, t := range tokens {
		x[p] = m.row("token_embd", int(t))
		for i := range x[p] {
			switch m.arch {
			case "gemma", "gemma2", "gemma3":
				x[p][i] *= math.Sqrt(float64(dim))
			case "gpt2":
				x[p][i] += m.row("position_embd", p)[i]
			}
		}
	}
	for l := range layers {
		m.attention(x, l)
		for p := range x {
			m.ffn(x[p], l)
		}
	}
	out := make([][]float64, len(tokens))
	for p := range x {
		head := "output"
		if _, ok := m.tensors["output.weight"]; !ok {
			head = "token_embd"
		}
		out[p] = m.mul(head, m.norm("output_norm", x[p]))
		if cap := m.num["final_logit_softcapping"]; cap > 0 {
			for i, v := range out[p] {
				out[p][i] = cap * math.Tanh(v/cap)
			}
		}
	}
	return out
}

func (m *reference) attention(x [][]float64, l int) {
	blk := fmt.Sprintf("blk.%d.", l)
	heads, kvHeads := int(m.num["attention.head_count"]), int(m.num["attention.head_count_kv"])
	if kvHeads == 0 {
		kvHeads = heads
	}
	hd := int(m.num["embedding_length"]) / heads
	if n, ok := m.num["attention.key_length"]; ok {
		hd = int(n)
	}
	scale := 1 / math.Sqrt(float64(hd))
	if m.arch == "gemma2" && m.num["block_count"] == 46 {
		scale = 1 / math.Sqrt(m.num["embedding_length"]/float64(heads))
	}
	var qs, ks, vs [][]float64
	for p := range x {
		y := m.norm(blk+"attn_norm", x[p])
		var q, k, v []float64
		if _, ok := m.tensors[blk+"attn_qkv.weight"]; ok {
			all := m.mul(blk+"attn_qkv", y)
			q, k, v = all[:heads*hd], all[heads*hd:(heads+kvHeads)*hd], all[(heads+kvHeads)*hd:]
		} else {
			q, k, v = m.mul(blk+"attn_q", y), m.mul(blk+"attn_k", y), m.mul(blk+"attn_v", y)
		}
		for h := range heads {
			if _, ok := m.tensors[blk+"attn_q_norm.weight"]; ok {
				copy(q[h*hd:], m.norm(blk+"attn_q_norm", q[h*hd:][:hd]))
			}
			m.rotate(q[h*hd:][:hd], l, p)
		}
		for h := range kvHeads {
			if _, ok := m.tensors[blk+"attn_k_norm.weight"]; ok {
				copy(k[h*hd:], m.norm(blk+"attn_k_norm", k[h*hd:][:hd]))
			}
			m.rotate(k[h*hd:][:hd], l, p)
		}
		qs, ks, vs = append(qs, q), append(ks, k), append(vs, v)
	}
	for p := range x {
		out := make([]float64, heads*hd)
		for h := range heads {
			g := h / (heads / kvHeads)
			var score []float64
			var seen []int
			for q := range x {
				if !m.sees(l, p, q) {
					continue
				}
				s := 0.0
				for i := range hd {
					s += qs[p][h*hd+i] * ks[q][g*hd+i]
				}
				s *= scale
				if cap := m.num["attn_logit_softcapping"]; cap > 0 {
					s = cap * math.Tanh(s/cap)
				}
				score, seen = append(score, s), append(seen, q)
			}
			softmax(score)
			for i, q := range seen {
				for j := range hd {
					out[h*hd+j] += score[i] * vs[q][g*hd+j]
				}
			}
		}
		a := m.mul(blk+"attn_output", out)
		if _, ok := m.tensors[blk+"post_attention_norm.weight"]; ok {
			a = m.norm(blk+"post_attention_norm", a)
		}
		for i, v := range a {
			x[p][i] += v
		}
	}
}

func (m *reference) ffn(x []float64, l int) {
	blk := fmt.Sprintf("blk.%d.", l)
	y := m.norm(blk+"ffn_norm", x)
	var f []float64
	switch {
	case m.num["expert_count"] > 0:
		f = m.experts(blk, y)
	case m.arch == "gpt2":
		u := m.mul(blk+"ffn_up", y)
		for i, v := range u {
			u[i] = m.act(v)
		}
		f = m.mul(blk+"ffn_down", u)
	case m.arch == "phi3":
		both := m.mul(blk+"ffn_up", y)
		n := len(both) / 2
		c := make([]float64, n)
		for i := range c {
			c[i] = m.act(both[i]) * both[n+i]
		}
		f = m.mul(blk+"ffn_down", c)
	default:
		g, u := m.mul(blk+"ffn_gate", y), m.mul(blk+"ffn_up", y)
		for i, v := range g {
			u[i] *= m.act(v)
		}
		f = m.mul(blk+"ffn_down", u)
	}
	if _, ok := m.tensors[blk+"post_ffw_norm.weight"]; ok {
		f = m.norm(blk+"post_ffw_norm", f)
	}
	for i, v := range f {
		x[i] += v
	}
}

func (m *reference) experts(blk string, y []float64) []float64 {
	p := m.mul(blk+"ffn_gate_inp", y)
	softmax(p)
	n, used := len(p), int(m.num["expert_used_count"])
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(math.Copysign(1, p[b]-p[a])) })
	sum := 0.0
	for _, e := range order[:used] {
		sum += p[e]
	}
	out := make([]float64, len(y))
	for _, e := range order[:used] {
		part := func(name string, in []float64) []float64 {
			t := m.tensors[blk+name+"_exps.weight"]
			size := len(t.x) / n
			w := t.x[e*size:][:size]
			y := make([]float64, size/len(in))
			for r := range y {
				for c, v := range in {
					y[r] += w[r*len(in)+c] * v
				}
			}
			return y
		}
		g, u := part("ffn_gate", y), part("ffn_up", y)
		for i, v := range g {
			u[i] *= silu(v)
		}
		for i, v := range part("ffn_down", u) {
			out[i] += p[e] / sum * v
		}
	}
	return out
}
