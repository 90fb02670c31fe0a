package lmfile

import (
	"math"

	"kolm/internal/lm"
)

// scaling is how a file stretches positions beyond those of the training.
type scaling struct {
	kind              string // "", linear, yarn, llama3, longrope
	factor            float64
	original          int     // positions before stretching
	attention         float64 // factor of rotated numbers; 0: as the kind has it
	fast, slow        float64 // yarn: rotations over the original context
	low, high         float64 // llama3: the same bounds, as factors of wavelengths
	shortDiv, longDiv []float32
	freqDiv           []float32 // divisors of the frequencies of every context
}

// rope returns the rotation of dims numbers with a base under a scaling, or false
// for an unknown kind or one without its factors.
func (s *scaling) rope(kind lm.RopeKind, dims int, base float64) (lm.Rope, bool) {
	r := lm.Rope{Kind: kind, Freq: lm.Frequencies(dims, base), Scale: 1}
	switch s.kind {
	case "", "none", "default":
	case "linear":
		for j := range r.Freq {
			r.Freq[j] /= s.factor
		}
	case "yarn":
		s.yarn(&r, dims, base)
	case "llama3":
		s.llama3(r.Freq)
	case "longrope":
		if s.shortDiv == nil || s.longDiv == nil {
			return r, false
		}
		r.Long, r.Short = divided(r.Freq, s.longDiv), s.original
		r.Freq = divided(r.Freq, s.shortDiv)
	default:
		return r, false
	}
	if s.freqDiv != nil {
		r.Freq = divided(r.Freq, s.freqDiv)
	}
	if s.attention != 0 {
		r.Scale *= float32(s.attention)
	}
	return r, true
}

// divided returns the quotients of frequencies and factors.
func divided(freq []float64, by []float32) []float64 {
	out := make([]float64, len(freq))
	for j, f := range freq {
		out[j] = f / float64(by[j])
	}
	return out
}

// yarn (Peng et al. 2023, arXiv:2309.00071) divides frequencies that turn less
// than slow times over the original context by the factor, leaves those that turn
// more than fast times, and goes linearly in between; rotated numbers grow by
// 1 + ln(factor)/10.
func (s *scaling) yarn(r *lm.Rope, dims int, base float64) {
	pair := func(turns float64) float64 {
		return float64(dims) * math.Log(float64(s.original)/(turns*2*math.Pi)) / (2 * math.Log(base))
	}
	low := max(0, math.Floor(pair(s.fast)))
	high := min(float64(dims-1), math.Ceil(pair(s.slow)))
	for j, f := range r.Freq {
		t := min(1, max(0, (float64(j)-low)/max(0.001, high-low)))
		r.Freq[j] = f/s.factor*t + f*(1-t)
	}
	if s.factor > 1 {
		r.Scale = float32(1 + 0.1*math.Log(s.factor))
	}
}

// llama3 divides frequencies whose wavelength is beyond original/low by the
// factor, leaves those below original/high, and goes linearly in between.
func (s *scaling) llama3(freq []float64) {
	for j, f := range freq {
		turns := float64(s.original) * f / (2 * math.Pi)
		t := min(1, max(0, (turns-s.low)/(s.high-s.low)))
		freq[j] = (1-t)*f/s.factor + t*f
	}
}
