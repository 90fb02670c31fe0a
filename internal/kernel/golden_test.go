package kernel

import (
	"os"
	"strings"
	"testing"
)

// using runs f with a variant and goes back to the one before.
func using(t *testing.T, name string, f func()) {
	t.Helper()
	before := Active()
	if err := Use(name); err != nil {
		t.Fatal(err)
	}
	defer Use(before)
	f()
}

// The golden sums are the same on every architecture and for every variant.
// A change of one bit of one result is a change of the file format.
func TestGolden(t *testing.T) {
	golden := []struct {
		rounds int
		sum    string
	}{
		{selfTestRounds, selfTestSum},
		{40, "993451ea2330e56b0943e8e8af8b1a14b6e22ca1816094385fcff28264a6ec4b"},
		{600, "50f213ebfa2463e21ebb268473081f7f4a573b17cf69dbbeac27cb330560bc09"},
	}
	for _, g := range golden {
		if testing.Short() && g.rounds > 100 {
			continue
		}
		for _, name := range Variants() {
			if name == "portable" && g.rounds > 100 {
				continue
			}
			using(t, name, func() {
				if sum := digest(g.rounds); sum != g.sum {
					t.Errorf("%s: %d rounds give %s, want %s", name, g.rounds, sum, g.sum)
				}
			})
		}
	}
}

func TestSelfTest(t *testing.T) {
	for _, name := range Variants() {
		using(t, name, func() {
			if err := SelfTest(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSelfTestFindsAnError(t *testing.T) {
	before := active.Load()
	defer active.Store(before)
	for name, harm := range map[string]func(v *variant){
		"sum order": func(v *variant) {
			v.expSum = func(dst, x []float32, m float32) (s float32) {
				for i := range x {
					dst[i] = Exp32(x[i] - m)
					s += dst[i]
				}
				return s
			}
		},
		"no fusing": func(v *variant) {
			v.axpy = func(dst []float32, a float32, x []float32) {
				for i := range x {
					dst[i] += float32(a * x[i])
				}
			}
		},
	} {
		v := *before
		v.name = "harmed"
		harm(&v)
		active.Store(&v)
		if err := SelfTest(); err == nil || !strings.Contains(err.Error(), `"harmed"`) {
			t.Errorf("%s: SelfTest says %v", name, err)
		}
	}
}

// TestNoAllocation holds for rows that are a multiple of 16.
func TestNoAllocation(t *testing.T) {
	i8, f32 := NewI8(64, 64), PackF32(64, 64, make([]float32, 64*64))
	x, dst, q, acc, w := make([]float32, 640), make([]float32, 640), make([]uint8, 640), make([]int32, 640), make([]uint32, 640)
	for _, name := range Variants() {
		using(t, name, func() {
			n := testing.AllocsPerRun(10, func() {
				f32.MatMul(dst, x, 10)
				QuantizeU8(q, x)
				i8.MatMul(dst, q, x[:10], 10)
				DotU8S8(acc, q, i8.Data, 10, 64, 64)
				Softmax(dst)
				Weights(w, x)
			})
			if n != 0 {
				t.Errorf("%s: %v allocations", name, n)
			}
		})
	}
}

func TestUse(t *testing.T) {
	before := Active()
	defer Use(before)
	names := Variants()
	if names[len(names)-1] != "portable" {
		t.Fatalf("variants are %v; the last is to be portable", names)
	}
	for _, name := range names {
		if err := Use(name); err != nil || Active() != name {
			t.Errorf("Use(%q) = %v, active is %q", name, err, Active())
		}
	}
	if err := Use("abacus"); err == nil || !strings.Contains(err.Error(), "abacus") || Active() != "portable" {
		t.Errorf("Use of an unknown variant: %v, active is %q", err, Active())
	}
	t.Setenv(Environment, "portable")
	if err := Use(""); err != nil || Active() != "portable" {
		t.Errorf("Use of the environment: %v, active is %q", err, Active())
	}
	t.Setenv(Environment, "abacus")
	if err := Use(""); err == nil {
		t.Error("Use of a wrong environment gave no error")
	}
	t.Setenv(Environment, "")
	if err := Use(""); err != nil || Active() != names[0] {
		t.Errorf("Use of the best: %v, active is %q, want %q", err, Active(), names[0])
	}
}

// TestNoVariantMissing asks the kernel of the system, not the library that the
// registry asks, what the CPU has: a variant that is not tried is not tested.
func TestNoVariantMissing(t *testing.T) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skipf("no /proc/cpuinfo to ask: %v", err)
	}
	have := map[string]bool{}
	for _, name := range Variants() {
		have[name] = true
	}
	for name, flags := range requirements {
		all := true
		for _, f := range strings.Fields(flags) {
			all = all && strings.Contains(string(info), f)
		}
		if all != have[name] {
			t.Errorf("variant %s: the CPU has what it needs: %v; it is registered: %v", name, all, have[name])
		}
	}
}
