package mix

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSquash(t *testing.T) {
	last := uint32(0)
	for s := int32(-13 * fine); s <= 13*fine; s += 997 {
		p := Squash(s)
		if p < last {
			t.Fatalf("Squash(%d) = %d, less than before", s, p)
		}
		last = p
		x := min(max(float64(s)/fine, -12), 12)
		want := 1 / (1 + math.Exp(-x))
		if got := float64(p) / (1 << 32); math.Abs(got-want) > 2e-4*min(want, 1-want)+1e-9 {
			t.Fatalf("Squash(%d) = %g, want %g", s, got, want)
		}
	}
}

func TestStretch(t *testing.T) {
	for i := uint32(0); i < 4096; i++ {
		p := (float64(i) + 0.5) / 4096
		want := 256 * math.Log(p/(1-p))
		if got := float64(Stretch12(i)); math.Abs(got-want) > 0.51+math.Abs(want)*1e-3 {
			t.Fatalf("Stretch12(%d) = %g, want %g", i, got, want)
		}
	}
	if Stretch(1<<31) != 0 {
		t.Errorf("Stretch(1/2) = %d, want 0", Stretch(1<<31))
	}
}

// TestTables pins the tables, which are part of the format.
func TestTables(t *testing.T) {
	h := sha256.New()
	for _, table := range []any{squashTable[:], stretchTable[:], reciprocal[:]} {
		if err := binary.Write(h, binary.LittleEndian, table); err != nil {
			t.Fatal(err)
		}
	}
	const want = "318dbef4591c42c5"
	if got := hex.EncodeToString(h.Sum(nil)[:8]); got != want {
		t.Errorf("hash of the tables %s, want %s", got, want)
	}
}

// TestKernels compares the kernels in use with the plain loops.
func TestKernels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	value := func(limit int32) int32 {
		switch r.IntN(8) {
		case 0:
			return limit
		case 1:
			return -limit
		}
		return int32(r.Int64N(2*int64(limit)+1) - int64(limit))
	}
	for _, n := range []int{8, 16, 32, 40, 104} {
		for range 200 {
			const sets, vectors = 5, 7
			x := make([]int32, n)
			for i := range x {
				x[i] = value(Limit)
			}
			weight := make([]int32, vectors*n)
			for i := range weight {
				weight[i] = value(weightLimit)
			}
			offset, step := make([]int32, sets), make([]int32, sets)
			for s, v := range r.Perm(vectors)[:sets] {
				offset[s], step[s] = int32(v*n), value(1<<18)
			}
			got, want := make([]int32, sets), make([]int32, sets)
			dots(got, x, weight, offset)
			dotsGeneric(want, x, weight, offset)
			if !slices.Equal(got, want) {
				t.Fatalf("n=%d: dots %v, want %v", n, got, want)
			}
			other := slices.Clone(weight)
			train(step, x, weight, offset)
			trainGeneric(step, x, other, offset)
			if !slices.Equal(weight, other) {
				t.Fatalf("n=%d: train differs from the plain loop", n)
			}
		}
	}
}

// bitsOf returns the mean cost of decisions that are one with probability p,
// as a mixer with one good and one useless input learns to code them.
func bitsOf(p float64, n int) float64 {
	r := rand.New(rand.NewPCG(5, 6))
	m := NewMixer(3, []int{1, 2}, []int{1, 2}, Rate{First: 1000, Last: 60, Half: 300})
	m.Reset([][]int32{{1 << 20, 1 << 20, 1 << 20}, {1 << 20, 1 << 20}, {1 << 15, 1 << 15}})
	cost, counted := 0.0, 0
	for i := range n {
		bit := 0
		if r.Float64() < p {
			bit = 1
		}
		m.X[0], m.X[1], m.X[2] = One, int32(r.IntN(2*One)-One), 300
		m.Select(0, 0)
		m.Select(1, i&1)
		m.SelectFinal(0, 0)
		m.SelectFinal(1, i&1)
		_, pr := m.P()
		m.Update(bit)
		if i >= n/2 {
			q := float64(pr) / (1 << 32)
			if bit == 0 {
				q = 1 - q
			}
			cost -= math.Log2(q)
			counted++
		}
	}
	return cost / float64(counted)
}

func TestMixerLearns(t *testing.T) {
	for _, p := range []float64{0.5, 0.8, 0.05, 0.999} {
		ideal := -p*math.Log2(p) - (1-p)*math.Log2(1-p)
		if got := bitsOf(p, 40000); got > ideal*1.05+0.005 {
			t.Errorf("ones with %g: %.4f bits a decision, ideal %.4f", p, got, ideal)
		}
	}
	if got := bitsOf(1, 40000); got > 0.0025 {
		t.Errorf("nothing but ones: %.5f bits a decision, want less than 0.02 a byte", got)
	}
}

func TestMap(t *testing.T) {
	m := NewMap(3, 255)
	for range 5000 {
		m.Update(1, 1)
		m.Update(2, 0)
	}
	if p := m.P(0); p>>10 != 1<<21 {
		t.Errorf("an entry without decisions is at %d", p)
	}
	if a, b := float64(m.P(1))/(1<<32), float64(m.P(2))/(1<<32); a < 0.999 || b > 0.001 {
		t.Errorf("after 5000 equal decisions: %g and %g", a, b)
	}
	m.Set(0, 1<<30, 10)
	if p := m.P(0) >> 10; p != 1<<20 {
		t.Errorf("set to 1/4, got %d / 2^22", p)
	}
}

func apmP(a *APM, s int32, ctx int) uint32 {
	a.Select(ctx)
	return a.P(s)
}

func TestAPM(t *testing.T) {
	a := NewAPM(2)
	a.Reset(6)
	for s := int32(-fineTo); s <= fineTo; s += fine / 3 {
		got, want := float64(apmP(a, s, 1))/(1<<32), float64(Squash(s))/(1<<32)
		if math.Abs(got-want) > 0.08 {
			t.Errorf("a new curve at %g nat gives %g, want about %g", float64(s)/fine, got, want)
		}
	}
	for range 1000 {
		apmP(a, 0, 0)
		a.Update(1)
	}
	if p := float64(apmP(a, 0, 0)) / (1 << 32); p < 0.98 {
		t.Errorf("after a thousand ones: %g", p)
	}
	if p := float64(apmP(a, 0, 1)) / (1 << 32); p > 0.6 {
		t.Errorf("another context moved to %g", p)
	}
	a.Reset(6)
	if p := float64(apmP(a, 0, 0)) / (1 << 32); p > 0.6 {
		t.Errorf("after Reset: %g", p)
	}
}

func BenchmarkMixer(b *testing.B) {
	m := NewMixer(32, []int{20, 256, 256, 256}, []int{20, 256}, Rate{First: 1000, Last: 60, Half: 300})
	w := make([]int32, 32)
	m.Reset([][]int32{w, w, w, w, {1 << 14, 1 << 14, 1 << 14, 1 << 14}})
	for i := range m.X {
		m.X[i] = int32(i * 20)
	}
	for i := 0; b.Loop(); i++ {
		for s := range 4 {
			m.Select(s, i%20)
		}
		m.SelectFinal(1, i%256)
		m.P()
		m.Update(i & 1)
	}
}
