package lab

import (
	"fmt"
	"math"

	"kolm/internal/chart"
	"kolm/internal/mdl"
	"kolm/internal/memory"
)

var labels = Experiment{
	Name:     "labels",
	Question: "does a model that can not memorise generalise?",
	Criterion: "with random labels, memorised bits stop growing with the number of facts (at most 2.3 a weight, and within a factor 1.5 over the last three numbers), and new facts cost no less than chance; " +
		"with labels by a rule, new facts come to cost less than a tenth of chance and memorised bits fall to less than .1 a weight; a mixture of reference and net, which needs no selector, saves what is memorised to 1 bit a fact",
	run: runLabels,
}

// memorised is the count of J. X. Morris et al., 2025: what a trained model knows of
// each label beyond a reference, sum of max(0, log2 p - log2 reference). As a code
// that takes the better of the two each time it must be told which: that is the
// selector, n h(share) bits.
type memorised struct {
	bits     float64
	selector float64
	mixture  float64 // saved against the reference by the mean of the two, a code without a selector
}

func countMemorised(reference, target []float64) (m memorised) {
	better := 0
	for i := range target {
		m.bits += max(0, reference[i]-target[i])
		better += one(target[i] < reference[i])
		m.mixture += math.Log2((1 + math.Exp2(reference[i]-target[i])) / 2)
	}
	n := float64(len(target))
	m.selector = n * mdl.BinaryEntropy(float64(better)/n)
	return m
}

func runLabels(r *run) error {
	o := memory.DefaultCapacity()
	o.Seed, o.Dim, o.Steps = r.Seed, 20, 1500
	sizes := []int{50, 100, 200, 400, 800, 1600}
	if r.Quick {
		o.Hidden, o.Steps, sizes = 16, 700, []int{50, 100, 200, 400, 800}
	}
	t := r.table("Labels of 16, at random or by a rule (four digits of the key), learned by one net. Bits a fact: 4 by chance. Memorised: beyond a net of the same size that was trained on other facts; random labels: beyond chance. Computed.",
		"labels", "facts", "offered, bits a weight", "its own facts", "new facts", "recall", "memorised", "memorised, bits a weight", "selector", "saved by a mixture")
	r.steps(2*len(sizes) + 1)
	most := sizes[len(sizes)-1]
	var lines, tests []chart.Line
	for _, random := range []bool{true, false} {
		name, share := "by a rule", 0.0
		if random {
			name, share = "random", 1
		}
		all, fresh := newTask(r.Seed, most, o.Dim, share), newTask(r.Seed+1, 1000, o.Dim, share)
		var reference *memory.Learned
		if !random {
			var err error
			if reference, err = memory.Learn(o, newTask(r.Seed+2, most, o.Dim, share).part(everything), nil); err != nil {
				return err
			}
		}
		r.step()
		stored, test := chart.Line{Name: name + ": memorised"}, chart.Line{Name: name + ": new facts"}
		for _, n := range sizes {
			own := all.first(n)
			net, err := memory.Learn(o, own.part(everything), nil)
			if err != nil {
				return err
			}
			target, base := own.bits(net), make([]float64, n)
			for i := range base {
				base[i] = math.Log2(taskLabels)
			}
			if reference != nil {
				base = own.bits(reference)
			}
			m, weights := countMemorised(base, target), float64(len(net.Params()))
			t.row(name, n, 4*float64(n)/weights, mean(target), mean(fresh.bits(net)), own.recall(net), m.bits, m.bits/weights, m.selector, m.mixture)
			r.atMost(fmt.Sprintf("%s, %d facts: saved by a mixture, against memorised", name, n), m.mixture, m.bits)
			r.atLeast(fmt.Sprintf("%s, %d facts: saved by a mixture, against memorised less a bit a fact", name, n), m.mixture, m.bits-float64(n))
			stored.Add(float64(n), m.bits/weights)
			test.Add(float64(n), mean(fresh.bits(net)))
			r.step()
		}
		judgeLabels(r, name, random, stored.Y, test.Y)
		lines, tests = append(lines, stored), append(tests, test)
	}
	r.plot("memorised", "bits memorised", "facts", "bits a weight", true, lines...)
	r.plot("new", "new facts", "facts trained on", "bits a fact", true, tests...)
	r.note("New facts cost most where as much is offered as can be stored: confident errors, the peak of double descent. It is printed, not judged. What is more than fits is not generalised either, unless there is a rule.")
	return nil
}

func judgeLabels(r *run, name string, random bool, stored, test []float64) {
	last := len(stored) - 1
	if random {
		r.atMost(name+": most memorised, bits a weight", max(stored[last], stored[last-1], stored[last-2]), 2.3)
		r.atMost(name+": memorised at the end, against two sizes before", stored[last]/stored[last-2], 1.5)
		r.atLeast(name+": memorised at the end, against two sizes before", stored[last]/stored[last-2], 1/1.5)
		for i, v := range test {
			r.atLeast(fmt.Sprintf("%s: bits of new facts, size %d", name, i), v, 4)
		}
		return
	}
	r.atMost(name+": bits of new facts with most data", test[last], .4)
	r.atLeast(name+": bits of new facts with least data", test[0], 4)
	r.atMost(name+": memorised with most data, bits a weight", stored[last], .1)
}
