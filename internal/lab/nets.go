package lab

import (
	"cmp"
	"math"
	"math/rand/v2"

	"kolm/internal/memory"
)

// task is keys with labels: random ones, or by a rule that a small network can learn.
// The rule looks at four digits of a key of which each sets one bit of the label.
type task struct {
	keys   [][]float64
	labels []int
}

const taskLabels = 16

// newTask draws n keys of dim numbers. A share of the labels is random, the rest
// follows the rule.
func newTask(seed uint64, n, dim int, random float64) task {
	r := rand.New(rand.NewPCG(seed, 11))
	t := task{keys: memory.RandomKeys(r, n, dim)}
	for _, key := range t.keys {
		label := 0
		for b := range 4 {
			label = 2*label + one(key[b] > 0)
		}
		if r.Float64() < random {
			label = r.IntN(taskLabels)
		}
		t.labels = append(t.labels, label)
	}
	return t
}

// part is the pairs of a task that a net is trained on, all alike.
func (t task) part(in func(i int) bool) (pairs []memory.Pair) {
	for i, key := range t.keys {
		if in(i) {
			pairs = append(pairs, memory.Pair{Key: key, Label: t.labels[i], Weight: 1})
		}
	}
	return pairs
}

func (t task) first(n int) task { return task{t.keys[:n], t.labels[:n]} }

func everything(int) bool { return true }

// bits is what the labels cost under a net, each.
func (t task) bits(net *memory.Learned) []float64 {
	list := make([]float64, len(t.keys))
	for i, key := range t.keys {
		list[i] = net.Bits(key, t.labels[i])
	}
	return list
}

// recall is the share of labels that are a net's first choice.
func (t task) recall(net *memory.Learned) float64 {
	hits := 0
	for i, key := range t.keys {
		hits += one(argmax(net.Predict(key)) == t.labels[i])
	}
	return float64(hits) / float64(len(t.keys))
}

// argmax is the index of the largest number, the first of equals.
func argmax[T cmp.Ordered](x []T) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// deviation is the standard error of a mean.
func deviation(x []float64) float64 {
	m, sum := mean(x), 0.0
	for _, v := range x {
		sum += (v - m) * (v - m)
	}
	n := float64(len(x))
	return math.Sqrt(sum / (n - 1) / n)
}
