package lab

import (
	"fmt"
	"math/rand/v2"

	"kolm/internal/mdl"
	"kolm/internal/memory"
	"kolm/internal/source"
)

var counterfactual = Experiment{
	Name:     "counterfactual",
	Question: "what does a model know of an example only because it saw it?",
	Criterion: "counterfactual memorisation, bits with the example out of training less bits with it in: of exceptions to a rule at least 2 bits and 5 times that of examples of the rule; " +
		"for counts, leaving one out by formula equals counting again to 1e-9, and rare contexts gain more than frequent ones",
	run: runCounterfactual,
}

func runCounterfactual(r *run) error {
	o := memory.DefaultCapacity()
	o.Seed, o.Dim, o.Hidden, o.Steps = r.Seed, 20, 24, r.choose(800, 400)
	n, subsets := r.choose(800, 600), r.choose(32, 16)
	rule := newTask(r.Seed, n, o.Dim, 0)
	t := newTask(r.Seed, n, o.Dim, 0)
	noise := rand.New(rand.NewPCG(r.Seed, 12))
	for i := range t.labels { // every tenth is an exception
		if i%10 == 0 {
			t.labels[i] = (t.labels[i] + 1 + noise.IntN(taskLabels-1)) % taskLabels
		}
	}
	in, out := make([][]float64, n), make([][]float64, n)
	r.steps(subsets)
	for s := range subsets {
		chosen := half(rand.New(rand.NewPCG(r.Seed, 100+uint64(s))), n)
		o.Seed = r.Seed + uint64(s)
		net, err := memory.Learn(o, t.part(func(i int) bool { return chosen[i] }), nil)
		if err != nil {
			return err
		}
		for i, bits := range t.bits(net) {
			if chosen[i] {
				in[i] = append(in[i], bits)
			} else {
				out[i] = append(out[i], bits)
			}
		}
		r.step()
	}
	table := r.table(fmt.Sprintf("%d nets, each trained on a random half of %d examples. Bits of an example's label, computed: mean over the nets that saw it and over those that did not.", subsets, n),
		"examples", "how many", "seen", "not seen", "counterfactual memorisation", "standard error")
	var gains [2][]float64
	var seen, unseen [2][]float64
	for i := range t.labels {
		if len(in[i]) == 0 || len(out[i]) == 0 {
			continue
		}
		k := one(t.labels[i] != rule.labels[i])
		gains[k] = append(gains[k], mean(out[i])-mean(in[i]))
		seen[k], unseen[k] = append(seen[k], mean(in[i])), append(unseen[k], mean(out[i]))
	}
	for k, name := range []string{"of the rule", "exceptions"} {
		table.row(name, len(gains[k]), mean(seen[k]), mean(unseen[k]), mean(gains[k]), deviation(gains[k]))
	}
	r.bars("examples", "bits of a label: seen in training, and more if not", "bits", table, table.Rows, 0, 2, 4)
	r.atLeast("exceptions: counterfactual memorisation, bits", mean(gains[1]), 2)
	r.atLeast("exceptions, over examples of the rule", mean(gains[1])/mean(gains[0]), 5)
	leaveOneOut(r)
	return nil
}

// half chooses half of n.
func half(r *rand.Rand, n int) []bool {
	chosen := make([]bool, n)
	for _, i := range r.Perm(n)[:n/2] {
		chosen[i] = true
	}
	return chosen
}

// leaveOneOut is exact for counts: of a symbol that was seen n times among N in its
// context, KT gives (n+1/2)/(N+1), and without it (n-1/2)/N.
func leaveOneOut(r *run) {
	const order = 8
	x := source.Order2().Sample(r.Seed, r.choose(4000, 1500))
	r.input("a sample of the order 2 source", source.Order2().Text(x))
	counts := contextCounts(x, order)
	kt := func(n [2]int, s int) float64 {
		return mdl.KTLength(n[0]+1-s, n[1]+s) - mdl.KTLength(n[0], n[1])
	}
	const groups = 4
	var gain [groups][]float64
	worst, c := 0.0, 0
	for i, s := range x {
		if i >= order {
			n := counts[c]
			with := kt(n, s)
			n[s]--
			formula := kt(n, s) - with
			again := contextCounts(x[:0:0], order)[c] // of nothing; then all but this one
			for k, v := range counts[c] {
				again[k] = v - one(k == s)
			}
			worst = max(worst, abs(kt(again, s)-with-formula))
			group := 0
			for total := n[0] + n[1]; total >= 8 && group < groups-1; total /= 8 {
				group++
			}
			gain[group] = append(gain[group], formula)
		}
		c = (2*c + s) % len(counts)
	}
	t := r.table("KT in contexts of 8 symbols, of which 2 matter: what a symbol gains by having been counted itself. Bits, exactly.", "others in its context", "symbols", "mean gain")
	var first, last float64
	for g, name := range []string{"0 to 7", "8 to 63", "64 to 511", "512 and more"} {
		if len(gain[g]) == 0 {
			continue
		}
		last = mean(gain[g])
		if g == 0 {
			first = last
		}
		t.row(name, len(gain[g]), last)
	}
	r.atMost("leaving one out by formula, against counting again", worst, 1e-9)
	r.atLeast("gain in rare contexts, over that in frequent ones", first/last, 5)
}

func abs(x float64) float64 { return max(x, -x) }
