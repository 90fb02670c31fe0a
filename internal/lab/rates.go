package lab

import (
	"math"

	"kolm/internal/chart"
	"kolm/internal/source"
)

var rates = Experiment{
	Name:      "rates",
	Question:  "how low can it go? sources whose entropy rate is known",
	Criterion: "rates to the golden digits; -log2 P of a sample, a symbol, within five standard errors of the rate",
	run:       runRates,
}

func runRates(r *run) error {
	golden := map[string]struct{ rate, tolerance float64 }{
		"iid 0.11": {.499915958, 1e-9}, "markov": {.572069420, 1e-9}, "order 2": {.529945614, 1e-9}, "tree": {.716415599, 1e-9},
		"hmm": {.9098308285, 5e-8}, "even process": {2. / 3, 1e-9}, "golden mean": {2. / 3, 1e-9}, "zipf 1000": {7.489046, 5e-7},
		"dyck 0.3": {.881291, 5e-7},
	}
	n, parts := r.choose(200000, 40000), 20
	t := r.table("Entropy rates, bits a symbol (ends of lines of brackets and sentences are symbols too), and samples.", "source", "rate", "-log2 P a symbol, mean of samples", "standard error", "symbols")
	all := source.All()
	r.steps(len(all))
	for _, s := range all {
		sum, squares := 0.0, 0.0
		for i := range parts {
			x := s.Sample(r.Seed+uint64(i), n/parts)
			v := s.Bits(x) / float64(len(x))
			sum, squares = sum+v, squares+v*v
		}
		k := float64(parts)
		mean := sum / k
		deviation := math.Sqrt(max(0, squares/k-mean*mean) / (k - 1))
		t.row(s.Name(), s.Rate(), mean, deviation, n)
		if g, ok := golden[s.Name()]; ok {
			r.near(s.Name()+": rate", s.Rate(), g.rate, g.tolerance)
			delete(golden, s.Name())
		}
		// 1e-4 for edge effects: a sample begins in the stationary distribution, not in its past.
		r.near(s.Name()+": mean of samples", mean, s.Rate(), 5*deviation+1e-4)
		r.step()
	}
	r.count("golden rates without a source", len(golden), 0)
	sandwich(r)
	sentences(r)
	for _, s := range source.Deterministic() {
		r.near(s.Name()+": bits of a sample", s.Bits(s.Sample(r.Seed, 1000)), 0, 0)
	}
	return nil
}

// sandwich bounds the rate of the hidden Markov source from both sides.
func sandwich(r *run) {
	t := r.table("Bounds on the rate of the hidden Markov source (Cover and Thomas).", "n", "H(X_n | past, first state)", "H(X_n | past)")
	lines := []chart.Line{{Name: "lower"}, {Name: "upper"}}
	for n := 2; n <= 16; n += 2 {
		low, high := source.HMM().Sandwich(n)
		t.row(n, low, high)
		lines[0].Add(float64(n), low)
		lines[1].Add(float64(n), high)
		switch n {
		case 8:
			r.near("n=8: lower bound", low, .909645, 5e-7)
			r.near("n=8: upper bound", high, .909897, 5e-7)
		case 16:
			r.near("n=16: lower bound", low, .909830792, 1e-9)
			r.near("n=16: upper bound", high, .909830865, 1e-9)
		}
	}
	r.plot("sandwich", "the rate of a hidden Markov source between two bounds", "symbols", "bits a symbol", false, lines...)
}

// sentences are the entropies of whole lines.
func sentences(r *run) {
	t := r.table("Sources of sentences, a line each.", "source", "bits a line", "mean symbols without the line end", "bits a symbol without the line end")
	for _, g := range []struct{ open, entropy, length, each float64 }{{.3, 2.203227, 1.5, 1.468818}, {.45, 9.927745, 9, 1.103083}} {
		d := source.Dyck{Open: g.open}
		t.row(d.Name(), d.StringEntropy(), d.MeanLength(), d.StringEntropy()/d.MeanLength())
		r.near(d.Name()+": bits a line", d.StringEntropy(), g.entropy, 5e-7)
		r.near(d.Name()+": mean length", d.MeanLength(), g.length, 1e-9)
		r.near(d.Name()+": bits a bracket", d.StringEntropy()/d.MeanLength(), g.each, 5e-7)
	}
	var s source.Grammar
	t.row("grammar, derivations", s.DerivationEntropy(), s.MeanLength(), s.DerivationEntropy()/s.MeanLength())
	t.row("grammar, strings", s.StringEntropy(), s.MeanLength(), s.StringEntropy()/s.MeanLength())
	r.near("grammar: bits of a derivation", s.DerivationEntropy(), 6.804820, 5e-7)
	r.atMost("grammar: bits of a string, against its derivation", s.StringEntropy(), s.DerivationEntropy())
}
