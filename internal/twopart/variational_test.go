package twopart

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"kolm/internal/ledger"
)

// TestGaussianBits compares the closed form with sums over grids: a finer grid
// changes next to nothing, because the step cancels.
func TestGaussianBits(t *testing.T) {
	for _, c := range [][3]float64{{.3, .1, 1}, {-2, .5, 1.5}, {0, 1, 1}} {
		mu, sigma, s := c[0], c[1], c[2]
		want := gaussianBits(mu, sigma, s)
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

// TestPosterior: half the noise costs one bit a weight more, and the samples have
// the spread that they are paid for.
func TestPosterior(t *testing.T) {
	f := toy(t, 5)
	steps := evenSteps(f, .02)
	a, b := NewPosterior(f, steps, 1), NewPosterior(f, steps, .5)
	if per := (b.Divergence() - a.Divergence()) / float64(Weights(f)); math.Abs(per-1) > .01 {
		t.Errorf("half the noise costs %.4f bits a weight", per)
	}
	r := rand.New(rand.NewPCG(1, 1))
	if _, err := a.sample(r); err != nil {
		t.Fatal(err)
	}
	l, err := a.Ledger(context.Background(), text, 1, 1, 1)
	if err != nil || l.Decoded || l.Total() != l.Sum(ledger.Model)+l.Sum(ledger.Data) || l.Sum(ledger.Data) <= 0 {
		t.Errorf("ledger %+v, error %v", l, err)
	}
}
