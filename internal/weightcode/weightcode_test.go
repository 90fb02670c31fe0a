package weightcode

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func encode(ms ...[]int32) (*Encoder, []byte) {
	w := NewEncoder(nil)
	for _, m := range ms {
		w.Matrix(slices.Clone(m), 64)
	}
	return w, w.Flush()
}

// gaussian draws standard normal weights.
func gaussian(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	w := make([]float32, n)
	for i := range w {
		w[i] = float32(r.NormFloat64())
	}
	return w
}

// TestGaussian: the length is that of the entropy of a rounded normal variable,
// and the error that of the step (computed by numerical integration; a step
// of one standard deviation: 2.1048 bits, mean square error .0833).
func TestGaussian(t *testing.T) {
	const n = 64 * 4096
	w := gaussian(1, n)
	for _, c := range []struct{ step, entropy, mse float64 }{
		{2, 1.2412, .3302}, {1.5, 1.5857, .1874}, {1, 2.1048, .0833}, {.75, 2.4952, .0469}, {.5, 3.0620, .0208}, {.25, 4.0508, .0052},
	} {
		q := Quantize(w, c.step, Most)
		mse := 0.0
		for i, x := range w {
			d := float64(x) - float64(q[i])*c.step
			mse += d * d / n
		}
		if math.Abs(mse/c.mse-1) > .02 {
			t.Errorf("step %v: mean square error %.4f, want %.4f", c.step, mse, c.mse)
		}
		e, file := encode(q)
		per := 8 * float64(len(file)) / n
		if per < c.entropy-.01 || per > c.entropy*1.012+.01 {
			t.Errorf("step %v: %.4f bits a weight, entropy %.4f", c.step, per, c.entropy)
		}
		if over := 8*float64(len(file)) - e.Bits(); over < -2 || over > 10 {
			t.Errorf("step %v: %.2f bits over the ideal length", c.step, over)
		}
	}
}

// TestScales: rows and columns of different sizes cost what each alone would.
func TestScales(t *testing.T) {
	const rows, cols = 2048, 64
	w := gaussian(2, rows*cols)
	ideal := 0.0
	q := make([]int32, len(w))
	for i, x := range w {
		scale := math.Exp2(float64(i/cols%3)) * math.Exp2(float64(i%cols%2)*3)
		q[i] = int32(math.RoundToEven(float64(x) * scale))
		ideal += 2.0471 + math.Log2(scale) // .5 log2(2 pi e)
	}
	_, file := encode(q)
	flat := make([]int32, len(q)) // the same numbers without order
	copy(flat, q)
	rand.New(rand.NewPCG(3, 1)).Shuffle(len(flat), func(i, j int) { flat[i], flat[j] = flat[j], flat[i] })
	_, unordered := encode(flat)
	if got := 8 * float64(len(file)); got > 1.06*ideal {
		t.Errorf("%.0f bits, known scales would need %.0f", got, ideal)
	}
	if len(file) > len(unordered)*95/100 {
		t.Errorf("%d bytes, %d in any order", len(file), len(unordered))
	}
}

func TestRoundTrip(t *testing.T) {
	extremes := make([]int32, 64)
	for i := range extremes {
		extremes[i] = int32(Most) * int32(i%3-1)
	}
	random := Quantize(gaussian(4, 640), .001, 127)
	ms := [][]int32{make([]int32, 128), extremes, random, {}, make([]int32, 64)}
	_, file := encode(ms...)
	r := NewDecoder(file)
	for i, m := range ms {
		got := make([]int32, len(m))
		if err := r.Matrix(got, 64); err != nil || !slices.Equal(got, m) {
			t.Errorf("matrix %d did not come back: %v", i, err)
		}
	}
	if err := r.End(); err != nil {
		t.Error(err)
	}
}

func TestDamage(t *testing.T) {
	m := Quantize(gaussian(5, 64*32), .2, 127)
	_, file := encode(m)
	got := make([]int32, len(m))
	if r := NewDecoder(file[:len(file)/2]); r.Matrix(got, 64) == nil && r.End() == nil {
		t.Error("half a message was read")
	}
	r := NewDecoder(append(file, 1, 2, 3, 4, 5, 6, 7, 8, 9))
	if err := r.Matrix(got, 64); err == nil && r.End() == nil {
		t.Error("bytes after the end were read over")
	}
}

func FuzzDecode(f *testing.F) {
	_, file := encode(Quantize(gaussian(6, 128), .3, 127))
	f.Add(file)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, file []byte) {
		q := make([]int32, 256)
		if NewDecoder(file).Matrix(q, 64) != nil {
			return
		}
		_, again := encode(q)
		back := make([]int32, len(q))
		if err := NewDecoder(again).Matrix(back, 64); err != nil || !slices.Equal(q, back) {
			t.Fatalf("did not come back (%v)", err)
		}
	})
}
