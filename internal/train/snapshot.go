package train

import (
	"fmt"

	"kolm/internal/tensor"
)

// Snapshot is a trained model with its tokenizer, as a model file wants it.
type Snapshot struct {
	Shape    Shape
	Recipe   Recipe // that it was trained by
	Merges   [][2]int32
	Tokens   int64   // trained on
	HeldBits float64 // bits per byte on held-out text, 0 if not measured
	w        []float32
	params   *params
}

// Tensor is a named float32 array. The names are those of GGUF without
// ".weight"; Rows is 1 for gains.
type Tensor struct {
	Name       string
	Rows, Cols int
	Data       []float32 // (Rows, Cols)
}

// Open reads the latest state of a run folder, also of a run in progress.
func Open(dir string) (*Snapshot, error) {
	s, _, err := latest(dir)
	if err != nil {
		return nil, err
	}
	return s.snapshot(), nil
}

func (s *state) snapshot() *Snapshot {
	return &Snapshot{Shape: s.Shape, Recipe: s.Recipe, Merges: s.Merges, Tokens: s.Progress.Tokens,
		HeldBits: s.Progress.Held, w: s.w, params: layout(s.Shape)}
}

// Weights returns the tensors of the model as the Qwen3 architecture has them.
// In training one table serves input, after a norm, and output; here it is two:
// token_embd holds the normed rows.
func (s *Snapshot) Weights() []Tensor {
	q, kv, d, f := s.Shape.Heads*s.Shape.HeadDim, s.Shape.KVHeads*s.Shape.HeadDim, s.Shape.Dim, s.Shape.FFN
	output := s.params.embed.of(s.w)
	input, r := make([]float32, len(output)), make([]float32, s.Shape.Vocab)
	tensor.RMSNorm(input, r, output, s.Shape.Vocab, d, s.Shape.Eps)
	ones := make([]float32, d)
	for i := range ones {
		ones[i] = 1
	}
	list := []Tensor{{"token_embd", s.Shape.Vocab, d, input}}
	for i := range s.params.blocks {
		b := &s.params.blocks[i]
		add := func(name string, rows, cols int, x []float32) {
			list = append(list, Tensor{fmt.Sprintf("blk.%d.%s", i, name), rows, cols, x[:rows*cols]})
		}
		qkv, gateUp := b.qkv.of(s.w), b.gateUp.of(s.w)
		add("attn_norm", 1, d, ones)
		add("attn_q", q, d, qkv)
		add("attn_k", kv, d, qkv[q*d:])
		add("attn_v", kv, d, qkv[(q+kv)*d:])
		add("attn_q_norm", 1, s.Shape.HeadDim, b.qNorm.of(s.w))
		add("attn_k_norm", 1, s.Shape.HeadDim, b.kNorm.of(s.w))
		add("attn_output", d, q, b.out.of(s.w))
		add("ffn_norm", 1, d, ones)
		add("ffn_gate", f, d, gateUp)
		add("ffn_up", f, d, gateUp[f*d:])
		add("ffn_down", d, f, b.down.of(s.w))
	}
	return append(list, Tensor{"output_norm", 1, d, s.params.finalNorm.of(s.w)}, Tensor{"output", s.Shape.Vocab, d, output})
}
