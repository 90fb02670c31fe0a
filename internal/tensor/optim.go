package tensor

import "math"

// Adam holds the settings of an AdamW step. Loshchilov and Hutter, "Decoupled
// Weight Decay Regularization", 2019.
type Adam struct {
	LR, Beta1, Beta2, Eps float32
	Decay                 float32 // weights shrink by LR*Decay a step
	Step                  int     // 1 for the first step
}

// adamStep is Adam with the step's corrections folded into its factors:
// w = w*keep - rate * m / (sqrt(v)*root + eps).
type adamStep struct {
	beta1, rest1, beta2, rest2 float32
	keep, rate, root, eps      float32
}

// AdamW updates weights w and moments m, v from the gradient g, all of one length.
func AdamW(w, g, m, v []float32, h Adam) {
	need("g", len(g), len(w))
	need("m", len(m), len(w))
	need("v", len(v), len(w))
	c1 := 1 - math.Pow(float64(h.Beta1), float64(h.Step))
	c2 := 1 - math.Pow(float64(h.Beta2), float64(h.Step))
	active.adamW(w, g, m, v, adamStep{
		beta1: h.Beta1, rest1: 1 - h.Beta1, beta2: h.Beta2, rest2: 1 - h.Beta2,
		keep: 1 - h.LR*h.Decay, rate: float32(float64(h.LR) / c1), root: float32(1 / math.Sqrt(c2)), eps: h.Eps,
	})
}

// Momentum computes m = mu*m + (1-mu)*g and the Nesterov look-ahead
// u = mu*m + (1-mu)*g with the new m. u may be g.
func Momentum(u, m, g []float32, mu float32) {
	need("m", len(m), len(u))
	need("g", len(g), len(u))
	active.momentum(u, m, g, mu)
}

// Add computes dst += x over len(dst).
func Add(dst, x []float32) {
	need("x", len(x), len(dst))
	active.add(dst, x)
}

// Axpy computes dst += a*x over len(dst).
func Axpy(dst []float32, a float32, x []float32) {
	need("x", len(x), len(dst))
	active.axpy(dst, a, x)
}

// Scale computes x *= a.
func Scale(x []float32, a float32) { active.scale(x, a) }

// SumSquares returns the sum of x^2.
func SumSquares(x []float32) float64 { return active.sumSquares(x) }
