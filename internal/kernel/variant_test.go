package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// The one test body of all variants: every primitive on odd sizes and extreme
// values against the portable variant, == on bits, with canaries around each
// output. Values beyond the contract (NaN, Inf) do not occur.

const canary = 0x5a

// guarded returns a slice of n elements filled with canary bytes, with more of
// them before and behind, and a function that fails if those changed. off
// shifts the start, so that slices are not aligned.
func guarded[T any](t *testing.T, n, off int) ([]T, func(what string)) {
	t.Helper()
	const pad = 80
	all := make([]T, pad+off+n+pad)
	var zero T
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&all[0])), len(all)*int(unsafe.Sizeof(zero)))
	for i := range raw {
		raw[i] = canary
	}
	size := int(unsafe.Sizeof(zero))
	return all[pad+off:][:n:n], func(what string) {
		t.Helper()
		for i, b := range raw {
			if (i < (pad+off)*size || i >= (pad+off+n)*size) && b != canary {
				t.Fatalf("%s wrote outside of its output: byte %d of a result of %d bytes", what, i-(pad+off)*size, n*size)
			}
		}
	}
}

// source draws test values.
type source struct{ *rand.Rand }

func newSource(seed uint64) source { return source{rand.New(rand.NewPCG(seed, 42))} }

// floats fills a slice in one of several manners, from plain to nasty. The
// magnitudes stay small enough for sums of squares.
func (s source) floats(n, manner int) []float32 {
	x := make([]float32, n)
	for i := range x {
		u := float32(s.Uint32()>>8)*0x1p-23 - 1
		switch manner % 6 {
		case 0:
			x[i] = u
		case 1:
			x[i] = u * exp2(s.IntN(60)-30)
		case 2:
			x[i] = u * exp2(-s.IntN(40)-110) // about the subnormals
		case 3:
			x[i] = float32(s.IntN(9)-4) / 2 // ties, zeros
		case 4:
			if s.IntN(2) == 0 {
				x[i] = float32(math.Copysign(0, float64(u)))
			} else {
				x[i] = u * 100
			}
		case 5:
			x[i] = u * exp2(55)
		}
	}
	return x
}

func (s source) int8s(n, manner int) []int8 {
	q := make([]int8, n)
	for i := range q {
		switch manner % 3 {
		case 0:
			q[i] = int8(s.Uint32())
		case 1:
			q[i] = -128
		case 2:
			q[i] = 127
		}
	}
	return q
}

func (s source) uint8s(n, manner int) []uint8 {
	q := make([]uint8, n)
	for i := range q {
		q[i] = uint8(s.Uint32())
		if manner%3 > 0 {
			q[i] = 255
		}
	}
	return q
}

func same[T float32 | int32 | uint32 | uint8 | int8](t *testing.T, what string, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d results, want %d", what, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] || math.Signbit(float64(got[i])) != math.Signbit(float64(want[i])) {
			t.Fatalf("%s: [%d] = %v (%x), want %v (%x)", what, i, got[i], got[i], want[i], want[i])
		}
	}
}

// eachVariant runs f for every variant but the portable one, which is at hand
// as the reference. Where there is no other, the golden hashes are the test.
func eachVariant(t *testing.T, f func(t *testing.T, v, ref *variant)) {
	ref := registry[len(registry)-1]
	if ref.name != "portable" {
		t.Fatalf("the last variant is %q", ref.name)
	}
	for _, v := range registry[:len(registry)-1] {
		t.Run(v.name, func(t *testing.T) { f(t, v, ref) })
	}
}

var (
	testCols = []int{1, 2, 3, 5, 16, 31, 64, 100, 256}
	testRows = []int{1, 15, 16, 17, 32, 40, 48, 64, 80, 96, 112, 129}
)

func TestMatF32(t *testing.T) {
	eachVariant(t, func(t *testing.T, v, ref *variant) {
		s := newSource(1)
		for m := 1; m <= 17; m++ {
			for trial := range 8 {
				rows, cols := testRows[s.IntN(len(testRows))], testCols[s.IntN(len(testCols))]
				w := PackF32(rows, cols, s.floats(rows*cols, trial))
				x := s.floats(m*cols, trial+m)
				got, done := guarded[float32](t, m*rows, m%4)
				want := make([]float32, m*rows)
				v.matF32(got, x, w.Data, m, rows, cols)
				ref.matF32(want, x, w.Data, m, rows, cols)
				what := fmt.Sprintf("matF32 m %d rows %d cols %d", m, rows, cols)
				done(what)
				same(t, what, got, want)
			}
		}
	})
}

func TestMatI8(t *testing.T) {
	eachVariant(t, func(t *testing.T, v, ref *variant) {
		s := newSource(2)
		for m := 1; m <= 17; m++ {
			for trial := range 8 {
				rows, cols := testRows[s.IntN(len(testRows))], (testCols[s.IntN(len(testCols))]+3)&^3
				w := NewI8(rows, cols)
				for r := range rows {
					w.SetRow(r, s.int8s(cols, trial), s.floats(1, trial)[0])
				}
				x, xs := s.uint8s(m*cols, trial), s.floats(m, 1)
				what := fmt.Sprintf("matI8 m %d rows %d cols %d", m, rows, cols)

				got, done := guarded[float32](t, m*rows, m%4)
				want := make([]float32, m*rows)
				v.matI8(got, x, xs, w, m)
				ref.matI8(want, x, xs, w, m)
				done(what)
				same(t, what, got, want)

				n := panels(rows) * Panel
				acc, done := guarded[int32](t, m*n, m%4)
				wantAcc := make([]int32, m*n)
				v.dotI8(acc, x, w.Data, m, n, cols)
				ref.dotI8(wantAcc, x, w.Data, m, n, cols)
				done(what)
				same(t, what, acc, wantAcc)
			}
		}
	})
}

// vectorSizes are the lengths that the row functions are tested with.
func vectorSizes() []int {
	n := []int{63, 64, 65, 100, 127, 128, 255, 256, 257, 768, 1000}
	for i := 1; i <= 50; i++ {
		n = append(n, i)
	}
	return n
}

func TestReductions(t *testing.T) {
	eachVariant(t, func(t *testing.T, v, ref *variant) {
		s := newSource(3)
		for _, n := range vectorSizes() {
			for manner := range 6 {
				x := s.floats(n+3, manner)[manner%4:][:n:n]
				what := fmt.Sprintf("n %d manner %d", n, manner)
				same(t, "maxAbs "+what, []float32{v.maxAbs(x)}, []float32{ref.maxAbs(x)})
				same(t, "sumSq "+what, []float32{v.sumSq(x)}, []float32{ref.sumSq(x)})
				if a, b := v.max(x), ref.max(x); a != b { // the sign of a zero does not matter
					t.Fatalf("max %s: %x, want %x", what, a, b)
				}
				got, done := guarded[float32](t, n, manner%4)
				want := make([]float32, n)
				m := ref.max(x)
				a, b := v.expSum(got, x, m), ref.expSum(want, x, m)
				done("expSum " + what)
				same(t, "expSum "+what, append(got, a), append(want, b))
			}
		}
	})
}

// TestRows runs the functions from rows to rows.
func TestRows(t *testing.T) {
	eachVariant(t, func(t *testing.T, v, ref *variant) {
		s := newSource(4)
		for _, n := range vectorSizes() {
			for manner := range 6 {
				x, y, z := s.floats(n, manner), s.floats(n, manner+1), s.floats(n, 0)
				k := s.floats(1, manner)[0]
				for name, f := range map[string]func(v *variant, dst []float32){
					"scale":   func(v *variant, dst []float32) { v.scale(dst, x, k) },
					"mul":     func(v *variant, dst []float32) { copy(dst, x); v.mul(dst, z) },
					"add":     func(v *variant, dst []float32) { copy(dst, x); v.add(dst, y) },
					"axpy":    func(v *variant, dst []float32) { copy(dst, x); v.axpy(dst, k, z) },
					"siluMul": func(v *variant, dst []float32) { v.siluMul(dst, x, z) },
					"rope": func(v *variant, dst []float32) {
						copy(dst, x)
						if h := n / 2; h > 0 {
							v.rope(dst[:2*h], z[:h], y[:h])
						}
					},
				} {
					got, done := guarded[float32](t, n, manner%4)
					want := make([]float32, n)
					f(v, got)
					f(ref, want)
					what := fmt.Sprintf("%s n %d manner %d", name, n, manner)
					done(what)
					same(t, what, got, want)
				}
			}
		}
	})
}

func TestScatter(t *testing.T) {
	eachVariant(t, func(t *testing.T, v, ref *variant) {
		s := newSource(9)
		for n := 0; n <= 512; n += 4 {
			q := s.int8s(n, n)
			got, done := guarded[int8](t, max(0, (n-4)*Panel+4), n%16)
			want := make([]int8, len(got))
			copy(want, got)
			a, b := v.scatter(got, q), ref.scatter(want, q)
			what := fmt.Sprintf("scatter n %d", n)
			done(what)
			same(t, what, got, want)
			same(t, what, []int32{a}, []int32{b})
		}
	})
}

func TestAdam(t *testing.T) {
	eachVariant(t, func(t *testing.T, v, ref *variant) {
		s := newSource(10)
		for _, n := range vectorSizes() {
			for manner := range 5 {
				start := [4][]float32{s.floats(n, 0), s.floats(n, manner), s.floats(n, 1), s.floats(n, manner)}
				for i, x := range start[2] {
					start[2][i] = x * x
				}
				a := &Adam{Rest1: 0x1p-3, Rest2: 0x1p-6, Second: 1.7, Rate: 0.003, Least: 0x1p-30}
				what := fmt.Sprintf("adam n %d manner %d", n, manner)
				var got, want [4][]float32
				var done [4]func(string)
				for i, x := range start {
					got[i], done[i] = guarded[float32](t, n, manner%4)
					copy(got[i], x)
					want[i] = append(want[i], x...)
				}
				v.adam(got[0], got[1], got[2], got[3], a)
				ref.adam(want[0], want[1], want[2], want[3], a)
				for i := range got {
					done[i](what)
					same(t, what, got[i], want[i])
				}
			}
		}
	})
}

// TestAttention compares what is fused with the functions that it stands for.
func TestAttention(t *testing.T) {
	before := Active()
	defer Use(before)
	eachVariant(t, func(t *testing.T, v, ref *variant) {
		s := newSource(8)
		for _, n := range vectorSizes() {
			for manner := range 6 {
				x, w := s.floats(n, manner), s.floats(n, manner/2)
				for i := range w {
					w[i] = max(w[i], 0)
				}
				if manner == 5 {
					clear(w)
				}
				want, wantQ := append([]float32(nil), x...), make([]uint8, n)
				active.Store(ref)
				Softmax(want)
				Mul(want, w)
				scale := QuantizePos(wantQ, want)
				active.Store(v)
				got, doneX := guarded[float32](t, n, manner%4)
				q, doneQ := guarded[uint8](t, n, manner%4)
				copy(got, x)
				a := Attention(q, got, w)
				what := fmt.Sprintf("Attention n %d manner %d", n, manner)
				doneX(what)
				doneQ(what)
				same(t, what, append(got, a), append(want, scale))
				same(t, what, q, wantQ)
			}
		}
	})
}

func TestIntegerRows(t *testing.T) {
	eachVariant(t, func(t *testing.T, v, ref *variant) {
		s := newSource(5)
		for _, n := range vectorSizes() {
			for manner := range 6 {
				what := fmt.Sprintf("n %d manner %d", n, manner)
				x := s.floats(n, manner)
				if a := ref.maxAbs(x); a >= tiny {
					q, done := guarded[uint8](t, n, manner%4)
					want := make([]uint8, n)
					v.quantize(q, x, 127/a, 128)
					ref.quantize(want, x, 127/a, 128)
					done("quantize " + what)
					same(t, "quantize "+what, q, want)
				}

				acc, bias := make([]int32, n), make([]int32, n)
				for i := range acc {
					acc[i], bias[i] = int32(s.Uint32()), int32(s.Uint32())
				}
				scale := s.floats(n, 0)
				got, done := guarded[float32](t, n, manner%4)
				want := make([]float32, n)
				v.dequant(got, acc, bias, 0.3, scale)
				ref.dequant(want, acc, bias, 0.3, scale)
				done("dequant " + what)
				same(t, "dequant "+what, got, want)

				e := make([]float32, n)
				sum := ref.expSum(e, x, ref.max(x))
				w, done := guarded[uint32](t, n, manner%4)
				wantW := make([]uint32, n)
				a, b := v.weights(w, e, 0x1p31/sum), ref.weights(wantW, e, 0x1p31/sum)
				done("weights " + what)
				same(t, "weights "+what, append(w, a), append(wantW, b))

				cum, done := guarded[uint32](t, n+1, manner%4)
				wantC := make([]uint32, n+1)
				v.prefix(cum, wantW)
				ref.prefix(wantC, wantW)
				done("prefix " + what)
				same(t, "prefix "+what, cum, wantC)
			}
		}
	})
}
