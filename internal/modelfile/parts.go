package modelfile

import (
	"fmt"

	"kolm/internal/model"
)

// Part is a tensor of the architecture and its place in model.Weights: a matrix
// or a vector, the other is nil.
type Part struct {
	Name       string // in a GGUF file
	Matrix     *model.Matrix
	Vector     *[]float32
	Rows, Cols int
}

// Parts lists the tensors of a model in the order in which they are written. The
// first two are the input and the output table.
func (f *File) Parts() []Part { return parts(f.Config, f.Weights) }

// parts lists the tensors of a model in the order in which they are written and
// hashed. w.Layers has c.Layers entries.
func parts(c model.Config, w *model.Weights) []Part {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	list := []Part{
		{"token_embd.weight", &w.Embed, nil, c.Vocab, c.Dim},
		{"output.weight", &w.Output, nil, c.Vocab, c.Dim},
		{"output_norm.weight", nil, &w.OutputNorm, 1, c.Dim},
	}
	for i := range w.Layers {
		l := &w.Layers[i]
		for _, p := range []Part{
			{"attn_norm", nil, &l.AttnNorm, 1, c.Dim},
			{"attn_q", &l.Q, nil, q, c.Dim},
			{"attn_k", &l.K, nil, kv, c.Dim},
			{"attn_v", &l.V, nil, kv, c.Dim},
			{"attn_q_norm", nil, &l.QNorm, 1, c.HeadDim},
			{"attn_k_norm", nil, &l.KNorm, 1, c.HeadDim},
			{"attn_output", &l.O, nil, c.Dim, q},
			{"ffn_norm", nil, &l.FFNNorm, 1, c.Dim},
			{"ffn_gate", &l.Gate, nil, c.FFN, c.Dim},
			{"ffn_up", &l.Up, nil, c.FFN, c.Dim},
			{"ffn_down", &l.Down, nil, c.Dim, c.FFN},
		} {
			p.Name = fmt.Sprintf("blk.%d.%s.weight", i, p.Name)
			list = append(list, p)
		}
	}
	return list
}
