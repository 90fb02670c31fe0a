package mdl

import (
	"math"
	"testing"
)

// fixed is a code that never learns.
type fixed float64

func (f fixed) Prob(symbol int) float64 {
	if symbol == 1 {
		return float64(f)
	}
	return 1 - float64(f)
}
func (fixed) Update(int) {}

// TestFixedShare: the forward recursion equals the sum over all sequences of
// experts, and stays under its bound.
func TestFixedShare(t *testing.T) {
	experts := []float64{.1, .5, .8}
	for n := 2; n <= 10; n++ {
		x := random(uint64(n), n, .5)
		alpha := 1 / float64(n-1)
		if n == 2 {
			alpha = .5
		}
		length := CodeLength(NewFixedShare(alpha, fixed(.1), fixed(.5), fixed(.8)), x)
		sum := 0.0
		best := math.Inf(1) // with at most one switch
		Sequences(len(experts), n, func(path []int) {
			p, data, switches := 1.0/3, 1.0, 0
			for i, e := range path {
				data *= fixed(experts[e]).Prob(x[i])
				if i > 0 && path[i-1] == e {
					p *= 1 - alpha
				} else if i > 0 {
					p *= alpha / 2
					switches++
				}
			}
			sum += p * data
			if switches == 1 {
				best = min(best, -math.Log2(data))
			}
		})
		near(t, "length", length, -math.Log2(sum), 1e-10)
		if n > 2 && length-best > FixedShareBound(3, 1, n) {
			t.Errorf("n=%d: %.3f bits above the best path, bound %.3f", n, length-best, FixedShareBound(3, 1, n))
		}
	}
}

// TestSwitch: the recursion equals the sum over all times of change, and what
// has not changed by the end.
func TestSwitch(t *testing.T) {
	for n := 1; n <= 12; n++ {
		x := random(uint64(n), n, .7)
		length := CodeLength(NewSwitch(fixed(.2), fixed(.7)), x)
		sum := 0.0
		for at := 1; at <= n+1; at++ { // the first symbol of the second code
			w := 1 / (float64(at) * float64(at+1))
			if at == n+1 {
				w = 1 / float64(at) // and all later times
			}
			for i, s := range x {
				if i+1 < at {
					w *= fixed(.2).Prob(s)
				} else {
					w *= fixed(.7).Prob(s)
				}
			}
			sum += w
		}
		near(t, "length", length, -math.Log2(sum), 1e-10)
	}
}
