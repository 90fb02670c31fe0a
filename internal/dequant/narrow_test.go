package dequant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestNarrow: what is widened again is off by half a step at most, where the step
// is that of the type and of the largest number of a block.
func TestNarrowBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	x := make([]float32, 64*32)
	for i := range x {
		x[i] = float32(r.NormFloat64()) * float32(math.Exp2(float64(i/32%20)-10))
	}
	clear(x[:32]) // a block of zeros
	for _, c := range []struct {
		t    Type
		step float64 // over the largest of 32 numbers
	}{{F32, 0}, {F16, 1.0 / 1024}, {BF16, 1.0 / 128}, {Q8_0, 1.01 / 127}, {Q5_0, 2.02 / 16}, {Q4_0, 2.02 / 8}} {
		b, err := Narrow(x, c.t)
		if err != nil {
			t.Fatal(err)
		}
		back := make([]float32, len(x))
		if err := Widen(back, c.t, b); err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(x); at += 32 {
			most := math.Abs(float64(furthest(x[at : at+32])))
			for i, v := range x[at : at+32] {
				// The opposite of the furthest number is a whole step off in
				// Q4_0 and Q5_0; subnormal scales are coarse.
				if d := math.Abs(float64(v - back[at+i])); d > c.step*most/2+1e-6 {
					t.Fatalf("%v: number %d, %v, became %v", c.t, at+i, v, back[at+i])
				}
			}
		}
		again, err := Narrow(back, c.t)
		if err != nil {
			t.Fatal(err)
		}
		twice := make([]float32, len(x))
		if err := Widen(twice, c.t, again); err != nil {
			t.Fatal(err)
		}
		for i := range back {
			if math.Abs(float64(twice[i]-back[i])) > 2e-3*math.Abs(float64(back[i])) {
				t.Fatalf("%v: number %d changed again, %v to %v", c.t, i, back[i], twice[i])
			}
		}
	}
	huge := make([]float32, 32)
	huge[3] = 3e38
	for _, q := range []Type{F16, Q8_0, Q5_0, Q4_0} {
		if _, err := Narrow(huge, q); err == nil {
			t.Errorf("%v took 3e38", q)
		}
	}
}
