package train

import (
	"errors"
	"fmt"

	"kolm/internal/token"
)

// Shape is the size of a model.
type Shape struct {
	Vocab    int     // tokens: 256 bytes, the separator, merges; a multiple of 32
	Dim      int     // of the residual stream; a multiple of 32
	Layers   int     //
	Heads    int     // query heads
	KVHeads  int     // key and value heads, a divisor of Heads
	HeadDim  int     // a multiple of 32
	FFN      int     // hidden width of the feed-forward block; a multiple of 32
	Window   int     // position p attends to p-Window+1 .. p
	RopeBase float64 // of the rotary positions
	Eps      float32 // of every RMS norm
}

func (s Shape) String() string {
	return fmt.Sprintf("%dx%d, vocabulary %d, window %d", s.Layers, s.Dim, s.Vocab, s.Window)
}

// Recipe is how a model is trained. All rates are those of the constant phase.
type Recipe struct {
	Seq         int     // tokens in a training sequence; a multiple of 32
	Batch       int     // tokens in a step; a multiple of Seq
	Micro       int     // sequences that a worker holds activations for at once
	MatrixRate  float64 // Muon, matrices
	VectorRate  float64 // AdamW, embedding and gains
	MatrixDecay float64 // weight decay of the matrices
	Clip        float64 // largest norm of the gradient that AdamW sees
	Warmup      int64   // tokens over which the rates rise from zero
	DecayShare  float64 // share of a budget that the final decay takes
	Seed        uint64
}

// DefaultShape is that of the built-in model.
func DefaultShape() Shape {
	return Shape{Vocab: 4096, Dim: 256, Layers: 6, Heads: 4, KVHeads: 2, HeadDim: 64, FFN: 768,
		Window: 256, RopeBase: 10000, Eps: 1e-6}
}

// DefaultRecipe is what short runs on the project's corpus found best.
func DefaultRecipe() Recipe {
	return Recipe{Seq: 512, Batch: 16384, Micro: 2, MatrixRate: 0.01, VectorRate: 0.015, MatrixDecay: 0.05,
		Clip: 1, Warmup: 500_000, DecayShare: 0.25, Seed: 1}
}

// Check says what is impossible about a shape.
func (s Shape) Check() error {
	switch {
	case s.Vocab < 288 || s.Vocab > token.MaxVocab || s.Vocab%32 != 0:
		return fmt.Errorf("train: vocabulary of %d: want a multiple of 32 in 288..%d", s.Vocab, token.MaxVocab)
	case s.Dim <= 0 || s.Dim%32 != 0 || s.FFN <= 0 || s.FFN%32 != 0 || s.HeadDim <= 0 || s.HeadDim%32 != 0:
		return fmt.Errorf("train: widths %d, %d, heads of %d: want positive multiples of 32", s.Dim, s.FFN, s.HeadDim)
	case s.Layers <= 0 || s.KVHeads <= 0 || s.Heads <= 0 || s.Heads%s.KVHeads != 0:
		return fmt.Errorf("train: %d layers, %d heads, %d key heads: want positive numbers, heads a multiple of key heads", s.Layers, s.Heads, s.KVHeads)
	case max(s.Dim, s.FFN, s.HeadDim) > 1<<16 || s.Layers > 1<<10 || s.Heads > 1<<10 || layout(s).total > 1<<30:
		return errors.New("train: a model of more than 2^30 weights is not for this trainer")
	case s.Window <= 0 || s.RopeBase <= 1 || s.Eps <= 0:
		return errors.New("train: window, rope base and epsilon must be positive")
	}
	return nil
}

// Check says what is impossible about a recipe.
func (r Recipe) Check() error {
	switch {
	case r.Seq <= 0 || r.Seq%32 != 0:
		return fmt.Errorf("train: sequences of %d tokens: want a positive multiple of 32", r.Seq)
	case r.Batch <= 0 || r.Batch%r.Seq != 0:
		return fmt.Errorf("train: batch of %d tokens is not whole sequences of %d", r.Batch, r.Seq)
	case r.Micro <= 0:
		return fmt.Errorf("train: micro-batch of %d sequences: want at least 1", r.Micro)
	case r.DecayShare <= 0 || r.DecayShare > 1:
		return fmt.Errorf("train: decay share %g: want more than 0, at most 1", r.DecayShare)
	}
	return nil
}

// flopsPerToken counts the multiply-adds of a training step as two each: six a
// weight (the tied table once), and attention over the visible window.
func flopsPerToken(s Shape, seq int) float64 {
	var weights float64
	for _, t := range layout(s).tensors {
		if t.kind != gain {
			weights += float64(t.rows * t.cols)
		}
	}
	w := min(s.Window, seq)
	visible := float64(w) - float64(w)*float64(w-1)/2/float64(seq)
	return 6*weights + 12*float64(s.Layers*s.Heads*s.HeadDim)*visible
}
