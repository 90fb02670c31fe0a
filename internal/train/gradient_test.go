package train

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"kolm/internal/tensor"
)

// tinyShape has grouped heads, a window shorter than the sequence and more than
// one layer.
func tinyShape() Shape {
	return Shape{Vocab: 288, Dim: 32, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 32, FFN: 64, Window: 20, RopeBase: 10000, Eps: 1e-6}
}

func useBackend(t *testing.T, name string) {
	t.Helper()
	was := tensor.Backend()
	if err := tensor.Use(name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tensor.Use(was); err != nil {
			t.Error(err)
		}
	})
}

// testWorker is a worker over two random sequences, its weights far enough from
// their first values that every gradient is alive.
func testWorker(t *testing.T) (*worker, int) {
	t.Helper()
	n := newNet(tinyShape())
	n.params.initialise(n.w, 3)
	rnd := rand.New(rand.NewPCG(5, 6))
	for i := range n.w {
		n.w[i] += 0.05 * float32(rnd.NormFloat64())
	}
	w, err := newWorker(n, 64, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range w.tokens {
		w.tokens[i], w.targets[i] = int32(rnd.IntN(288)), int32(rnd.IntN(288))
		if i%13 == 0 {
			w.targets[i] = -1
		}
	}
	return w, len(w.tokens)
}

func (w *worker) lossAt(rows int) float64 {
	w.net.pack([]*worker{w})
	w.forward(rows)
	return w.loss(rows, 0)
}

// TestGradient compares the gradient of every tensor with central differences
// along the gradient itself and along a random direction.
func TestGradient(t *testing.T) {
	useBackend(t, "portable")
	w, rows := testWorker(t)
	w.net.pack([]*worker{w})
	w.forward(rows)
	w.loss(rows, 1)
	w.backward(rows)
	rnd := rand.New(rand.NewPCG(7, 8))
	for _, p := range w.net.params.tensors {
		g := p.of(w.grad)
		norm := math.Sqrt(tensor.SumSquares(g))
		if norm == 0 {
			t.Errorf("%s: gradient is zero", p.name)
			continue
		}
		along, random := make([]float64, len(g)), make([]float64, len(g))
		var length float64
		for i := range g {
			random[i] = rnd.NormFloat64()
			length += random[i] * random[i]
		}
		for i, x := range g {
			along[i] = float64(x) / norm
			random[i] /= math.Sqrt(length)
		}
		for name, u := range map[string][]float64{"gradient": along, "random": random} {
			var want float64
			for i, x := range g {
				want += float64(x) * u[i]
			}
			got := w.slope(p, u, rows)
			// The scale of errors is the gradient's norm: float32 sums along
			// a direction that is nearly flat are mostly noise.
			if diff := math.Abs(got - want); diff > 2e-3*norm {
				t.Errorf("%s along %s: differences say %g, backward %g (gradient's norm %g)", p.name, name, got, want, norm)
			}
		}
	}
}

// slope is the derivative of the loss along u in the weights of p, by central
// differences of two widths, extrapolated.
func (w *worker) slope(p *param, u []float64, rows int) float64 {
	x := p.of(w.net.w)
	was := append([]float32(nil), x...)
	central := func(eps float64) float64 {
		at := func(e float64) float64 {
			for i := range x {
				x[i] = float32(float64(was[i]) + e*u[i])
			}
			defer copy(x, was)
			return w.lossAt(rows)
		}
		return (at(eps) - at(-eps)) / (2 * eps)
	}
	const eps = 0.02
	return (4*central(eps/2) - central(eps)) / 3
}

// TestBackends compares gradients of the fast backends with the portable one.
func TestBackends(t *testing.T) {
	gradient := func(name string) []float32 {
		useBackend(t, name)
		w, rows := testWorker(t)
		w.net.pack([]*worker{w})
		w.forward(rows)
		w.loss(rows, 1)
		w.backward(rows)
		return w.grad
	}
	want := gradient("portable")
	norm := math.Sqrt(tensor.SumSquares(want))
	for _, name := range tensor.Backends() {
		diff := gradient(name)
		tensor.Axpy(diff, -1, want)
		if e := math.Sqrt(tensor.SumSquares(diff)) / norm; e > 0.02 {
			t.Errorf("%s: gradient differs from portable's by %.4f of its norm", name, e)
		}
	}
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}
