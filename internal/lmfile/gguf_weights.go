package lmfile

import (
	"fmt"

	"kolm/internal/lm"
)

// assemble takes the tensors of the model.
func (r *gguf) assemble() {
	c, w, f := &r.config, &r.weights, &r.family
	w.Embed = r.matrix("token_embd.weight", c.Vocab, c.Dim)
	if f.positions {
		w.Positions = r.matrix("position_embd.weight", c.Context, c.Dim)
	}
	w.FinalNorm = r.norm("output_norm", c.Dim)
	w.Output = w.Embed
	if r.has("output.weight") {
		w.Output = r.matrix("output.weight", c.Vocab, c.Dim)
	}
	for i := range r.layers(c.Layers) {
		r.layer(&w.Layers[i], fmt.Sprintf("blk.%d.", i))
	}
}

func (r *gguf) layer(l *lm.Layer, p string) {
	c, f := &r.config, &r.family
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	l.AttnNorm = r.norm(p+"attn_norm", c.Dim)
	if r.has(p + "attn_qkv.weight") {
		parts := r.fused(p+"attn_qkv", c.Dim, q, kv, kv)
		l.Q, l.K, l.V = parts[0], parts[1], parts[2]
	} else {
		l.Q, l.K, l.V = r.linear(p+"attn_q", q, c.Dim), r.linear(p+"attn_k", kv, c.Dim), r.linear(p+"attn_v", kv, c.Dim)
	}
	if f.qkvBias && r.err == nil && (l.Q.Bias == nil || l.K.Bias == nil || l.V.Bias == nil) {
		r.fail("the biases of %sattn_q, k and v are missing", p)
	}
	if f.qkNorm {
		l.QNorm, l.KNorm = r.vector(p+"attn_q_norm.weight", c.HeadDim), r.vector(p+"attn_k_norm.weight", c.HeadDim)
	}
	l.O = r.linear(p+"attn_output", c.Dim, q)
	l.FFNNorm = r.norm(p+"ffn_norm", c.Dim)
	if f.postNorm {
		l.AttnPost, l.FFNPost = r.norm(p+"post_attention_norm", c.Dim), r.norm(p+"post_ffw_norm", c.Dim)
	}
	switch {
	case c.Experts > 0:
		r.experts(l, p)
	case f.fusedGate:
		parts := r.fused(p+"ffn_up", c.Dim, c.FFN, c.FFN)
		l.Gate, l.Up = parts[0], parts[1]
		l.Down = r.linear(p+"ffn_down", c.Dim, c.FFN)
	default:
		if f.norm == lm.RMSNorm { // those with LayerNorm have no gate
			l.Gate = r.linear(p+"ffn_gate", c.FFN, c.Dim)
		}
		l.Up, l.Down = r.linear(p+"ffn_up", c.FFN, c.Dim), r.linear(p+"ffn_down", c.Dim, c.FFN)
	}
}

// experts takes the experts of a layer: matrices on top of each other or, in old
// files, a tensor each.
func (r *gguf) experts(l *lm.Layer, p string) {
	c := &r.config
	l.Router = r.matrix(p+"ffn_gate_inp.weight", c.Experts, c.Dim)
	stacked := r.has(p + "ffn_gate_exps.weight")
	if !stacked && r.err == nil && c.Experts > len(r.tensors) {
		r.fail("%d experts, but %d tensors", c.Experts, len(r.tensors))
	}
	var gate, up, down *tensor
	if stacked {
		gate = r.take(p+"ffn_gate_exps.weight", c.Dim, c.FFN, c.Experts)
		up = r.take(p+"ffn_up_exps.weight", c.Dim, c.FFN, c.Experts)
		down = r.take(p+"ffn_down_exps.weight", c.FFN, c.Dim, c.Experts)
	}
	if r.err != nil {
		return
	}
	l.Experts = make([]lm.FFN, c.Experts)
	for e := range l.Experts {
		x := &l.Experts[e]
		if stacked {
			x.Gate.Matrix, x.Up.Matrix = gate.part(e*c.FFN, c.FFN, c.Dim), up.part(e*c.FFN, c.FFN, c.Dim)
			x.Down.Matrix = down.part(e*c.Dim, c.Dim, c.FFN)
			continue
		}
		x.Gate.Matrix = r.matrix(fmt.Sprintf("%sffn_gate.%d.weight", p, e), c.FFN, c.Dim)
		x.Up.Matrix = r.matrix(fmt.Sprintf("%sffn_up.%d.weight", p, e), c.FFN, c.Dim)
		x.Down.Matrix = r.matrix(fmt.Sprintf("%sffn_down.%d.weight", p, e), c.Dim, c.FFN)
	}
}
