package lab

import (
	"fmt"
	"math"

	"kolm/internal/chart"
	"kolm/internal/mdl"
)

var regret = Experiment{
	Name:      "regret",
	Question:  "what does not knowing one probability cost in the worst case?",
	Criterion: "regrets of NML, KT and Laplace to the golden digits; KT at most log2(n)/2 + 1",
	run:       runRegret,
}

func runRegret(r *run) error {
	t := r.table("Worst regret over all binary sequences of n symbols, in bits, computed.", "n", "NML", "KT", "Laplace", "log2(pi n/2)/2", "log2(n)/2 + 1")
	lines := []chart.Line{{Name: "NML"}, {Name: "KT"}, {Name: "Laplace"}}
	for _, g := range []struct {
		n                int
		nml, kt, laplace float64
	}{
		{1, 1, 1, 1}, {2, 1.321928, 1.415037, 1.585}, {3, 1.530515, 1.678072, 2}, {4, 1.686501, 1.870717, 2.322},
		{5, 1.811635, 2.022720, 2.585}, {10, 2.220397, 2.504738, 3.459}, {20, 2.653882, 2.995728, 4.392},
		{50, 3.254462, 3.651283, 5.672}, {100, 3.723554, 4.149480, 6.658}, {1000, 5.332823, 5.808821, 9.967},
	} {
		n := float64(g.n)
		nml, kt, laplace := mdl.NMLComplexity(g.n), mdl.WorstRegret(g.n, mdl.KTLength), mdl.WorstRegret(g.n, mdl.LaplaceLength)
		bound := math.Log2(n)/2 + 1
		t.row(g.n, nml, kt, laplace, math.Log2(math.Pi*n/2)/2, bound)
		r.near(fmt.Sprintf("n=%d: NML", g.n), nml, g.nml, 1e-6)
		r.near(fmt.Sprintf("n=%d: NML is its own worst case", g.n), mdl.WorstRegret(g.n, mdl.NMLLength), nml, 1e-9)
		r.near(fmt.Sprintf("n=%d: KT", g.n), kt, g.kt, 1e-6)
		r.near(fmt.Sprintf("n=%d: Laplace", g.n), laplace, g.laplace, 5e-4)
		r.atMost(fmt.Sprintf("n=%d: KT under its bound", g.n), kt, bound+1e-12)
		for i, v := range []float64{nml, kt, laplace} {
			lines[i].Add(n, v)
		}
	}
	r.plot("worst", "worst regret of codes for a biased coin", "symbols", "bits", true, lines...)
	return classRegret(r)
}

// classRegret is the NML code of a class of models that are codes themselves:
// its regret to the best of three is at most log2 3.
func classRegret(r *run) error {
	c, err := mdl.Orders(2, mdl.Halves(3), nil)
	if err != nil {
		return err
	}
	t := r.table("NML over KT of orders 0, 1, 2: regret to the best of the three on every sequence, in bits, by enumeration.", "n", "NML", "greatest of the mixture with prior 1/2, 1/4, 1/4")
	for _, n := range []int{4, 8, 12} {
		complexity, _ := mdl.ClassComplexity(c, n)
		kraft, worst := 0.0, 0.0
		mdl.Sequences(2, n, func(x []int) {
			w := mdl.Weigh(c, x)
			kraft += math.Exp2(-w.Best() - complexity)
			worst = max(worst, w.Evidence()-w.Best())
		})
		t.row(n, complexity, worst)
		r.near(fmt.Sprintf("n=%d: sum of 2^-NML over all sequences", n), kraft, 1, 1e-12)
		r.atMost(fmt.Sprintf("n=%d: NML of the class", n), complexity, math.Log2(3))
		r.atMost(fmt.Sprintf("n=%d: NML, against the worst case of the mixture", n), complexity, worst)
	}
	return nil
}
