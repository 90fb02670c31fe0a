package lm

import (
	"fmt"
	"math"

	"kolm/internal/kernel"
)

// RopeKind says which numbers of a head a rotation pairs.
type RopeKind int

// The kinds of rotation.
const (
	NoRope      RopeKind = iota
	Interleaved          // 2j with 2j+1: llama in GGUF and llama2.c files
	Halves               // j with j+Dims/2: all else ("NEOX")
)

// Rope is the rotation of queries and keys by their position. The pair j of the
// first Dims numbers of a head turns by Freq[j] radians a position; the other
// numbers stay.
type Rope struct {
	Kind  RopeKind
	Freq  []float64
	Scale float32 // of the rotated numbers; usually 1

	// Contexts of more than Short positions use Long in place of Freq (phi3).
	Short int
	Long  []float64
}

func (r *Rope) validate(headDim int) error {
	if r == nil || r.Kind == NoRope {
		return nil
	}
	if r.Kind < 0 || r.Kind > Halves {
		return fmt.Errorf("rotation has kind %d", r.Kind)
	}
	if n := 2 * len(r.Freq); n == 0 || n > headDim || r.Long != nil && len(r.Long) != len(r.Freq) {
		return fmt.Errorf("rotation of %d numbers (%d in long contexts) of a head of %d", n, 2*len(r.Long), headDim)
	}
	for _, f := range [][]float64{r.Freq, r.Long} {
		for j, v := range f {
			if !(v >= 0 && v <= 1e3) {
				return fmt.Errorf("rotation frequency %d is %v", j, v)
			}
		}
	}
	if !(r.Scale > 0 && r.Scale <= 1e3) {
		return fmt.Errorf("rotation scale is %v", r.Scale)
	}
	return nil
}

// frequencies returns what a context of n positions uses.
func (r *Rope) frequencies(n int) []float64 {
	if r.Long != nil && n > r.Short {
		return r.Long
	}
	return r.Freq
}

// fill computes the cosines and sines (len(freq)) of a position.
func (r *Rope) fill(cos, sin []float32, freq []float64, pos int) {
	for j, f := range freq {
		s, c := math.Sincos(float64(pos) * f)
		cos[j], sin[j] = float32(c)*r.Scale, float32(s)*r.Scale
	}
}

// rotate turns one head in place.
func (r *Rope) rotate(head, cos, sin []float32) {
	switch r.Kind {
	case Halves:
		kernel.Rope(head[:2*len(cos)], cos, sin)
	case Interleaved:
		for j, c := range cos {
			s, a, b := sin[j], head[2*j], head[2*j+1]
			head[2*j], head[2*j+1] = a*c-b*s, a*s+b*c
		}
	}
}

// Frequencies returns base^(-2j/dims) for the pairs j of dims rotated numbers.
func Frequencies(dims int, base float64) []float64 {
	f := make([]float64, dims/2)
	for j := range f {
		f[j] = math.Pow(base, -2*float64(j)/float64(dims))
	}
	return f
}
