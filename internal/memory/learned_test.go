package memory

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestLearn: a memory learns pairs that fit, of two that contradict each other the
// share of each, and another memory with its weights says the same.
func TestLearn(t *testing.T) {
	o := CapacityOptions{Dim: 8, Hidden: 16, Labels: 4, Steps: 400, Rate: .03, Seed: 1}
	r := rand.New(rand.NewPCG(1, 2))
	var pairs []Pair
	seen := map[string]bool{}
	for _, key := range RandomKeys(r, 12, o.Dim) {
		s := ""
		for _, v := range key {
			s += string('1' + rune(math.Copysign(1, v)))
		}
		if !seen[s] {
			seen[s] = true
			pairs = append(pairs, Pair{key, r.IntN(o.Labels), 1})
		}
	}
	split := pairs[0]
	split.Label = (split.Label + 1) % o.Labels
	split.Weight = 3
	m, err := Learn(o, append(slices.Clone(pairs), split), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range pairs[1:] {
		if b := m.Bits(p.Key, p.Label); b > .2 {
			t.Errorf("pair %d costs %v bits", i+1, b)
		}
	}
	near(t, "probability of the label seen three times of four", m.Predict(split.Key)[split.Label], .75, .02)
	again := m.With(m.Params())
	if !slices.Equal(again.Predict(split.Key), m.Predict(split.Key)) {
		t.Error("the same weights say something else")
	}
	zero := m.With(make([]float64, len(m.Params())))
	near(t, "bits without weights", zero.Bits(split.Key, 0), 2, 1e-12)
	for _, bad := range [][]Pair{nil, {{make([]float64, 7), 0, 1}}, {{make([]float64, 8), 4, 1}}} {
		if _, err := Learn(o, bad, nil); err == nil {
			t.Errorf("pairs %v are learned", bad)
		}
	}
}
