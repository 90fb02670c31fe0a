package mdl

import (
	"math"
	"testing"
)

// TestGaussianKL compares the closed form with sums over grids: a finer grid
// changes next to nothing, because the step cancels.
func TestGaussianKL(t *testing.T) {
	for _, c := range [][3]float64{{.3, .1, 1}, {-2, .5, 1.5}, {0, 1, 1}} {
		mu, sigma, s := c[0], c[1], c[2]
		want := GaussianKL(mu, sigma, s)
		for _, step := range []float64{.25 * sigma, .125 * sigma} {
			sum := 0.0
			for x := mu - 8*sigma; x < mu+8*sigma; x += step {
				q := density(x-mu, sigma) * step
				sum += q * math.Log2(density(x-mu, sigma)/density(x, s))
			}
			if math.Abs(sum-want) > 1e-3*(1+want) {
				t.Errorf("N(%v, %v) from N(0, %v): %.5f bits, grid of %v: %.5f", mu, sigma, s, want, step, sum)
			}
		}
	}
}

func density(x, sigma float64) float64 {
	return math.Exp(-x*x/(2*sigma*sigma)) / (sigma * math.Sqrt(2*math.Pi))
}
