package twopart

import (
	"context"
	"math"
	"math/rand/v2"

	"kolm/internal/ledger"
	"kolm/internal/mdl"
	"kolm/internal/model"
	"kolm/internal/modelfile"
	"kolm/internal/weightcode"
)

// Posterior is a Gaussian over the weights of a model: each around its trained
// value, all of a matrix with one deviation. The prior of a matrix is a Gaussian
// around zero, as wide as the posterior makes the weights on average.
type Posterior struct {
	file  *modelfile.File
	sigma []float64 // by matrix
	prior []float64
}

// NewPosterior makes a posterior of steps as FindSteps finds them, times a factor.
// A grid of steps d errs by d / sqrt 12; a loss a s^2 of a grid of steps s is
// 12 a sigma^2 of noise, and n (-log2 sigma) + 12 a sigma^2 is least at s / sqrt 12
// of the best s.
func NewPosterior(f *modelfile.File, steps []float32, factor float64) *Posterior {
	p := &Posterior{file: f}
	for _, t := range stored(f.Config, f.Weights) {
		if t.Matrix == nil {
			continue
		}
		sigma := factor * float64(steps[len(p.sigma)]) / math.Sqrt(12)
		p.sigma = append(p.sigma, sigma)
		p.prior = append(p.prior, math.Hypot(rms(t.Matrix), sigma))
	}
	return p
}

// Divergence is KL(posterior || prior) in bits: what bits back would cost.
func (p *Posterior) Divergence() float64 {
	sum, i := 0.0, 0
	for _, t := range stored(p.file.Config, p.file.Weights) {
		if t.Matrix == nil {
			continue
		}
		for _, mu := range t.Matrix.Floats() {
			sum += mdl.GaussianKL(float64(mu), p.sigma[i], p.prior[i])
		}
		i++
	}
	return sum
}

// sample draws weights. The codec rounds them to int8.
func (p *Posterior) sample(r *rand.Rand) (*Model, error) {
	w := *p.file.Weights
	w.Layers = append([]model.Layer(nil), w.Layers...)
	f := *p.file
	f.Weights = &w
	i := 0
	for _, t := range stored(f.Config, &w) {
		if t.Matrix == nil {
			continue
		}
		x := append([]float32(nil), t.Matrix.Floats()...)
		for j := range x {
			x[j] += float32(p.sigma[i] * r.NormFloat64())
		}
		*t.Matrix = model.Matrix{Rows: t.Rows, Cols: t.Cols, F: x}
		i++
	}
	return NewModel(&f, Float32, nil)
}

// Ledger accounts for -ELBO: the expected length of the data, as the mean over
// some samples of the weights, and what telling such weights costs when the bits
// that choose them are got back. Norms, shape, tokenizer and the widths of the
// priors are paid as in a file.
func (p *Posterior) Ledger(ctx context.Context, plain []byte, samples, workers int, seed uint64) (*ledger.Ledger, error) {
	r := rand.New(rand.NewPCG(seed, 7))
	l := &ledger.Ledger{Code: "variational"}
	data := 0.0
	for i := range samples {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		m, err := p.sample(r)
		if err != nil {
			return nil, err
		}
		n, err := m.DataBytes(plain, workers)
		if err != nil {
			return nil, err
		}
		data += 8 * float64(n) / float64(samples)
		if i == 0 {
			l.Add(ledger.Model, "architecture", ledger.Bytes(int64(len(m.shape))))
			l.Add(ledger.Model, "tokenizer", ledger.Bytes(int64(len(m.tokenizer))))
		}
	}
	norms := weightcode.NewEncoder(nil)
	for _, t := range stored(p.file.Config, p.file.Weights) {
		if t.Vector != nil {
			less := make([]float32, len(*t.Vector))
			for i, v := range *t.Vector {
				less[i] = v - 1
			}
			norms.Matrix(weightcode.Quantize(less, vectorStep, weightcode.Most), t.Cols)
		}
	}
	l.Add(ledger.Model, "norms", ledger.Ideal(norms.Bits()))
	l.Add(ledger.Model, "widths of the priors", 16*ledger.Bit*ledger.Bits(len(p.prior)))
	l.Add(ledger.Model, "weights, KL(Q || prior)", ledger.Ideal(p.Divergence()))
	l.Add(ledger.Data, "data, mean over Q", ledger.Ideal(data))
	return l, nil
}
