package score

import "math"

// guess is what the logits of one position say of the token that came.
type guess struct {
	Nats    float64 // -ln of its probability
	Entropy float64 // of the distribution, in nats
	Rank    int     // 1 if no token was likelier; of equal ones, the lower id is
	Top     int32   // the likeliest token
	log     float64 // ln of the sum of exp(logit)
}

// judge reads one row of logits.
func judge(logits []float32, target int32) guess {
	g := guess{Rank: 1}
	top := logits[0]
	for i, x := range logits {
		if x > top {
			top, g.Top = x, int32(i)
		}
	}
	t := logits[target]
	var sum, weighted float64
	for i, x := range logits {
		d := float64(x) - float64(top)
		e := math.Exp(d)
		sum += e
		weighted += e * d
		if x > t || x == t && int32(i) < target {
			g.Rank++
		}
	}
	log := math.Log(sum)
	g.log = float64(top) + log
	g.Nats = g.log - float64(t)
	g.Entropy = max(0, log-weighted/sum)
	return g
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
