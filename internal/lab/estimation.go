package lab

import (
	"fmt"
	"math"

	"kolm/internal/chart"
	"kolm/internal/source"
)

var estimation = Experiment{
	Name:      "estimation",
	Question:  "what does minimising cross-entropy minimise?",
	Criterion: "test cross-entropy of the fitted order 2 model exceeds the rate by k/(2n ln 2) within 20 %, training cross-entropy falls short of it by as much; training cross-entropy is H(empirical) exactly",
	run:       runEstimation,
}

func runEstimation(r *run) error {
	s := source.Order2()
	samples := r.choose(400, 200)
	t := r.table(fmt.Sprintf("Order 2 source and model, k = 4 parameters, means over %d samples. Bits a symbol, computed.", samples),
		"n", "H", "test: CE under P", "test - H", "train: CE on the sample", "H - train", "k/(2n ln 2)")
	lines := []chart.Line{{Name: "test"}, {Name: "train"}, {Name: "entropy rate"}}
	sizes := []int{2000, 4000, 8000, 16000}
	if r.Quick {
		sizes = sizes[:3]
	}
	r.steps(len(sizes))
	h := s.Rate()
	for _, n := range sizes {
		test, train, worst := 0.0, 0.0, 0.0
		for i := range samples {
			x := s.Sample(r.Seed+uint64(i), n)
			m := fit(x, 2)
			ce := m.onSample(x)
			test += m.underSource(s) / float64(samples)
			// On a common footing: what the source itself gives on this sample.
			train += (ce - onSource(s, x) + h) / float64(samples)
			worst = max(worst, math.Abs(ce-empiricalEntropy(x, 2)))
		}
		est := 4 / (2 * float64(n) * math.Ln2)
		t.row(n, h, test, test-h, train, h-train, est)
		r.near(fmt.Sprintf("n=%d: test above the rate, over k/(2n ln 2)", n), (test-h)/est, 1, .2)
		r.near(fmt.Sprintf("n=%d: training below the rate, over k/(2n ln 2)", n), (h-train)/est, 1, .2)
		r.atMost(fmt.Sprintf("n=%d: training cross-entropy less the empirical entropy", n), worst, 1e-12)
		lines[0].Add(float64(n), test)
		lines[1].Add(float64(n), train)
		lines[2].Add(float64(n), h)
		r.step()
	}
	r.plot("sides", "the same fit on new and on its own data", "symbols", "bits a symbol", true, lines...)
	r.note("On its own data the fitted model reaches the entropy of the sample, which is below that of the source: KL to the empirical law is zero, and that is memorisation. Only on new data does cross-entropy measure KL to the source.")
	return nil
}

// onSource is -log2 P a symbol of a sample, from its third symbol on, where an
// order 2 model has its whole context.
func onSource(s *source.Chain, x []int) float64 {
	return (s.Bits(x) - s.Bits(x[:2])) / float64(len(x)-2)
}
