package memory

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// CapacityOptions describe random facts and the memory that is trained on them:
// one hidden layer of ReLU neurons, random keys of +-1/sqrt(Dim) that are no
// parameters, a random label of Labels for each fact. Nothing but storing them
// helps, so what is learned is bits stored (J. X. Morris et al., "How much do
// language models memorize?", 2025; Z. Allen-Zhu, Y. Li, "Knowledge Capacity
// Scaling Laws", 2024).
type CapacityOptions struct {
	Facts  int
	Dim    int // of keys
	Hidden int // neurons
	Labels int
	Steps  int     // of full batches
	Rate   float64 // of Adam, falling to 0 by a cosine
	Zipf   bool    // fact of rank r is seen in proportion to 1/r; else all alike
	Seed   uint64
}

// DefaultCapacity are options that fill the memory in seconds.
func DefaultCapacity() CapacityOptions {
	return CapacityOptions{Facts: 560, Dim: 16, Hidden: 32, Labels: 16, Steps: 3000, Rate: .02, Seed: 1}
}

// mostNumbers is how many numbers of facts and weights a measurement holds: 1 GiB.
const mostNumbers = 1 << 27

// Check reports options that mean nothing, or take more memory than that.
func (o *CapacityOptions) Check() error {
	if o.Facts < 10 || o.Dim < 1 || o.Hidden < 1 || o.Labels < 2 || o.Steps < 1 {
		return fmt.Errorf("%d facts, %d labels, %d x %d neurons, %d steps: want at least 10 facts, 2 labels, and one of each other", o.Facts, o.Labels, o.Dim, o.Hidden, o.Steps)
	}
	facts, dim, hidden, labels := float64(o.Facts), float64(o.Dim), float64(o.Hidden), float64(o.Labels) // no product overflows
	numbers := facts*(dim+5) + 5*(hidden*(dim+1)+labels*(hidden+1))
	if numbers > mostNumbers {
		return fmt.Errorf("%d facts of width %d, %d neurons, %d labels: %.3g numbers are held in memory at once, want at most %d", o.Facts, o.Dim, o.Hidden, o.Labels, numbers, mostNumbers)
	}
	return nil
}

// Capacity is what a memory stores of the facts that it was offered.
type Capacity struct {
	Parameters int             `json:"parameters"`
	Facts      int             `json:"facts"`
	Steps      int             `json:"steps"`
	Offered    float64         `json:"bits_offered"`
	Stored     float64         `json:"bits_stored"`     // offered less what the labels still cost; may be negative
	Per        float64         `json:"bits_per_weight"` // Stored over Parameters
	Recall     float64         `json:"recall"`
	Chance     float64         `json:"chance"`
	Exposure   float64         `json:"exposure"` // mean over facts, of at most log2 of the labels
	Deciles    []Decile        `json:"deciles"`  // of facts by frequency, most frequent first
	Quantised  []QuantisedBits `json:"quantised"`
}

// Decile is a tenth of the facts.
type Decile struct {
	Frequency float64 `json:"frequency"` // mean, of the mean over all facts
	Recall    float64 `json:"recall"`
	Bits      float64 `json:"bits_per_fact"`
}

// QuantisedBits is what is left after rounding every row of weights to integers
// with a common scale.
type QuantisedBits struct {
	Bits   int     `json:"bits"`
	Stored float64 `json:"bits_stored"`
	Recall float64 `json:"recall"`
}

// capacityNet is the memory: label logits = Out relu(In x + b) + c.
type capacityNet struct {
	o             CapacityOptions
	keys          []float64 // (Facts, Dim)
	labels        []int
	weight        []float64 // of facts, 1 on average
	params        []float64 // In (Hidden, Dim), b, Out (Labels, Hidden), c
	in, b, out, c []float64 // parts of params
}

// MeasureCapacity trains a memory on random facts and measures what it stores.
// step, unless nil, is called after each step.
func MeasureCapacity(o CapacityOptions, step func()) (*Capacity, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	n := newCapacityNet(o)
	n.train(step)
	r := &Capacity{
		Parameters: len(n.params), Facts: o.Facts, Steps: o.Steps,
		Offered: float64(o.Facts) * math.Log2(float64(o.Labels)), Chance: 1 / float64(o.Labels),
	}
	bits, hits, exposure := n.measure()
	r.Stored, r.Recall, r.Exposure = sum(bits), sum(hits)/float64(o.Facts), sum(exposure)/float64(o.Facts)
	r.Per = r.Stored / float64(r.Parameters)
	for d := range 10 {
		from, to := o.Facts*d/10, o.Facts*(d+1)/10
		k := float64(to - from)
		r.Deciles = append(r.Deciles, Decile{sum(n.weight[from:to]) / k, sum(hits[from:to]) / k, sum(bits[from:to]) / k})
	}
	whole := slices.Clone(n.params)
	for _, b := range []int{8, 6, 5, 4, 3} {
		n.quantise(b)
		bits, hits, _ := n.measure()
		r.Quantised = append(r.Quantised, QuantisedBits{b, sum(bits), sum(hits) / float64(o.Facts)})
		copy(n.params, whole)
	}
	return r, nil
}

func newCapacityNet(o CapacityOptions) *capacityNet {
	rng := rand.New(rand.NewPCG(o.Seed, 0xcafe))
	n := &capacityNet{o: o, params: make([]float64, o.Hidden*(o.Dim+1)+o.Labels*(o.Hidden+1))}
	rest := n.params
	for _, p := range []struct {
		to   *[]float64
		size int
	}{{&n.in, o.Hidden * o.Dim}, {&n.b, o.Hidden}, {&n.out, o.Labels * o.Hidden}, {&n.c, o.Labels}} {
		*p.to, rest = rest[:p.size], rest[p.size:]
	}
	for i := range n.in {
		n.in[i] = rng.NormFloat64() * math.Sqrt2
	}
	for i := range n.out {
		n.out[i] = rng.NormFloat64() / math.Sqrt(float64(o.Hidden))
	}
	total := 0.0
	for f := range o.Facts {
		for range o.Dim {
			n.keys = append(n.keys, float64(1-2*rng.IntN(2))/math.Sqrt(float64(o.Dim)))
		}
		n.labels = append(n.labels, rng.IntN(o.Labels))
		w := 1.0
		if o.Zipf {
			w = 1 / float64(f+1)
		}
		n.weight = append(n.weight, w)
		total += w
	}
	for f := range n.weight {
		n.weight[f] *= float64(o.Facts) / total
	}
	return n
}

// forward computes hidden values and label probabilities of a fact.
func (n *capacityNet) forward(f int, hidden, p []float64) {
	o := &n.o
	x := n.keys[f*o.Dim:][:o.Dim]
	for h := range hidden {
		s := n.b[h]
		for d, v := range n.in[h*o.Dim:][:o.Dim] {
			s += v * x[d]
		}
		hidden[h] = max(0, s)
	}
	top := math.Inf(-1)
	for l := range p {
		s := n.c[l]
		for h, v := range n.out[l*o.Hidden:][:o.Hidden] {
			s += v * hidden[h]
		}
		p[l] = s
		top = max(top, s)
	}
	total := 0.0
	for l, s := range p {
		p[l] = math.Exp(s - top)
		total += p[l]
	}
	for l := range p {
		p[l] /= total
	}
}

// train runs Adam over full batches.
func (n *capacityNet) train(step func()) {
	o := &n.o
	grad, first, second := make([]float64, len(n.params)), make([]float64, len(n.params)), make([]float64, len(n.params))
	for s := range o.Steps {
		n.gradient(grad)
		rate := o.Rate * (1 + math.Cos(math.Pi*float64(s)/float64(o.Steps))) / 2
		bias1, bias2 := 1-math.Pow(.9, float64(s+1)), 1-math.Pow(.999, float64(s+1))
		for i, g := range grad {
			first[i] = .9*first[i] + .1*g
			second[i] = .999*second[i] + .001*g*g
			n.params[i] -= rate * first[i] / bias1 / (math.Sqrt(second[i]/bias2) + 1e-8)
		}
		if step != nil {
			step()
		}
	}
}

// gradient fills in the gradient of the mean loss.
func (n *capacityNet) gradient(grad []float64) {
	o := &n.o
	clear(grad)
	size := o.Hidden * o.Dim
	gIn, gB, gOut, gC := grad[:size], grad[size:size+o.Hidden], grad[size+o.Hidden:len(grad)-o.Labels], grad[len(grad)-o.Labels:]
	hidden, p, dh := make([]float64, o.Hidden), make([]float64, o.Labels), make([]float64, o.Hidden)
	for f := range o.Facts {
		n.forward(f, hidden, p)
		p[n.labels[f]]--
		k := n.weight[f] / float64(o.Facts)
		clear(dh)
		for l, e := range p {
			e *= k
			gC[l] += e
			w, g := n.out[l*o.Hidden:][:o.Hidden], gOut[l*o.Hidden:][:o.Hidden]
			for h, v := range hidden {
				g[h] += e * v
				dh[h] += e * w[h]
			}
		}
		x := n.keys[f*o.Dim:][:o.Dim]
		for h, e := range dh {
			if hidden[h] == 0 {
				continue
			}
			gB[h] += e
			g := gIn[h*o.Dim:][:o.Dim]
			for d, v := range x {
				g[d] += e * v
			}
		}
	}
}

// measure returns, by fact, the bits stored, 1 if the label is the first choice, and
// the exposure: log2 of the labels less that of the label's rank (N. Carlini et al.,
// "The Secret Sharer", 2019).
func (n *capacityNet) measure() (bits, hits, exposure []float64) {
	o := &n.o
	hidden, p := make([]float64, o.Hidden), make([]float64, o.Labels)
	for f, label := range n.labels {
		n.forward(f, hidden, p)
		place := 1
		for l, v := range p {
			if v > p[label] || v == p[label] && l < label {
				place++
			}
		}
		hit := 0.0
		if place == 1 {
			hit = 1
		}
		bits = append(bits, math.Log2(float64(o.Labels))+math.Log2(max(p[label], 1e-300)))
		hits = append(hits, hit)
		exposure = append(exposure, Exposure(place, o.Labels))
	}
	return bits, hits, exposure
}

// Exposure is log2 of the number of candidates less that of a rank from 1 to it.
func Exposure(rank, candidates int) float64 {
	return math.Log2(float64(candidates)) - math.Log2(float64(rank))
}

// quantise rounds every row of weights to integers of so many bits with one scale,
// symmetrically.
func (n *capacityNet) quantise(bits int) {
	o := &n.o
	for _, m := range []struct {
		w    []float64
		cols int
	}{{n.in, o.Dim}, {n.b, o.Hidden}, {n.out, o.Hidden}, {n.c, o.Labels}} {
		for at := 0; at < len(m.w); at += m.cols {
			row, top := m.w[at:][:m.cols], 0.0
			for _, v := range row {
				top = max(top, math.Abs(v))
			}
			scale := top / float64(int(1)<<(bits-1)-1)
			for i, v := range row {
				if scale > 0 {
					row[i] = scale * math.RoundToEven(v/scale)
				}
			}
		}
	}
}
