package turing

import (
	"math"
	"testing"
)

func TestDistributions(t *testing.T) {
	for _, c := range []struct {
		states         int
		halting, total uint64
		bits           map[string]float64
	}{
		{2, 6088, 20000, map[string]float64{"0": 1.6060, "00": 3.5831}},
		{3, 4294368, 15059072, map[string]float64{"0": 1.9972, "00": 3.3132, "000": 6.4813, "001": 6.5380, "010": 6.6476}},
		{4, 5970768960, 22039921152, map[string]float64{
			"0": 2.2858, "00": 3.2876, "01": 3.2876, "000": 5.7355, "001": 5.7919, "010": 5.8678,
			"0000": 8.6448, "0001": 9.0196, "0101": 9.0295, "0010": 9.0406, "0110": 9.2638, "0011": 9.2764,
		}},
	} {
		if c.states == 4 && testing.Short() {
			continue
		}
		d, err := Enumerate(c.states)
		if err != nil {
			t.Fatal(err)
		}
		if d.Halting != c.halting || d.Total.Uint64() != c.total {
			t.Errorf("D(%d): %d of %v halt, want %d of %d", c.states, d.Halting, d.Total, c.halting, c.total)
		}
		for s, want := range c.bits {
			if got := d.Bits(s); math.Abs(got-want) > 5.1e-5 {
				t.Errorf("D(%d): %q has %.5f bits, want %.4f", c.states, s, got, want)
			}
		}
		sum := 0.0
		for s := range d.Count {
			sum += math.Exp2(-d.Bits(s))
		}
		if math.Abs(sum-1) > 1e-12 {
			t.Errorf("D(%d) sums to %v", c.states, sum)
		}
		if c.states == 4 {
			checkCoverage(t, d)
			t.Logf("%d runs", d.Leaves)
		}
	}
}

// checkCoverage: D(4) has all strings of 1 to 8 symbols and 486 of 9.
func checkCoverage(t *testing.T, d *Distribution) {
	byLength := map[int]int{}
	for s := range d.Count {
		byLength[len(s)]++
	}
	for n := 1; n <= 9; n++ {
		want := 1 << n
		if n == 9 {
			want = 486
		}
		if byLength[n] != want {
			t.Errorf("D(4) has %d strings of %d symbols, want %d", byLength[n], n, want)
		}
	}
}

// TestBruteForce runs every machine of 1 and 2 states on its own.
func TestBruteForce(t *testing.T) {
	for states := 1; states <= 2; states++ {
		want := map[string]uint64{}
		moves := 4*states + 2
		machines := 1
		for range 2 * states {
			machines *= moves
		}
		for m := range machines {
			if s, ok := runMachine(m, states, moves); ok {
				want[s]++
				flipped := []byte(s)
				for i := range flipped {
					flipped[i] ^= 1
				}
				want[string(flipped)]++
			}
		}
		d, err := Enumerate(states)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Count) != len(want) {
			t.Errorf("%d states: %d strings, want %d", states, len(d.Count), len(want))
		}
		for s, n := range want {
			if d.Count[s] != n {
				t.Errorf("%d states: %q is written by %d machines, want %d", states, s, d.Count[s], n)
			}
		}
	}
}

// runMachine runs the machine whose table entries are the digits of m.
func runMachine(m, states, moves int) (string, bool) {
	var table [8]int
	for i := range 2 * states {
		table[i] = m % moves
		m /= moves
	}
	cell := map[int]byte{}
	lo, hi, head, state := 0, 0, 0, 0
	for range 100 {
		e := table[2*state+int(cell[head])]
		cell[head] = byte(e & 1)
		if e/2 == 2*states {
			var s []byte
			for i := lo; i <= hi; i++ {
				s = append(s, '0'+cell[i])
			}
			return string(s), true
		}
		head += e/2%2*2 - 1
		state = e / 4
		lo, hi = min(lo, head), max(hi, head)
	}
	return "", false
}

func TestRefuses(t *testing.T) {
	for _, n := range []int{0, 5} {
		if _, err := Enumerate(n); err == nil {
			t.Errorf("%d states: no error", n)
		}
	}
}
