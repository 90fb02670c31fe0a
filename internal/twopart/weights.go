package twopart

import (
	"encoding/binary"
	"fmt"
	"math"

	"kolm/internal/half"
	"kolm/internal/model"
	"kolm/internal/modelfile"
	"kolm/internal/weightcode"
)

// most is the greatest number of steps of a matrix from zero: the codec computes
// with int8 weights, and so they are exact.
const most = 127

// vectorStep is that of norms, which are few and near one.
const vectorStep = 1.0 / 64

// A decoder allocates by the number of weights: above small, a byte of a file may
// stand for perByte of them at most.
const (
	small   = 1 << 21
	perByte = 1 << 12
)

// stored lists the tensors that a file holds: all but the input table.
func stored(c model.Config, w *model.Weights) []modelfile.Part {
	return (&modelfile.File{Config: c, Weights: w}).Parts()[1:]
}

// matrices is the number of matrices in a file: the output table and seven a layer.
func matrices(c model.Config) int { return 1 + 7*c.Layers }

// encodeWeights adds the steps to the settings of m and returns the weights.
func encodeWeights(m *Model, f *modelfile.File, p Precision, steps []float32) ([]byte, error) {
	if err := f.Weights.Validate(f.Config); err != nil {
		return nil, err
	}
	if p == Coded {
		if len(steps) != matrices(f.Config) {
			return nil, fmt.Errorf("two-part: %d steps for %d matrices", len(steps), matrices(f.Config))
		}
		return encodeSteps(m, f, steps), nil
	}
	var b []byte
	for _, t := range stored(f.Config, f.Weights) {
		x := floats(t)
		if p == Int8 && t.Matrix != nil {
			q, scale := model.Quantize(t.Rows, t.Cols, x)
			for r, s := range scale {
				b = binary.LittleEndian.AppendUint16(b, half.FromFloat(s))
				for _, v := range q[r*t.Cols:][:t.Cols] {
					b = append(b, byte(v))
				}
			}
			continue
		}
		for _, v := range x {
			if p == BFloat16 {
				b = binary.LittleEndian.AppendUint16(b, bfloat16(v))
			} else {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			}
		}
	}
	return b, nil
}

// floats is a tensor's numbers.
func floats(t modelfile.Part) []float32 {
	if t.Matrix != nil {
		return t.Matrix.Floats()
	}
	return *t.Vector
}

// bfloat16 is the upper half of a float32, rounded to even.
func bfloat16(x float32) uint16 {
	u := math.Float32bits(x)
	return uint16((u + 0x7fff + u>>16&1) >> 16)
}

// encodeSteps writes tensors as whole numbers of steps.
func encodeSteps(m *Model, f *modelfile.File, steps []float32) []byte {
	e := weightcode.NewEncoder(nil)
	for _, t := range stored(f.Config, f.Weights) {
		if t.Vector != nil {
			less := make([]float32, len(*t.Vector))
			for i, v := range *t.Vector {
				less[i] = v - 1
			}
			e.Matrix(weightcode.Quantize(less, vectorStep, weightcode.Most), t.Cols)
			continue
		}
		step := max(half.FromFloat(steps[0]), 1)
		steps = steps[1:]
		m.settings = binary.LittleEndian.AppendUint16(m.settings, step)
		e.Matrix(weightcode.Quantize(t.Matrix.Floats(), float64(half.ToFloat(step)), most), t.Cols)
	}
	m.settings = binary.LittleEndian.AppendUint16(m.settings, half.FromFloat(vectorStep))
	return e.Flush()
}

// decodeWeights reads what encodeWeights wrote.
func decodeWeights(c model.Config, settings, b []byte) (*model.Weights, error) {
	numbers := float64(c.Vocab)*float64(c.Dim) +
		float64(c.Layers)*float64(c.Dim)*float64(2*c.Heads*c.HeadDim+2*c.KVHeads*c.HeadDim+3*c.FFN)
	if numbers > max(small, perByte*float64(len(b))) || c.Layers > len(settings)+len(b) {
		return nil, corrupt("%.0f weights in %d bytes", numbers, len(b))
	}
	w := &model.Weights{Layers: make([]model.Layer, c.Layers)}
	var err error
	if Precision(settings[0]) == Coded {
		err = readSteps(c, w, settings[1:], b)
	} else {
		err = readNumbers(c, w, Precision(settings[0]), b)
	}
	if err != nil {
		return nil, err
	}
	w.Embed = input(w.Output, c.Eps)
	return w, nil
}

func readNumbers(c model.Config, w *model.Weights, p Precision, b []byte) error {
	r := &reader{b: b}
	for _, t := range stored(c, w) {
		if t.Matrix != nil {
			*t.Matrix = model.Matrix{Rows: t.Rows, Cols: t.Cols}
		}
		if p == Int8 && t.Matrix != nil {
			if err := readRows(r, t); err != nil {
				return err
			}
			continue
		}
		size := 4
		if p == BFloat16 {
			size = 2
		}
		raw := r.bytes(size * t.Rows * t.Cols)
		if r.err != nil {
			return r.err
		}
		x := make([]float32, t.Rows*t.Cols)
		for i := range x {
			if p == BFloat16 {
				x[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16)
			} else {
				x[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
			}
		}
		if t.Matrix != nil {
			t.Matrix.F = x
		} else {
			*t.Vector = x
		}
	}
	if len(r.b) > 0 {
		return corrupt("%d bytes after the weights", len(r.b))
	}
	return nil
}

// readRows reads an int8 matrix.
func readRows(r *reader, t modelfile.Part) error {
	m := t.Matrix
	raw := r.bytes(t.Rows * (2 + t.Cols))
	if r.err != nil {
		return r.err
	}
	m.Q, m.Scale = make([]int8, 0, t.Rows*t.Cols), make([]float32, t.Rows)
	for i := range m.Scale {
		m.Scale[i] = half.ToFloat(binary.LittleEndian.Uint16(raw))
		for _, v := range raw[2:][:t.Cols] {
			m.Q = append(m.Q, int8(v))
		}
		raw = raw[2+t.Cols:]
	}
	return nil
}

// readSteps reads coded tensors. A matrix has one step for all rows.
func readSteps(c model.Config, w *model.Weights, steps, b []byte) error {
	d := weightcode.NewDecoder(b)
	next := func() float32 {
		s := half.ToFloat(binary.LittleEndian.Uint16(steps))
		steps = steps[2:]
		return s
	}
	last := half.ToFloat(binary.LittleEndian.Uint16(steps[len(steps)-2:]))
	for _, t := range stored(c, w) {
		q := make([]int32, t.Rows*t.Cols)
		if err := d.Matrix(q, t.Cols); err != nil {
			return corrupt("the weights end early")
		}
		if t.Vector != nil {
			x := make([]float32, len(q))
			for i, v := range q {
				x[i] = 1 + float32(float32(v)*last)
			}
			*t.Vector = x
			continue
		}
		m := model.Matrix{Rows: t.Rows, Cols: t.Cols, Q: make([]int8, len(q)), Scale: make([]float32, t.Rows)}
		step := next()
		for r := range m.Scale {
			m.Scale[r] = step
		}
		for i, v := range q {
			if v < -most || v > most {
				return corrupt("a weight of %d steps", v)
			}
			m.Q[i] = int8(v)
		}
		*t.Matrix = m
	}
	if d.End() != nil {
		return corrupt("bytes after the weights")
	}
	return nil
}

// input is the input table: the rows of the output table divided by the root of
// their mean square.
func input(output model.Matrix, eps float32) model.Matrix {
	x := output.Floats()
	table := make([]float32, len(x))
	for at := 0; at < len(x); at += output.Cols {
		row := x[at:][:output.Cols]
		sum := 0.0
		for _, v := range row {
			sum += float64(float64(v) * float64(v)) // not fused: the same on every machine
		}
		root := math.Sqrt(sum/float64(len(row)) + float64(eps))
		for i, v := range row {
			table[at+i] = float32(float64(v) / root)
		}
	}
	return model.Matrix{Rows: output.Rows, Cols: output.Cols, F: table}
}
