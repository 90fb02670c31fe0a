package model

import "fmt"

// Numerics is the version of the arithmetic that New and Forward perform. It
// changes whenever any of their bits change, and is part of a model's ID.
const Numerics = 1

// maxDim bounds every row length, so that a sum of maxDim products of an
// unsigned and a signed byte fits an int32 (65536 * 255 * 128 < 1<<31).
const maxDim = 1 << 16

// maxPosition is where the rope table ends; see State.
const maxPosition = 1 << 20

// Config holds the sizes of a model of the Qwen3 architecture.
type Config struct {
	Vocab    int     // rows of the input and output tables
	Dim      int     // width of the residual stream, multiple of 32
	Layers   int     // transformer blocks
	Heads    int     // query heads, multiple of KVHeads
	KVHeads  int     // key and value heads
	HeadDim  int     // width of one head, multiple of 16
	FFN      int     // hidden width of the feed-forward block, multiple of 32
	Window   int     // positions a token sees, itself included; multiple of 16
	RopeBase float64 // base of the rotary frequencies
	Eps      float32 // added to the mean square in every RMSNorm
}

// Validate reports the first size that the package cannot serve.
func (c Config) Validate() error {
	for _, s := range []struct {
		name         string
		value        int
		multiple, at int // value must be a multiple and at most
	}{
		{"vocabulary", c.Vocab, 1, 1 << 20},
		{"embedding length", c.Dim, 32, maxDim},
		{"layer count", c.Layers, 1, 1 << 12},
		{"head count", c.Heads, 1, 1 << 12},
		{"key/value head count", c.KVHeads, 1, 1 << 12},
		{"head length", c.HeadDim, 16, 1 << 12},
		{"feed-forward length", c.FFN, 32, maxDim},
		{"window", c.Window, 16, maxDim},
	} {
		if s.value <= 0 || s.value > s.at || s.value%s.multiple != 0 {
			return fmt.Errorf("model: %s is %d, want a multiple of %d from %d to %d",
				s.name, s.value, s.multiple, s.multiple, s.at)
		}
	}
	if c.Heads%c.KVHeads != 0 {
		return fmt.Errorf("model: %d query heads do not share %d key/value heads evenly", c.Heads, c.KVHeads)
	}
	if n := c.Heads * c.HeadDim; n > maxDim || n%32 != 0 {
		return fmt.Errorf("model: heads together are %d wide, want a multiple of 32 up to %d", n, maxDim)
	}
	if !(c.RopeBase >= 1 && c.RopeBase <= 1e12) {
		return fmt.Errorf("model: rope base is %v, want 1 to 1e12", c.RopeBase)
	}
	if !(c.Eps >= 1e-12 && c.Eps <= 1) {
		return fmt.Errorf("model: RMSNorm epsilon is %v, want 1e-12 to 1", c.Eps)
	}
	return nil
}

// qWidth is the width of all query heads, kvWidth that of all key heads.
func (c Config) qWidth() int  { return c.Heads * c.HeadDim }
func (c Config) kvWidth() int { return c.KVHeads * c.HeadDim }
