package kernel

import (
	"math"
	"testing"
)

// ulp is the distance between float32 numbers near x.
func ulp(x float64) float64 {
	_, e := math.Frexp(x)
	return math.Ldexp(1, max(e-24, -149))
}

func TestExp32(t *testing.T) {
	for x, want := range map[float32]float32{
		0: 1, -0x1p-149: 1, 88: Exp32(1000), -87: Exp32(-1000), float32(math.Copysign(0, -1)): 1,
	} {
		if got := Exp32(x); got != want {
			t.Errorf("Exp32(%x) = %x, want %x", x, got, want)
		}
	}
	step := uint32(1009)
	if testing.Short() {
		step = 10007
	}
	worst, at, n := 0.0, float32(0), 0
	for bits := uint32(0); bits < math.Float32bits(88); bits += step {
		for _, x := range []float32{math.Float32frombits(bits), -math.Float32frombits(bits)} {
			if x < -87 {
				continue
			}
			want := math.Exp(float64(x))
			got := float64(Exp32(x))
			if err := math.Abs(got-want) / ulp(want); err > worst {
				worst, at = err, x
			}
			if got < 0x1p-126 {
				t.Fatalf("Exp32(%x) = %x is not a normal number", x, got)
			}
			n++
		}
	}
	if n < 100000 {
		t.Fatalf("%d values tried only", n)
	}
	t.Logf("largest error %.3f units in the last place, at %x, of %d values", worst, at, n)
	if worst > 1 {
		t.Errorf("error of %.3f units in the last place at %x", worst, at)
	}
}

func TestRopeTable(t *testing.T) {
	for _, hd := range []int{2, 64, 80, 128} {
		for _, base := range []float64{1, 10000, 1e6, 5e5} {
			table := NewRopeTable(hd, base)
			cos, sin := make([]float32, hd/2), make([]float32, hd/2)
			for _, pos := range []int{0, 1, 2, 3, 7, 255, 4096, 99999, maxPos - 1} {
				table.At(pos, cos, sin)
				for j := range cos {
					s, c := math.Sincos(float64(pos) * math.Pow(base, -2*float64(j)/float64(hd)))
					if math.Abs(float64(cos[j])-c) > 1e-7 || math.Abs(float64(sin[j])-s) > 1e-7 {
						t.Fatalf("head %d base %g pos %d pair %d: cos %v sin %v, want %v %v", hd, base, pos, j, cos[j], sin[j], c, s)
					}
				}
			}
		}
	}
}

func TestFloat64Functions(t *testing.T) {
	near := func(what string, got, want, most float64) {
		t.Helper()
		if math.Abs(got-want) > most {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	for i := range 20000 {
		x := float64(i) * 52.4288
		s, c := sincos64(x)
		near("sin", s, math.Sin(x), 2e-10)
		near("cos", c, math.Cos(x), 2e-10)
		near("exp", exp64(-x/2e4), math.Exp(-x/2e4), 1e-15)
		near("ln", ln64(1+x), math.Log(1+x), 1e-14)
	}
}

func TestWeights(t *testing.T) {
	s := newSource(8)
	for _, n := range []int{1, 2, 17, 256, 4096, 50000} {
		for manner := range 6 {
			logits := s.floats(n, manner)
			w, cum := make([]uint32, n), make([]uint32, n+1)
			total := Weights(w, logits)
			PrefixSum(cum, w)
			for i, v := range w {
				if v == 0 || cum[i+1]-cum[i] != v {
					t.Fatalf("n %d: weight %d is %d, sums %d and %d", n, i, v, cum[i], cum[i+1])
				}
			}
			if cum[0] != 0 || cum[n] != total {
				t.Fatalf("n %d: total %d, sums from %d to %d", n, total, cum[0], cum[n])
			}
			if d := math.Abs(float64(total) - 0x1p31); d > float64(n)+0x1p31*1e-5 {
				t.Errorf("n %d manner %d: total is %g off", n, manner, d)
			}
		}
	}
	w := make([]uint32, 3)
	Weights(w, []float32{0, float32(math.Log(2)), -200})
	if w[2] != 1 || math.Abs(float64(w[1])-2*float64(w[0])) > 500 {
		t.Errorf("weights of logits 0, ln 2, -200: %d", w)
	}
}

func TestSoftmax(t *testing.T) {
	s := newSource(9)
	for _, n := range []int{1, 5, 64, 1000} {
		x := s.floats(n, 0)
		y := append([]float32(nil), x...)
		Softmax(y)
		sum := 0.0
		for i := range y {
			sum += float64(y[i])
			if want := float64(y[0]) * math.Exp(float64(x[i]-x[0])); math.Abs(float64(y[i])-want) > 1e-6*want {
				t.Fatalf("n %d: [%d] = %v, want %v", n, i, y[i], want)
			}
		}
		if math.Abs(sum-1) > 1e-6 {
			t.Errorf("n %d: sum %v", n, sum)
		}
	}
}

func TestRMSNorm(t *testing.T) {
	x, gain := []float32{3, -4, 0, 12}, []float32{1, 2, 3, 4}
	dst := make([]float32, 4)
	r := 1 / math.Sqrt((9+16+144)/4.0+1e-6)
	RMSNorm(dst, x, gain, 1e-6)
	for i := range x {
		if want := float64(x[i]*gain[i]) * r; math.Abs(float64(dst[i])-want) > 1e-6 {
			t.Errorf("[%d] = %v, want %v", i, dst[i], want)
		}
	}
	RMSNorm(x, x, nil, 1e-6) // in place, without gain
	for i := range x {
		if x[i]*gain[i] != dst[i] {
			t.Errorf("[%d] = %v times the gain is not %v", i, x[i], dst[i])
		}
	}
}

func TestSumOrder(t *testing.T) {
	// 16 lanes: 1 and 2^-24 repeated are lost or kept as the order says.
	x := make([]float32, 33)
	for i := range x {
		x[i] = 0x1p-12
	}
	x[0] = 1
	// lane 0: 1 + 2^-24 + 2^-24 by FMA stays 1; the others hold 2^-23 each.
	if got, want := sumSqGo(x), float32(1+15*0x1p-23); got != want {
		t.Errorf("sum of squares %x, want %x", got, want)
	}
}

func TestQuantize(t *testing.T) {
	x := []float32{-2, 2, 0, 1, -0.5, 0.0078}
	u, i8 := make([]uint8, len(x)), make([]int8, len(x))
	su, si := QuantizeU8(u, x), QuantizeS8(i8, x)
	if su != float32(2)/127 || si != su {
		t.Errorf("scales %v and %v, want %v", su, si, float32(2)/127)
	}
	for i, want := range []int8{-127, 127, 0, 64, -32, 0} { // 63.5 and -31.75
		if i8[i] != want || int(u[i]) != int(want)+128 {
			t.Errorf("[%d]: %d and %d, want %d", i, i8[i], u[i], want)
		}
	}
	for _, z := range [][]float32{{0, 0}, {0x1p-101, -0x1p-149}} {
		if s := QuantizeU8(u, z); s != 0 || u[0] != 128 || u[1] != 128 {
			t.Errorf("QuantizeU8 of %x: scale %v, %v", z, s, u[:2])
		}
		if s := QuantizeS8(i8, z); s != 0 || i8[0] != 0 || i8[1] != 0 {
			t.Errorf("QuantizeS8 of %x: scale %v, %v", z, s, i8[:2])
		}
	}
	if s := QuantizePos(u, []float32{0, 0.25, 1}); s != float32(1)/255 || u[0] != 0 || u[1] != 64 || u[2] != 255 {
		t.Errorf("QuantizePos: scale %v, %v", s, u[:3])
	}
}

// TestI8MatchesDefinition computes a product from the unpacked weights.
func TestI8MatchesDefinition(t *testing.T) {
	s := newSource(10)
	const rows, cols, m = 37, 21, 3 // cols becomes 24
	w := NewI8(rows, cols)
	q := make([][]int8, rows)
	for r := range q {
		q[r] = s.int8s(cols, 0)
		w.SetRow(r, q[r], float32(r+1)/64)
	}
	if w.Cols != 24 {
		t.Fatalf("Cols is %d", w.Cols)
	}
	x, xs := s.uint8s(m*w.Cols, 0), []float32{0.5, 0.1, 3}
	dst := make([]float32, m*rows)
	w.MatMul(dst, x, xs, m)
	for i := range m {
		for r := range rows {
			acc := int32(0)
			for c, v := range q[r] {
				acc += (int32(x[i*w.Cols+c]) - 128) * int32(v)
			}
			if want := float32(xs[i]*(float32(r+1)/64)) * float32(acc); dst[i*rows+r] != want {
				t.Fatalf("[%d,%d] = %v, want %v", i, r, dst[i*rows+r], want)
			}
		}
	}
}

func TestBadSizesPanic(t *testing.T) {
	for name, f := range map[string]func(){
		"PackF32":   func() { PackF32(2, 2, make([]float32, 3)) },
		"F32":       func() { PackF32(2, 2, make([]float32, 4)).MatMul(make([]float32, 3), make([]float32, 4), 2) },
		"I8":        func() { NewI8(2, 4).MatMul(make([]float32, 2), make([]uint8, 4), nil, 1) },
		"SetRow":    func() { NewI8(2, 4).SetRow(2, nil, 1) },
		"Dot":       func() { DotU8S8(make([]int32, 8), make([]uint8, 4), make([]int8, 32), 1, 8, 4) },
		"Add":       func() { Add(make([]float32, 1), make([]float32, 2)) },
		"PrefixSum": func() { PrefixSum(make([]uint32, 2), make([]uint32, 2)) },
		"Rope":      func() { Rope(make([]float32, 3), make([]float32, 2), make([]float32, 2)) },
		"At":        func() { NewRopeTable(4, 10).At(maxPos, make([]float32, 2), make([]float32, 2)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
