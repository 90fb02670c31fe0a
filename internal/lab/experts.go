package lab

import (
	"fmt"
	"math"

	"kolm/internal/mdl"
	"kolm/internal/source"
)

var experts = Experiment{
	Name:      "experts",
	Question:  "what does it cost to follow the best of several codes when the best one changes?",
	Criterion: "fixed share equals the sum over all expert sequences to 1e-9 for n <= 10 and stays under its bound; the switch removes the catch-up of the mixture",
	run:       runExperts,
}

// coin is a code that does not learn: the probability of a one.
type coin float64

func (c coin) Prob(symbol int) float64 {
	if symbol == 1 {
		return float64(c)
	}
	return 1 - float64(c)
}

func (coin) Update(int) {}

func runExperts(r *run) error {
	coins := []coin{.1, .5, .9}
	t := r.table("Fixed share over three coins on a sequence that changes its coin once, alpha = 1/(n-1). Bits, computed.",
		"n", "fixed share", "all sequences of coins", "best with one change", "regret", "bound")
	for _, n := range []int{4, 7, 10} {
		x := append(source.IID(.1).Sample(r.Seed, n/2), source.IID(.9).Sample(r.Seed, n-n/2)...)
		alpha := 1 / float64(n-1)
		length := mdl.CodeLength(mdl.NewFixedShare(alpha, coins[0], coins[1], coins[2]), x)
		sum, best := allPaths(coins, x, alpha)
		bound := mdl.FixedShareBound(3, 1, n)
		t.row(n, length, sum, best, length-best, bound)
		r.near(fmt.Sprintf("n=%d: fixed share equals the sum over sequences of coins", n), length, sum, 1e-9)
		r.atMost(fmt.Sprintf("n=%d: regret under its bound", n), length-best, bound)
	}
	catchUp(r)
	return nil
}

// allPaths is the mixture over all sequences of coins, and the best with one change.
func allPaths(coins []coin, x []int, alpha float64) (mixed, best float64) {
	sum, best := 0.0, math.Inf(1)
	mdl.Sequences(len(coins), len(x), func(path []int) {
		w, data, changes := 1/float64(len(coins)), 1.0, 0
		for i, e := range path {
			data *= coins[e].Prob(x[i])
			switch {
			case i == 0:
			case path[i-1] == e:
				w *= 1 - alpha
			default:
				w *= alpha / float64(len(coins)-1)
				changes++
			}
		}
		sum += w * data
		if changes == 1 {
			best = min(best, -math.Log2(data))
		}
	})
	return -math.Log2(sum), best
}

// catchUp: order 2 predicts better at first, order 10 later. A mixture pays for
// the time in which order 10 was worse; the switch does not.
func catchUp(r *run) {
	n := r.choose(40000, 10000)
	s := source.Even()
	x := s.Sample(r.Seed, n)
	r.input(fmt.Sprintf("%d symbols of the even process", n), s.Text(x))
	low, high := mdl.Markov(2, 2, nil), mdl.Markov(2, 10, nil)
	mixed := mdl.NewFixedShare(0, mdl.Float(low), mdl.Float(high))
	t := r.table(fmt.Sprintf("%d symbols of the even process. Bits, computed.", n), "code", "bits")
	t.row("KT of order 2", mdl.Length(mdl.Markov(2, 2, nil), x))
	t.row("KT of order 10", mdl.Length(mdl.Markov(2, 10, nil), x))
	mixture := mdl.CodeLength(mixed, x)
	switched := mdl.CodeLength(mdl.NewSwitch(mdl.Float(mdl.Markov(2, 2, nil)), mdl.Float(mdl.Markov(2, 10, nil))), x)
	t.row("mixture of both", mixture)
	t.row("switch from order 2 to order 10", switched)
	r.bars("codes", "following the better of two predictors", "bits", t, t.Rows, 0, 1)
	r.atLeast("bits that the switch saves on the mixture", mixture-switched, 10)
}
