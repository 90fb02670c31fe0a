package lm

import "fmt"

// NormKind says how rows are normalised.
type NormKind int

// The kinds of norm.
const (
	RMSNorm   NormKind = iota // x/rms(x) * gain
	LayerNorm                 // (x-mean)/sd * gain + bias
)

// Activation is the non-linearity of the feed-forward part.
type Activation int

// The activations. GELU is the approximation by tanh, which all architectures
// here use.
const (
	SiLU Activation = iota
	GELU
)

// Config holds the sizes and features of an architecture. Whether there are
// biases, a gate, learned positions, norms of query and key heads, and norms
// after attention and feed-forward, is seen from the Weights.
type Config struct {
	Arch    string // as the file names it; for messages
	Vocab   int    // rows of the input and output tables
	Dim     int    // width of the residual stream
	Layers  int
	Heads   int // query heads, a multiple of KVHeads
	KVHeads int // key and value heads
	HeadDim int // width of one head
	FFN     int // hidden width of the feed-forward part, or of one expert
	Context int // positions that the model was trained for

	Norm       NormKind
	Eps        float32 // added to the mean square or variance
	Activation Activation
	EmbedScale float32 // of input rows
	QueryScale float32 // of scores, usually 1/sqrt(HeadDim)
	AttnCap    float32 // soft cap of scores; 0: none
	LogitCap   float32 // soft cap of logits; 0: none

	Rope       Rope
	Windows    []int // by layer: positions seen, itself included; 0: all. Nil: all in every layer
	WindowRope *Rope // of layers with a window, where it is another one

	Experts     int  // 0: one dense feed-forward part
	ExpertsUsed int  // experts a token
	ExpertsSum1 bool // the weights of the used experts are scaled to the sum 1
}

// Limits of the sizes, so that products of two fit an int of 32 bits or more.
const (
	maxWidth = 1 << 20
	maxCount = 1 << 14
)

// Validate reports the first size or feature that the package cannot serve.
func (c *Config) Validate() error {
	for _, s := range []struct {
		name          string
		value, lo, hi int
	}{
		{"vocabulary", c.Vocab, 1, 1 << 24},
		{"embedding length", c.Dim, 1, maxWidth},
		{"layer count", c.Layers, 1, maxCount},
		{"head count", c.Heads, 1, maxCount},
		{"key/value head count", c.KVHeads, 1, maxCount},
		{"head length", c.HeadDim, 1, maxCount},
		{"feed-forward length", c.FFN, 1, maxWidth},
		{"context length", c.Context, 1, 1 << 30},
		{"expert count", c.Experts, 0, maxCount},
		{"used expert count", c.ExpertsUsed, min(1, c.Experts), c.Experts},
		{"norm kind", int(c.Norm), 0, int(LayerNorm)},
		{"activation", int(c.Activation), 0, int(GELU)},
	} {
		if s.value < s.lo || s.value > s.hi {
			return fmt.Errorf("%s is %d, want %d to %d", s.name, s.value, s.lo, s.hi)
		}
	}
	if c.Heads%c.KVHeads != 0 {
		return fmt.Errorf("%d query heads do not share %d key/value heads evenly", c.Heads, c.KVHeads)
	}
	if c.Windows != nil && len(c.Windows) != c.Layers {
		return fmt.Errorf("%d windows for %d layers", len(c.Windows), c.Layers)
	}
	for i, n := range c.Windows {
		if n < 0 {
			return fmt.Errorf("window of layer %d is %d", i, n)
		}
	}
	for _, f := range []struct {
		name   string
		value  float32
		lo, hi float32
	}{
		{"norm epsilon", c.Eps, 0, 1},
		{"embedding scale", c.EmbedScale, 1e-6, 1e6},
		{"query scale", c.QueryScale, 1e-6, 1e6},
		{"attention cap", c.AttnCap, 0, 1e6},
		{"logit cap", c.LogitCap, 0, 1e6},
	} {
		if !(f.value >= f.lo && f.value <= f.hi) {
			return fmt.Errorf("%s is %v, want %v to %v", f.name, f.value, f.lo, f.hi)
		}
	}
	for _, r := range []*Rope{&c.Rope, c.WindowRope} {
		if err := r.validate(c.HeadDim); err != nil {
			return err
		}
	}
	return nil
}

// rope returns the rotation of a layer.
func (c *Config) rope(layer int) *Rope {
	if c.WindowRope != nil && c.window(layer) > 0 {
		return c.WindowRope
	}
	return &c.Rope
}

// window is the number of positions that a layer sees; 0 for all.
func (c *Config) window(layer int) int {
	if c.Windows == nil {
		return 0
	}
	return c.Windows[layer]
}

// qWidth is the width of all query heads, kvWidth that of all key heads.
func (c *Config) qWidth() int  { return c.Heads * c.HeadDim }
func (c *Config) kvWidth() int { return c.KVHeads * c.HeadDim }
