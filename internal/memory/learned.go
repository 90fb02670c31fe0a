package memory

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Pair is a key with the label that it has; Weight is how often it is seen.
type Pair struct {
	Key    []float64
	Label  int
	Weight float64
}

// Learned is the memory of MeasureCapacity, trained on pairs of one's own.
type Learned struct{ net *capacityNet }

// Learn trains a memory on pairs, as MeasureCapacity does on random facts. Of o it
// takes all but Facts and Zipf.
func Learn(o CapacityOptions, pairs []Pair, step func()) (*Learned, error) {
	if len(pairs) == 0 || o.Dim < 1 || o.Hidden < 1 || o.Labels < 2 || o.Steps < 0 {
		return nil, fmt.Errorf("%d pairs, %d labels, %d x %d neurons, %d steps: want at least one pair, 2 labels, and one of each other", len(pairs), o.Labels, o.Dim, o.Hidden, o.Steps)
	}
	o.Facts, o.Zipf = len(pairs), false
	n := newCapacityNet(o)
	total := 0.0
	for f, p := range pairs {
		if len(p.Key) != o.Dim || p.Label < 0 || p.Label >= o.Labels {
			return nil, fmt.Errorf("pair %d: a key of %d numbers, label %d: want %d numbers and a label below %d", f, len(p.Key), p.Label, o.Dim, o.Labels)
		}
		copy(n.keys[f*o.Dim:], p.Key)
		n.labels[f], n.weight[f] = p.Label, p.Weight
		total += p.Weight
	}
	for f := range n.weight {
		n.weight[f] *= float64(len(pairs)) / total
	}
	n.train(step)
	return &Learned{n}, nil
}

// Predict returns the probabilities of the labels after a key.
func (l *Learned) Predict(key []float64) []float64 {
	o := l.net.o
	o.Facts = 1
	one := capacityNet{o: o, keys: key, in: l.net.in, b: l.net.b, out: l.net.out, c: l.net.c}
	hidden, p := make([]float64, o.Hidden), make([]float64, o.Labels)
	one.forward(0, hidden, p)
	return p
}

// Bits is what a label costs after a key.
func (l *Learned) Bits(key []float64, label int) float64 {
	return -math.Log2(max(l.Predict(key)[label], 1e-300))
}

// Params returns a copy of the weights: In (Hidden, Dim), its bias, Out (Labels,
// Hidden), its bias.
func (l *Learned) Params() []float64 { return slices.Clone(l.net.params) }

// With returns the memory with other weights, in the order of Params.
func (l *Learned) With(params []float64) *Learned {
	n := newCapacityNet(CapacityOptions{Dim: l.net.o.Dim, Hidden: l.net.o.Hidden, Labels: l.net.o.Labels})
	copy(n.params, params)
	return &Learned{n}
}

// RandomKeys draws keys of dim numbers +-1/sqrt(dim).
func RandomKeys(r *rand.Rand, n, dim int) [][]float64 {
	keys := make([][]float64, n)
	for i := range keys {
		for range dim {
			keys[i] = append(keys[i], float64(1-2*r.IntN(2))/math.Sqrt(float64(dim)))
		}
	}
	return keys
}
