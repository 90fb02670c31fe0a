package lab

import (
	"fmt"
	"math"

	"kolm/internal/mdl"
	"kolm/internal/source"
)

var identity = Experiment{
	Name:     "identity",
	Question: "what does a code with latent models pay, and what has cross-entropy to do with it?",
	Criterion: "floor + gap B + gap A equals the expected code length: the golden figures to 1e-6 by enumerating all sequences, " +
		"the parts computed apart to 1e-9; on samples of real sources to 1e-6",
	run: runIdentity,
}

// parts are the terms of E[-ELBO] = H + KL(P||M) + E[KL(Q||posterior)].
type parts struct{ floor, gapB, gapA, total, mass float64 }

// add counts a sequence that has the probability 2^-bits and is coded with
// choice q.
func (p *parts) add(bits float64, w *mdl.Weighing, q []float64) {
	prob := math.Exp2(-bits)
	p.floor += prob * bits
	p.gapB += prob * (w.Evidence() - bits)
	p.gapA += prob * w.GapA(q)
	p.total += prob * w.NegELBO(q)
	p.mass += math.Exp2(-w.Evidence())
}

func runIdentity(r *run) error {
	class, err := mdl.Orders(2, mdl.Halves(3), nil)
	if err != nil {
		return err
	}
	golden := []struct {
		n                               int
		floor, gapB, gapA, flat, length float64
	}{
		{6, 3.671625, .798463, .951630, .133508, 5.421718},
		{10, 5.959903, 1.446539, .945558, .170201, 8.352000},
		{14, 8.248181, 2.019255, .886112, .251923, 11.153548},
	}
	names := []string{"best member (two-part code)", "uniform", "posterior (Bayes mixture)"}
	t := r.table("All sequences of n symbols of a Markov source, P(1|0) = .1, P(0|1) = .3; class: orders 0, 1, 2 with prior 1/2, 1/4, 1/4. Expected bits, computed.",
		"n", "choice Q of the member", "floor H", "gap B", "gap A", "sum", "E[-ELBO]")
	r.steps(len(golden) + 4)
	markov := source.Markov()
	for _, g := range golden {
		var p [3]parts
		mdl.Sequences(2, g.n, func(x []int) {
			bits, w := markov.Bits(x), mdl.Weigh(class, x)
			for i, q := range [][]float64{mdl.Point(3, w.MAP()), mdl.Uniform(3), w.Posterior()} {
				p[i].add(bits, w, q)
			}
		})
		for i, p := range p {
			t.row(g.n, names[i], p.floor, p.gapB, p.gapA, p.floor+p.gapB+p.gapA, p.total)
			r.near(fmt.Sprintf("n=%d, %s: parts sum to the length", g.n, names[i]), p.floor+p.gapB+p.gapA, p.total, 1e-9)
		}
		r.near(fmt.Sprintf("n=%d: floor", g.n), p[0].floor, g.floor, 1e-6)
		r.near(fmt.Sprintf("n=%d: gap B", g.n), p[0].gapB, g.gapB, 1e-6)
		r.near(fmt.Sprintf("n=%d: gap A of the best member", g.n), p[0].gapA, g.gapA, 1e-6)
		r.near(fmt.Sprintf("n=%d: gap A of a uniform choice", g.n), p[1].gapA, g.flat, 1e-6)
		r.near(fmt.Sprintf("n=%d: two-part code", g.n), p[0].total, g.length, 1e-6)
		r.near(fmt.Sprintf("n=%d: gap A of the posterior", g.n), p[2].gapA, 0, 1e-9)
		r.near(fmt.Sprintf("n=%d: sum of M(x)", g.n), p[0].mass, 1, 1e-12)
		r.step()
	}
	r.bars("parts", "expected bits of 14 symbols, by the choice of a model", "bits", t, t.Rows[len(t.Rows)-len(names):], 1, 2, 3, 4)
	r.note("The two-part code pays more than a uniform choice with bits back does: naming the best member is not the shortest code. Cross-entropy is floor + gap B; gap A comes on top and is another thing.")
	return simulateIdentity(r)
}

// simulateIdentity measures the same parts on samples of several sources.
func simulateIdentity(r *run) error {
	class, err := mdl.Orders(2, mdl.Halves(5), nil)
	if err != nil {
		return err
	}
	n, samples := r.choose(4000, 1000), r.choose(40, 10)
	t := r.table(fmt.Sprintf("Means over %d samples of %d symbols; class: orders 0 to 4. Bits, computed.", samples, n),
		"source", "floor -log2 P", "gap B", "gap B standard error", "gap A two-part", "gap A uniform", "-ELBO two-part", "nH")
	for _, s := range []*source.Chain{source.Markov(), source.Order2(), source.Tree(), source.Even()} {
		var floor, gapB, squares, gapA, flat, total float64
		worst := 0.0
		for i := range samples {
			x := s.Sample(r.Seed+uint64(i), n)
			bits, w := s.Bits(x), mdl.Weigh(class, x)
			q := mdl.Point(5, w.MAP())
			b := w.Evidence() - bits
			floor, gapB, squares, gapA = floor+bits, gapB+b, squares+b*b, gapA+w.GapA(q)
			flat += w.GapA(mdl.Uniform(5))
			total += w.NegELBO(q)
			worst = max(worst, math.Abs(bits+b+w.GapA(q)-w.NegELBO(q)))
		}
		k := float64(samples)
		deviation := math.Sqrt(max(0, squares/k-gapB/k*gapB/k) / (k - 1))
		t.row(s.Name(), floor/k, gapB/k, deviation, gapA/k, flat/k, total/k, float64(n)*s.Rate())
		r.atMost(s.Name()+": greatest error of the identity on a sample", worst, 1e-6)
		r.atLeast(s.Name()+": gap B", gapB/k, -3*deviation)
		r.step()
	}
	r.note("The even process is in no class of Markov chains: its gap B grows with n at a fixed rate, however exact the inference (gap A near zero).")
	return nil
}
