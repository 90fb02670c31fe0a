package score

import "math"

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
	sum := 0.0
	for _, x := range logits {
		sum += math.Exp(float64(x) - float64(top))
	}
	g.log = float64(top) + math.Log(sum)
	g.Nats = g.log - float64(logits[target])
	return g
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
