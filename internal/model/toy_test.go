package model_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"kolm/internal/kernel"
	"kolm/internal/model"
)

var toyConfig = model.Config{Vocab: 300, Dim: 64, Layers: 3, Heads: 4, KVHeads: 2, HeadDim: 32, FFN: 96, Window: 32, RopeBase: 10000, Eps: 1e-6}

// toyWeights are random, of a size that keeps activations near 1.
func toyWeights(c model.Config, seed uint64) *model.Weights {
	rng := rand.New(rand.NewPCG(seed, 1))
	// Uniform with mean and standard deviation, by operations that no compiler
	// fuses: the bits are pinned by tests.
	vector := func(n int, mean, sd float64) []float32 {
		x, step := make([]float32, n), float32(sd*math.Sqrt(3)/(1<<15))
		for i := range x {
			x[i] = float32(mean) + float32(step*float32(rng.IntN(1<<16)-1<<15))
		}
		return x
	}
	matrix := func(rows, cols int, sd float64) model.Matrix {
		return model.Matrix{Rows: rows, Cols: cols, F: vector(rows*cols, 0, sd/math.Sqrt(float64(cols)))}
	}
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	w := &model.Weights{Embed: matrix(c.Vocab, c.Dim, 8), Output: matrix(c.Vocab, c.Dim, 2), OutputNorm: vector(c.Dim, 1, .2)}
	for range c.Layers {
		w.Layers = append(w.Layers, model.Layer{
			AttnNorm: vector(c.Dim, 1, .2), FFNNorm: vector(c.Dim, 1, .2),
			QNorm: vector(c.HeadDim, 1.5, .3), KNorm: vector(c.HeadDim, 1.5, .3),
			Q: matrix(q, c.Dim, 1), K: matrix(kv, c.Dim, 1), V: matrix(kv, c.Dim, 1), O: matrix(c.Dim, q, 1),
			Gate: matrix(c.FFN, c.Dim, 1.5), Up: matrix(c.FFN, c.Dim, 1.5), Down: matrix(c.Dim, c.FFN, 1),
		})
	}
	return w
}

func newModel(t testing.TB, c model.Config, w *model.Weights) *model.Model {
	t.Helper()
	m, err := model.New(c, w)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// tokens returns n random tokens.
func tokens(c model.Config, n int, seed uint64) []int32 {
	rng := rand.New(rand.NewPCG(seed, 2))
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(rng.IntN(c.Vocab))
	}
	return out
}

// everyVariant runs the test under each kernel variant of this CPU.
func everyVariant(t *testing.T, test func(t *testing.T)) {
	before := kernel.Active()
	defer kernel.Use(before)
	names := kernel.Variants()
	if len(names) == 0 {
		t.Fatal("no kernel variants")
	}
	for _, name := range names {
		if err := kernel.Use(name); err != nil {
			t.Fatal(err)
		}
		t.Run(name, test)
	}
}

// hash folds the bits of x into a number (FNV-1a).
func hash(x []float32) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, v := range x {
		for b, s := math.Float32bits(v), 0; s < 4; b, s = b>>8, s+1 {
			h = (h ^ uint64(b&0xff)) * 0x100000001b3
		}
	}
	return h
}
