package lab

import (
	"fmt"
	"math"
	"slices"

	"kolm/internal/chart"
	"kolm/internal/mdl"
	"kolm/internal/source"
)

var obstacles = Experiment{
	Name:     "obstacles",
	Question: "what stands between a file and the entropy of its source?",
	Criterion: "approximation errors of the order 2 source to 1e-9; floor + approximation + estimation + optimisation + sample + coding equals the file's bits a symbol to 1e-9, " +
		"each computed apart; the training gap falls with every sweep of steps, the estimation error with data, the approximation error with the class",
	run: runObstacles,
}

// excess splits the bits a symbol of a file above the entropy rate (Bottou and
// Bousquet, 2008), with what the luck of the test sample and the coder add.
type excess struct {
	floor         float64 // entropy rate
	approximation float64 // best model of the class under the source, above the floor
	estimation    float64 // best model on the training sample, above that
	optimisation  float64 // model that training reached, above that
	sample        float64 // that model on the test sample, above its expectation
	coding        float64 // file, above -log2 of the model's probability
	file          float64 // bits a symbol of the file
	trainGap      float64 // on the training sample: reached, above the best
	decodes       bool
}

func (e excess) sum() float64 {
	return e.floor + e.approximation + e.estimation + e.optimisation + e.sample + e.coding
}

// measure trains a model of an order on a sample and codes another with it.
func measure(s *source.Chain, order int, train, test []int, steps int) excess {
	best, erm, got := bestUnder(s, order), fit(train, order), descend(train, order, steps)
	e := excess{floor: s.Rate()}
	e.approximation = best.underSource(s) - e.floor
	e.estimation = erm.underSource(s) - best.underSource(s)
	e.optimisation = got.underSource(s) - erm.underSource(s)
	e.trainGap = got.onSample(train) - erm.onSample(train)
	file := encode(test, got.predictor())
	bits := mdl.Length(got.predictor(), test)
	n := float64(len(test))
	e.sample = bits/n - got.underSource(s)
	e.coding = (8*float64(len(file)) - bits) / n
	e.file = 8 * float64(len(file)) / n
	e.decodes = slices.Equal(decode(file, len(test), got.predictor()), test)
	return e
}

// descend fits logits by gradient descent on the training cross-entropy, from
// zero. The loss is convex; its gradient is the difference of frequencies.
func descend(x []int, order, steps int) tableModel {
	n := contextCounts(x, order)
	total := float64(len(x) - order)
	const rate = 4 // the curvature of a logit is at most 1/4
	logits := make([]float64, len(n))
	m := tableModel{order, make([]float64, len(n))}
	for range steps {
		for c, k := range n {
			p := 1 / (1 + math.Exp(-logits[c]))
			logits[c] -= rate * (float64(k[0]+k[1])*p - float64(k[1])) / total
		}
	}
	for c, l := range logits {
		m.one[c] = 1 / (1 + math.Exp(-l))
	}
	return m
}

// tablePredictor is a tableModel at work. Before the first symbol are zeros.
type tablePredictor struct {
	tableModel
	context int
}

func (m tableModel) predictor() mdl.Predictor { return &tablePredictor{m, 0} }

func (t *tablePredictor) Next(symbol int) (num, den uint64) {
	const one = 1 << 31
	p := min(max(uint64(t.one[t.context]*one), 1), one-1)
	if symbol == 0 {
		p = one - p
	}
	return p, one
}

func (t *tablePredictor) Update(symbol int) { t.context = (2*t.context + symbol) % len(t.one) }

func runObstacles(r *run) error {
	s := source.Order2()
	golden := map[int]float64{0: .466846018, 1: .036069386, 2: 0}
	for order := range 3 {
		r.near(fmt.Sprintf("approximation error of order %d", order), bestUnder(s, order).underSource(s)-s.Rate(), golden[order], 1e-9)
	}
	n := r.choose(200000, 20000)
	test := s.Sample(r.Seed+1, n)
	r.input(fmt.Sprintf("%d test symbols of the order 2 source", n), s.Text(test))
	columns := []string{"floor", "approximation", "estimation", "optimisation", "sample", "coding", "sum", "file", "training gap"}
	sweep := func(title, column string, values []int, of func(v int) excess) []excess {
		t := r.table(title+" Bits a symbol; the file is decoded, the rest computed.", append([]string{column}, columns...)...)
		var all []excess
		for _, v := range values {
			e := of(v)
			t.row(v, e.floor, e.approximation, e.estimation, e.optimisation, e.sample, e.coding, e.sum(), e.file, e.trainGap)
			what := fmt.Sprintf("%s %d: ", column, v)
			r.near(what+"parts sum to the file", e.sum(), e.file, 1e-9)
			r.atLeast(what+"approximation error", e.approximation, -1e-12)
			r.atMost(what+"coding, bits of the whole file", e.coding*float64(n), 10)
			if !e.decodes {
				r.count(what+"files that did not come back", 1, 0)
			}
			all = append(all, e)
			r.step()
		}
		return all
	}
	const many = 20000 // steps: trained out
	sizes, classes, steps := []int{500, 2000, 20000, r.choose(200000, 100000)}, []int{0, 1, 2, 3, 4}, []int{1, 3, 10, 30, 100, 300, 1000, 3000}
	r.steps(len(sizes) + len(classes) + len(steps))

	byData := sweep("More data: order 2, trained out.", "training symbols", sizes, func(v int) excess {
		return measure(s, 2, s.Sample(r.Seed, v), test, many)
	})
	r.atMost("estimation error with most data, against least", byData[len(byData)-1].estimation, byData[0].estimation)
	byClass := sweep("Larger class: 20000 training symbols, trained out.", "order", classes, func(v int) excess {
		return measure(s, v, s.Sample(r.Seed, 20000), test, many)
	})
	for i := 1; i < len(byClass); i++ {
		r.atMost(fmt.Sprintf("approximation error of order %d, against the order before", classes[i]), byClass[i].approximation, byClass[i-1].approximation+1e-12)
	}
	r.atLeast("estimation error of the largest class, against order 2", byClass[len(byClass)-1].estimation, byClass[2].estimation)
	bySteps := sweep("More steps: order 2, 20000 training symbols.", "steps", steps, func(v int) excess {
		return measure(s, 2, s.Sample(r.Seed, 20000), test, v)
	})
	for i := 1; i < len(bySteps); i++ {
		r.atMost(fmt.Sprintf("training gap at %d steps, against fewer", steps[i]), bySteps[i].trainGap, bySteps[i-1].trainGap+1e-12)
	}
	r.atMost("optimisation error at the end, in size", math.Abs(bySteps[len(bySteps)-1].optimisation), 1e-6)
	plotExcess(r, "data", "more data", "training symbols", sizes, byData)
	plotExcess(r, "class", "a larger class", "order", classes, byClass)
	plotExcess(r, "steps", "more steps", "steps", steps, bySteps)
	r.note("The fourth obstacle is none to the rate: context-tree weighting is computable and reaches it (experiment trees). It is one to Kolmogorov complexity, which has computable upper bounds only (experiment prefix).")
	return nil
}

func plotExcess(r *run, name, title, x string, values []int, all []excess) {
	lines := []chart.Line{{Name: "approximation"}, {Name: "estimation"}, {Name: "optimisation"}}
	for i, e := range all {
		v := float64(values[i])
		lines[0].Add(v, e.approximation)
		lines[1].Add(v, e.estimation)
		lines[2].Add(v, e.optimisation)
	}
	r.plot(name, "above the entropy rate: "+title, x, "bits a symbol", x != "order", lines...)
}
