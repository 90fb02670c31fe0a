package twopart

import (
	"context"
	"math"

	"kolm/internal/model"
	"kolm/internal/modelfile"
)

// Point is a model of some precision and what a file with it costs.
type Point struct {
	Factor    float64 // of the steps that the curvature asks for
	PerWeight float64 // bits of the weights' section, per weight of a matrix
	Model     int     // bytes of the model
	Data      int     // bytes of the data
}

// Total is the length of the file, but for its header.
func (p Point) Total() int { return p.Model + p.Data }

// Search is what looking for the best precision found.
type Search struct {
	Steps []float32 // by matrix, of the best point
	Base  []float32 // at factor 1
	Curve []Point   // in the order in which they were tried
	Best  Point
}

// sampleBytes is how much of the data tells how it takes to coarser weights.
const sampleBytes = 48 << 10

// FindSteps finds the steps at which a coded model and the data are shortest
// together. How much the data suffers from a coarse matrix is measured, one
// matrix at a time. A loss that grows with the square of the step, a s^2, and n
// weights that cost -log2 s each make s^2 = n / (2 a ln 2) the best step (with
// a = n H / (24 ln 2), H the curvature in nats, that is s^2 = 12 / H). A common
// factor on all steps is then tried with real files, because rounding errors of
// different matrices meet.
func FindSteps(ctx context.Context, f *modelfile.File, plain []byte, workers int, progress func(done float64)) (*Search, error) {
	sample := plain
	if len(plain) > sampleBytes {
		sample = plain[(len(plain)-sampleBytes)/2:][:sampleBytes]
	}
	s := &Search{}
	var list []*model.Matrix
	for _, t := range stored(f.Config, f.Weights) {
		if t.Matrix != nil {
			list = append(list, t.Matrix)
		}
	}
	fine := make([]float32, len(list))
	for i, m := range list {
		fine[i] = float32(peak(m) / most)
	}
	bits := func(steps []float32) (float64, error) {
		m, err := NewModel(f, Coded, steps)
		if err != nil {
			return 0, err
		}
		n, err := m.DataBytes(sample, workers)
		return 8 * float64(n), err
	}
	exact, err := bits(fine)
	if err != nil {
		return nil, err
	}
	scale := float64(len(plain)) / max(1, float64(len(sample)))
	for i, m := range list {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		progress(.5 * float64(i) / float64(len(list)))
		trial := append([]float32(nil), fine...)
		coarse := max(1.2*rms(m), 2*float64(fine[i]))
		trial[i] = float32(coarse)
		lost, err := bits(trial)
		if err != nil {
			return nil, err
		}
		loss := max(lost-exact, 16) * scale // below, it is lost in the bytes of the file
		a := loss / (coarse * coarse)
		best := math.Sqrt(float64(m.Rows*m.Cols) / (2 * math.Ln2 * a))
		s.Base = append(s.Base, float32(min(max(best, float64(fine[i])), 3*rms(m)+float64(fine[i]))))
	}
	return s, s.climb(ctx, f, plain, fine, workers, progress)
}

// climb tries common factors, from 1 on in the direction that pays.
func (s *Search) climb(ctx context.Context, f *modelfile.File, plain []byte, fine []float32, workers int, progress func(float64)) error {
	tried := 0
	try := func(factor float64) (bool, error) {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		progress(.5 + .5*float64(tried)/(mostTries+2))
		tried++
		steps := make([]float32, len(s.Base))
		for i, b := range s.Base {
			steps[i] = max(float32(factor)*b, fine[i])
		}
		m, err := NewModel(f, Coded, steps)
		if err != nil {
			return false, err
		}
		n, err := m.DataBytes(plain, workers)
		if err != nil {
			return false, err
		}
		p := Point{factor, 8 * float64(len(m.weights)) / float64(Weights(f)), m.Size(), n}
		s.Curve = append(s.Curve, p)
		better := s.Best.Factor == 0 || p.Total() < s.Best.Total()
		if better {
			s.Best, s.Steps = p, steps
		}
		return better, nil
	}
	if _, err := try(1); err != nil {
		return err
	}
	for _, by := range []float64{2, .5} {
		better := true
		var err error
		for factor := by; better && err == nil && tried < mostTries; factor *= by {
			better, err = try(factor)
		}
		if err != nil {
			return err
		}
		if s.Best.Factor > 1 {
			break // coarser pays: finer need not be tried
		}
	}
	best := s.Best.Factor
	for _, by := range []float64{math.Sqrt2, 1 / math.Sqrt2} {
		if _, err := try(best * by); err != nil {
			return err
		}
	}
	return nil
}

// mostTries bounds the files that are made in search of a factor.
const mostTries = 9

// Weights is the number of weights in the matrices that a file holds.
func Weights(f *modelfile.File) int {
	n := 0
	for _, t := range stored(f.Config, f.Weights) {
		if t.Matrix != nil {
			n += t.Rows * t.Cols
		}
	}
	return n
}

// rms is the root of the mean square of a matrix, peak its largest magnitude.
func rms(m *model.Matrix) float64 {
	sum := 0.0
	x := m.Floats()
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / max(1, float64(len(x))))
}

func peak(m *model.Matrix) float64 {
	most := 0.0
	for _, v := range m.Floats() {
		most = max(most, math.Abs(float64(v)))
	}
	return most
}
