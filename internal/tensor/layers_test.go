package tensor

import (
	"math"
	"math/rand/v2"
	"testing"
)

// elementTolerance is for float32 elementwise work with our own exp.
const elementTolerance = 1e-5

// differentials checks the gradient of a scalar loss: for a few elements of x,
// (loss(x+h) - loss(x-h)) / 2h against dx. Loss must be in float64.
func differentials(t *testing.T, r *rand.Rand, what string, x, dx []float32, loss func() float64, tol float64) {
	t.Helper()
	const h = 1e-2
	var norm float64
	for _, v := range dx {
		norm += float64(v) * float64(v)
	}
	norm = math.Sqrt(norm / float64(len(dx)))
	for range 12 {
		i := r.IntN(len(x))
		was := x[i]
		x[i] = was + h
		high := loss()
		x[i] = was - h
		low := loss()
		x[i] = was
		want := (high - low) / (2 * h)
		if math.Abs(want-float64(dx[i])) > tol*(norm+math.Abs(want)) {
			t.Fatalf("%s[%d]: gradient %g, difference quotient %g", what, i, dx[i], want)
		}
	}
}

func weigh(y, g []float32) float64 {
	var sum float64
	for i, v := range y {
		sum += float64(v) * float64(g[i])
	}
	return sum
}

func clone(x []float32) []float32 { return append([]float32(nil), x...) }

func TestRMSNorm(t *testing.T) {
	onEach(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 8))
		for _, size := range [][2]int{{1, 16}, {5, 256}, {3, 37}, {2, 96}} {
			rows, d := size[0], size[1]
			x, dy := randoms(r, rows*d), randoms(r, rows*d)
			y, rms, dx := guarded(r, rows*d), guarded(r, rows), guarded(r, rows*d)
			RMSNorm(y, rms, x, rows, d, 1e-6)
			checkCanaries(t, "y", y)
			checkCanaries(t, "r", rms)
			want := make([]float32, rows*d)
			for i := range rows {
				var squares float64
				for _, v := range x[i*d:][:d] {
					squares += float64(v) * float64(v)
				}
				for j, v := range x[i*d:][:d] {
					want[i*d+j] = float32(float64(v) / math.Sqrt(squares/float64(d)+1e-6))
				}
			}
			compare(t, "y", y, want, elementTolerance)
			before := clone(dx)
			RMSNormBackward(dx, dy, y, rms, rows, d, true)
			checkCanaries(t, "dx", dx)
			alone := make([]float32, rows*d)
			RMSNormBackward(alone, dy, y, rms, rows, d, false)
			for i, v := range alone {
				before[i] += v
			}
			compare(t, "dx", dx, before, elementTolerance)
			out, scratch := make([]float32, rows*d), make([]float32, rows)
			differentials(t, r, "dx", x, alone, func() float64 {
				RMSNorm(out, scratch, x, rows, d, 1e-6)
				return weigh(out, dy)
			}, 1e-3)
		}
	})
}

func TestGain(t *testing.T) {
	onEach(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(9, 10))
		for _, size := range [][2]int{{4, 256}, {3, 37}} {
			rows, d := size[0], size[1]
			x, g, dy := randoms(r, rows*d), randoms(r, d), randoms(r, rows*d)
			y, dx, dg := guarded(r, rows*d), guarded(r, rows*d), guarded(r, d)
			Gain(y, x, g, rows, d)
			wantY, wantX, wantG := make([]float32, rows*d), make([]float32, rows*d), clone(dg)
			for i := range wantY {
				wantY[i], wantX[i] = x[i]*g[i%d], dy[i]*g[i%d]
				wantG[i%d] += dy[i] * x[i]
			}
			GainBackward(dx, dg, dy, x, g, rows, d)
			for what, pair := range map[string][2][]float32{"y": {y, wantY}, "dx": {dx, wantX}, "dg": {dg, wantG}} {
				checkCanaries(t, what, pair[0])
				compare(t, what, pair[0], pair[1], elementTolerance)
			}
		}
	})
}

func TestSwiGLU(t *testing.T) {
	onEach(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(11, 12))
		for _, size := range [][2]int{{4, 96}, {3, 21}, {1, 768}} {
			rows, f := size[0], size[1]
			gu, da := randoms(r, 2*rows*f), randoms(r, rows*f)
			Scale(gu, 3)
			gu[0], gu[1], gu[2] = 90, -90, 0
			a, dgu := guarded(r, rows*f), guarded(r, 2*rows*f)
			SwiGLU(a, gu, rows, f)
			SwiGLUBackward(dgu, da, gu, rows, f)
			checkCanaries(t, "a", a)
			checkCanaries(t, "dgu", dgu)
			want := make([]float32, rows*f)
			for i := range want {
				g, u := float64(gu[i/f*2*f+i%f]), float64(gu[i/f*2*f+f+i%f])
				want[i] = float32(g / (1 + math.Exp(-g)) * u)
			}
			compare(t, "a", a, want, elementTolerance)
			out := make([]float32, rows*f)
			differentials(t, r, "dgu", gu, dgu, func() float64 {
				SwiGLU(out, gu, rows, f)
				return weigh(out, da)
			}, 2e-3)
		}
	})
}

func TestCrossEntropy(t *testing.T) {
	onEach(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(13, 14))
		for _, v := range []int{16, 4096, 259} {
			const rows, scale = 4, .25
			logits := guarded(r, rows*v)
			Scale(logits, 5)
			logits[v] = 300 // all others of the row vanish
			target := []int32{3, 0, -1, int32(v - 1)}
			d, nll, only := guarded(r, rows*v), guarded(r, rows), guarded(r, rows)
			CrossEntropy(d, nll, logits, target, rows, v, scale)
			CrossEntropy(nil, only, logits, target, rows, v, scale)
			checkCanaries(t, "dlogits", d)
			checkCanaries(t, "nll", nll)
			compare(t, "nll alone", only, nll, elementTolerance)
			want, wantNLL := make([]float32, rows*v), make([]float32, rows)
			for i, at := range target {
				if at < 0 {
					continue
				}
				row := logits[i*v:][:v]
				top, sum := math.Inf(-1), 0.0
				for _, x := range row {
					top = max(top, float64(x))
				}
				for _, x := range row {
					sum += math.Exp(float64(x) - top)
				}
				wantNLL[i] = float32(math.Log(sum) + top - float64(row[at]))
				for j, x := range row {
					want[i*v+j] = float32(math.Exp(float64(x)-top) / sum * scale)
				}
				want[i*v+int(at)] -= scale
			}
			compare(t, "dlogits", d, want, elementTolerance)
			compare(t, "nll", nll, wantNLL, elementTolerance)
			CrossEntropy(logits, nll, logits, target, rows, v, scale)
			compare(t, "dlogits in place", logits, want, elementTolerance)
		}
	})
}

func TestFlat(t *testing.T) {
	onEach(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(15, 16))
		for _, n := range []int{1, 15, 16, 1000, 5000} {
			a, b, c, x := guarded(r, n), guarded(r, n), guarded(r, n), randoms(r, n)
			wantA, wantB, wantC := clone(a), clone(b), clone(c)
			var squares float64
			for i, v := range x {
				wantA[i] += v
				wantB[i] += 1.5 * v
				wantC[i] *= .3
				squares += float64(v) * float64(v)
			}
			Add(a, x)
			Axpy(b, 1.5, x)
			Scale(c, .3)
			for what, pair := range map[string][2][]float32{"Add": {a, wantA}, "Axpy": {b, wantB}, "Scale": {c, wantC}} {
				checkCanaries(t, what, pair[0])
				compare(t, what, pair[0], pair[1], elementTolerance)
			}
			if got := SumSquares(x); math.Abs(got-squares) > elementTolerance*squares {
				t.Errorf("SumSquares of %d = %g, want %g", n, got, squares)
			}
		}
	})
}

func TestOptimisers(t *testing.T) {
	onEach(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(17, 18))
		const n = 100
		w, m, v, u := guarded(r, n), guarded(r, n), guarded(r, n), guarded(r, n)
		clear(m)
		clear(v)
		want := make([]float64, n)
		wantM, wantV := make([]float64, n), make([]float64, n)
		for i := range want {
			want[i] = float64(w[i])
		}
		h := Adam{LR: .1, Beta1: .9, Beta2: .95, Eps: 1e-8, Decay: .05}
		for step := 1; step <= 5; step++ {
			g := randoms(r, n)
			h.Step = step
			AdamW(w, g, m, v, h)
			for i, x := range g {
				x := float64(x)
				wantM[i] = .9*wantM[i] + .1*x
				wantV[i] = .95*wantV[i] + .05*x*x
				hat := wantM[i] / (1 - math.Pow(.9, float64(step)))
				root := math.Sqrt(wantV[i] / (1 - math.Pow(.95, float64(step))))
				want[i] -= .1*.05*want[i] + .1*hat/(root+1e-8)
			}
		}
		for i := range want {
			if math.Abs(want[i]-float64(w[i])) > elementTolerance*10 {
				t.Fatalf("AdamW: w[%d] = %g, want %g", i, w[i], want[i])
			}
		}
		g, before := randoms(r, n), clone(m)
		wantU := make([]float32, n)
		for i := range before {
			before[i] = .9*before[i] + .1*g[i]
			wantU[i] = .9*before[i] + .1*g[i]
		}
		Momentum(u, m, g, .9)
		compare(t, "m", m, before, elementTolerance)
		compare(t, "u", u, wantU, elementTolerance)
		for what, x := range map[string][]float32{"w": w, "m": m, "v": v, "u": u} {
			checkCanaries(t, what, x)
		}
	})
}

// TestAllocations runs everything twice with one Scratch: the second time must
// not allocate.
func TestAllocations(t *testing.T) {
	onEach(t, func(t *testing.T) {
		const rows, d = 64, 64
		r := rand.New(rand.NewPCG(25, 26))
		s, p := NewScratch(), &Probs{}
		a, err := NewAttn(rows, 32, 2, 1, 32, 10000, 1e-6)
		if err != nil {
			t.Fatal(err)
		}
		w := NewWeight(d, d, randoms(r, d*d))
		x, y, z, g := randoms(r, rows*a.Width()), randoms(r, rows*a.Width()), randoms(r, rows*a.Width()), randoms(r, d)
		target := make([]int32, rows)
		all := func() {
			w.Pack(s)
			MatMulNT(s, y, x, w, rows, false)
			MatMulNN(s, y, x, w, rows, true)
			MatMulTN(s, z, y, x, rows, d, d)
			RMSNorm(y, g, x, rows, d, 1e-6)
			RMSNormBackward(x, y, y, g, rows, d, true)
			Gain(y, x, g, rows, d)
			GainBackward(y, g, y, x, g, rows, d)
			SwiGLU(y, x, rows, d/2)
			SwiGLUBackward(x, y, x, rows, d/2)
			CrossEntropy(y, z, x, target, rows, d, 1)
			a.NormRope(y, z, x, g, g, rows)
			a.Forward(s, z, p, y, x, rows)
			a.Backward(s, x, z, y, x, p, rows)
			a.NormRopeBackward(x, g, g, y, z, g, g, rows)
			AdamW(x, y, z, z, Adam{Beta1: .9, Beta2: .9, Step: 1})
			Momentum(x, y, z, .9)
			Add(x, y)
			Axpy(x, 1, y)
			Scale(x, 1)
			SumSquares(x)
		}
		if n := testing.AllocsPerRun(2, all); n > 0 {
			t.Errorf("%g allocations a run", n)
		}
	})
}

// TestTwoGoroutines runs products and attention twice at once on shared inputs.
func TestTwoGoroutines(t *testing.T) {
	onEach(t, func(t *testing.T) {
		const rows = 64
		r := rand.New(rand.NewPCG(31, 32))
		a, err := NewAttn(rows, 40, 2, 1, 32, 10000, 1e-6)
		if err != nil {
			t.Fatal(err)
		}
		width := a.Width()
		w := NewWeight(width, width, randoms(r, width*width))
		w.Pack(NewScratch())
		x, qk := randoms(r, rows*width), randoms(r, rows*a.QKWidth())
		results := make(chan []float32)
		for range 2 {
			go func() {
				s, p := NewScratch(), &Probs{}
				y, o, d := make([]float32, rows*width), make([]float32, rows*64), make([]float32, rows*width)
				for range 20 {
					MatMulNT(s, y, x, w, rows, false)
					a.Forward(s, o, p, qk, y, rows)
					a.Backward(s, d, o, qk, y, p, rows)
				}
				results <- d
			}()
		}
		compare(t, "result", <-results, <-results, 0)
	})
}
