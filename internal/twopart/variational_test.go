package twopart

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"kolm/internal/ledger"
)

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
