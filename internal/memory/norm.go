package memory

import (
	"math"

	"kolm/internal/lm"
)

// frozen is a norm at a given input with its scale frozen: linear but for a
// constant.
type frozen struct {
	gain, bias []float32
	inv        float64 // 1/scale
	centre     bool    // LayerNorm
}

// freeze freezes a norm of the model at input x. A norm without gain is none.
func (m *Model) freeze(n *lm.Norm, x []float32) *frozen {
	if n.Gain == nil {
		return nil
	}
	f := &frozen{gain: n.Gain, bias: n.Bias, centre: m.LM.Config.Norm == lm.LayerNorm}
	mean, squares := 0.0, 0.0
	if f.centre {
		for _, v := range x {
			mean += float64(v)
		}
		mean /= float64(len(x))
	}
	for _, v := range x {
		squares += (float64(v) - mean) * (float64(v) - mean)
	}
	f.inv = 1 / math.Sqrt(squares/float64(len(x))+float64(m.LM.Config.Eps))
	return f
}

// pull returns w' and c with w·norm(y) = w'·y + c for all y, the scale frozen.
func (f *frozen) pull(w []float64) (pulled []float64, constant float64) {
	if f == nil {
		return w, 0
	}
	pulled = make([]float64, len(w))
	mean := 0.0
	for i, v := range w {
		pulled[i] = float64(f.gain[i]) * v * f.inv
		mean += pulled[i]
		if f.bias != nil {
			constant += float64(f.bias[i]) * v
		}
	}
	if f.centre {
		mean /= float64(len(w))
		for i := range pulled {
			pulled[i] -= mean
		}
	}
	return pulled, constant
}

// dot is a scalar product in float64.
func dot(w []float64, x []float32) float64 {
	s := 0.0
	for i, v := range x {
		s += w[i] * float64(v)
	}
	return s
}

// through returns the transposed matrix times w (Rows): of a direction after the
// matrix, the direction before it (Cols). It reads the matrix row by row.
func through(l *lm.Matrix, w []float64) ([]float64, error) {
	out, row := make([]float64, l.Cols), make([]float32, l.Cols)
	for r, k := range w {
		if k == 0 {
			continue
		}
		if err := l.Row(row, r); err != nil {
			return nil, err
		}
		for c, v := range row {
			out[c] += k * float64(v)
		}
	}
	return out, nil
}
