package kernel

import "math"

// Adam holds the factors of a step of Adam (Kingma and Ba, "Adam: a method for
// stochastic optimization", 2015).
type Adam struct {
	Rest1, Rest2 float32 // shares of the gradient and of its square in the moments
	Second       float32 // undoes that the second moment begins at zero
	Rate         float32 // of the step, which undoes that of the first
	Least        float32 // added to the root that divides
}

// Step moves w down the gradient g, with moments m and v, all as long as w: m +=
// (g-m)*Rest1; v += (g*g - v)*Rest2; w -= (Rate*m) / (sqrt(v*Second) + Least).
func (a Adam) Step(w, m, v, g []float32) {
	n := len(w)
	if len(m) < n || len(v) < n || len(g) < n {
		fail("Adam.Step: w %d, m %d, v %d, g %d", n, len(m), len(v), len(g))
	}
	if n > 0 {
		active.Load().adam(w, m[:n], v[:n], g[:n], &a)
	}
}

func adamGo(w, m, v, g []float32, a *Adam) {
	m, v, g = m[:len(w)], v[:len(w)], g[:len(w)]
	for i, x := range g {
		m[i] += float32((x - m[i]) * a.Rest1)
		v[i] += float32((float32(x*x) - v[i]) * a.Rest2)
		root := float32(math.Sqrt(float64(float32(v[i] * a.Second))))
		w[i] -= float32(a.Rate*m[i]) / (root + a.Least)
	}
}
