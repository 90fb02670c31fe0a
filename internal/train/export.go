package train

import (
	"fmt"

	"kolm/internal/model"
	"kolm/internal/modelfile"
)

// File returns the snapshot as a model file under a name. Matrices are rounded
// to int8, one scale a row, unless exact asks for float32.
func (s *Snapshot) File(name string, exact bool) (*modelfile.File, error) {
	c := model.Config{
		Vocab: s.Shape.Vocab, Dim: s.Shape.Dim, Layers: s.Shape.Layers,
		Heads: s.Shape.Heads, KVHeads: s.Shape.KVHeads, HeadDim: s.Shape.HeadDim,
		FFN: s.Shape.FFN, Window: s.Shape.Window,
		RopeBase: s.Shape.RopeBase, Eps: s.Shape.Eps,
	}
	tensors := make(map[string]Tensor)
	for _, t := range s.Weights() {
		tensors[t.Name] = t
	}
	matrix := func(name string, args ...any) model.Matrix {
		t := tensors[fmt.Sprintf(name, args...)]
		return model.Matrix{Rows: t.Rows, Cols: t.Cols, F: t.Data}
	}
	vector := func(name string, args ...any) []float32 { return tensors[fmt.Sprintf(name, args...)].Data }
	w := &model.Weights{
		Embed:      matrix("token_embd"),
		OutputNorm: vector("output_norm"),
		Output:     matrix("output"),
	}
	for l := range c.Layers {
		w.Layers = append(w.Layers, model.Layer{
			AttnNorm: vector("blk.%d.attn_norm", l),
			Q:        matrix("blk.%d.attn_q", l),
			K:        matrix("blk.%d.attn_k", l),
			V:        matrix("blk.%d.attn_v", l),
			QNorm:    vector("blk.%d.attn_q_norm", l),
			KNorm:    vector("blk.%d.attn_k_norm", l),
			O:        matrix("blk.%d.attn_output", l),
			FFNNorm:  vector("blk.%d.ffn_norm", l),
			Gate:     matrix("blk.%d.ffn_gate", l),
			Up:       matrix("blk.%d.ffn_up", l),
			Down:     matrix("blk.%d.ffn_down", l),
		})
	}
	if err := w.Validate(c); err != nil {
		return nil, fmt.Errorf("train: export: %w", err)
	}
	if !exact {
		w = w.Quantized()
	}
	return modelfile.New(name, c, w, s.Merges)
}
