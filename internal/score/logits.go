package score

import (
	"math"

	"kolm/internal/kernel"
)

// guess is what the logits of one position say of the token that came.
type guess struct {
	Nats float64 // -ln of its probability
	Top  int32   // the likeliest token; of equal ones, the lowest id
	log  float64 // ln of the sum of exp(logit)
}

// judge reads one row of logits.
func judge(logits []float32, target int32) guess {
	var g guess
	top := logits[0]
	for i, x := range logits {
		if x > top {
			top, g.Top = x, int32(i)
		}
	}
	g.log = float64(top) + math.Log(expSum(logits, top))
	g.Nats = g.log - float64(logits[target])
	return g
}

// expSum is the sum of exp(x-top). Each term is as exact as float32 is, with errors
// that do not lean to one side; the sum is in float64, in four chains.
func expSum(logits []float32, top float32) float64 {
	var part [512]float32
	var sum [4]float64
	for len(logits) > 0 {
		n := min(len(logits), len(part))
		e := part[:n]
		for i, x := range logits[:n] {
			d := x - top
			if d != d { // kernel.Exp would make a number of it
				return math.NaN()
			}
			e[i] = d
		}
		kernel.Exp(e, e)
		logits = logits[n:]
		for ; len(e) >= 4; e = e[4:] {
			sum[0] += float64(e[0])
			sum[1] += float64(e[1])
			sum[2] += float64(e[2])
			sum[3] += float64(e[3])
		}
		for _, x := range e {
			sum[0] += float64(x)
		}
	}
	return (sum[0] + sum[1]) + (sum[2] + sum[3])
}

// details returns the rank of the target, 1 if no token was likelier (of equal ones,
// the lower id is), and the entropy of the distribution in nats.
func (g *guess) details(logits []float32, target int32) (rank int, entropy float64) {
	rank = 1
	t := logits[target]
	for i, x := range logits {
		l := float64(x) - g.log
		entropy -= l * math.Exp(l)
		if x > t || x == t && int32(i) < target {
			rank++
		}
	}
	return rank, max(0, entropy)
}

// divergence returns the Kullback-Leibler divergence of b from a in nats: what it
// costs to expect b's distribution where a's is true. la and lb are their log.
func divergence(a, b []float32, la, lb float64) float64 {
	var sum float64
	for i, x := range a {
		x, y := float64(x)-la, float64(b[i])-lb
		sum += math.Exp(x) * (x - y)
	}
	return max(0, sum)
}

// probability is that of what costs so many bits.
func probability(bits float64) float64 { return math.Exp2(-bits) }
