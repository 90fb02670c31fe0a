package lab

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"kolm/internal/mdl/prefix"
	"kolm/internal/mdl/turing"
)

var turingMachines = Experiment{
	Name:      "turing",
	Question:  "which strings do small machines write by themselves?",
	Criterion: "numbers of halting machines exactly, -log2 D of strings to the golden four digits, all strings to length 8 and 486 of 9 for 4 states",
	run:       runTuring,
}

func runTuring(r *run) error {
	golden := map[int]map[string]float64{
		2: {"0": 1.6060, "00": 3.5831},
		3: {"0": 1.9972, "00": 3.3132, "000": 6.4813, "001": 6.5380, "010": 6.6476},
		4: {"0": 2.2858, "00": 3.2876, "01": 3.2876, "000": 5.7355, "001": 5.7919, "010": 5.8678,
			"0000": 8.6448, "0001": 9.0196, "0101": 9.0295, "0010": 9.0406, "0110": 9.2638, "0011": 9.2764},
	}
	halting := map[int]uint64{2: 6088, 3: 4294368, 4: 5970768960}
	total := map[int]uint64{2: 20000, 3: 15059072, 4: 22039921152}
	counts := r.table("All Turing machines with n states and two symbols, for both blanks.", "n", "machines", "halt", "share", "strings", "runs")
	t := r.table("-log2 of the share of halting machines that write a string, bits. Conditional on halting; ranks, not lengths of programs.", "n", "string", "-log2 D(n)")
	r.steps(3)
	for n := 2; n <= 4; n++ {
		d, err := turing.Enumerate(n)
		if err != nil {
			return err
		}
		all, _ := d.Total.Float64()
		counts.row(n, d.Total.String(), d.Halting, float64(d.Halting)/all, len(d.Count), d.Leaves)
		r.count(fmt.Sprintf("%d states: machines", n), int(d.Total.Int64()), int(total[n]))
		r.count(fmt.Sprintf("%d states: that halt", n), int(d.Halting), int(halting[n]))
		var names []string
		for s := range golden[n] {
			names = append(names, s)
		}
		slices.SortFunc(names, func(a, b string) int {
			if len(a) != len(b) {
				return len(a) - len(b)
			}
			return strings.Compare(a, b)
		})
		for _, s := range names {
			t.row(n, s, d.Bits(s))
			r.near(fmt.Sprintf("%d states: %q", n, s), d.Bits(s), golden[n][s], 5.1e-5)
		}
		if n == 4 {
			coverage(r, d)
		}
		r.step()
	}
	r.note("A table of 4 states costs 8 log2 18 = %.1f bits to write down: the values are no code lengths. Against another machine they hold up to an additive constant that nobody knows.", 8*math.Log2(18))
	return nil
}

// coverage counts which strings 4 states write.
func coverage(r *run, d *turing.Distribution) {
	byLength := map[int]int{}
	for s := range d.Count {
		byLength[len(s)]++
	}
	for n := 1; n <= 9; n++ {
		want := 1 << n
		if n == 9 {
			want = 486
		}
		r.count(fmt.Sprintf("4 states: strings of %d symbols", n), byLength[n], want)
	}
}

var prefixMachine = Experiment{
	Name:     "prefix",
	Question: "what can be known about the shortest program of a string?",
	Criterion: "over all programs of 20 bits: sum of 2^-|p| at most 1; K_T never rises with steps or program length, and falls for some; " +
		"at most a share 2^-c of strings is c bits shorter; every certificate verifies",
	run: runPrefix,
}

func runPrefix(r *run) error {
	const longest, limit = 20, 1 << 14
	e := prefix.Enumerate(longest, limit)
	r.atMost("sum of 2^-|p| over all programs", e.Kraft, 1)
	t := r.table("The queue machine: all programs of at most 20 bits.", "programs", "halt within 2^14 steps", "sum of 2^-|p|", "strings written", "of them with a shorter program that is slower")
	t.row(e.Programs, e.Halted, e.Kraft, len(e.Found), e.Traded())
	r.atLeast("strings whose bound falls when more steps are allowed", float64(e.Traded()), 1)
	monotone(r, e, longest, limit)
	counting(r, e, longest, limit)
	return showcase(r, e)
}

// monotone follows the bounds as steps and program length grow.
func monotone(r *run, e *prefix.Enumeration, longest, limit int) {
	t := r.table("Bounds K_T on the complexity of strings, as steps grow.", "steps T", "strings with a bound", "sum of their bounds", "falls since the row before", "rises")
	last := map[string]int{}
	rises := 0
	line := Line{Name: "programs of at most 20 bits"}
	for steps := 4; steps <= limit; steps *= 2 {
		sum, falls, up, known := 0, 0, 0, 0
		for out := range e.Found {
			k, ok := e.K(out, longest, steps)
			if !ok {
				continue
			}
			known, sum = known+1, sum+k
			before, seen := last[out]
			if seen && k < before {
				falls++
			}
			if seen && k > before {
				up++
			}
			last[out] = k
		}
		rises += up
		t.row(steps, known, sum, falls, up)
		line.add(float64(steps), float64(known))
	}
	for out := range e.Found {
		before, seen := 0, false
		for bits := 3; bits <= longest; bits++ {
			k, ok := e.K(out, bits, limit)
			if seen && (!ok || k > before) {
				rises++
			}
			before, seen = k, ok
		}
	}
	r.count("rises of a bound, with steps or program length", rises, 0)
	r.plot("steps", "strings of which some program is known", "steps", "strings", true, line)
}

// counting: few strings can have short programs, whatever the machine.
func counting(r *run, e *prefix.Enumeration, longest, limit int) {
	t := r.table("Strings of n symbols with a program at least c bits shorter than they are.", "n", "c", "strings", "share", "limit 2^-c")
	for _, n := range []int{16, 18, 20, 24, 32} {
		for _, c := range []int{0, 1, 2, 4, 8} {
			short := 0
			for out := range e.Found {
				if k, ok := e.K(out, longest, limit); ok && len(out) == n && k <= n-c {
					short++
				}
			}
			share, bound := math.Exp2(-float64(n))*float64(short), math.Exp2(-float64(c))
			t.row(n, c, short, share, bound)
			r.atMost(fmt.Sprintf("n=%d: share of strings %d bits shorter", n, c), share, bound)
		}
	}
	// The literal program of 2n+3 bits serves those strings that have no shorter one.
	sum := 0.0
	for v := range 1 << 16 {
		k := 2*16 + 3
		if bits, ok := e.K(fmt.Sprintf("%016b", v), longest, limit); ok {
			k = bits
		}
		sum += math.Exp2(-float64(k))
	}
	r.atMost("sum of 2^-K over all strings of 16 symbols", sum, 1)
}

// showcase certifies the strings that are longest for their programs.
func showcase(r *run, e *prefix.Enumeration) error {
	var outs []string
	for out := range e.Found {
		outs = append(outs, out)
	}
	slices.SortFunc(outs, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	t := r.table("The longest outputs: what is certified is an upper bound.", "symbols", "begins", "program", "bits", "steps")
	for _, out := range outs[:min(10, len(outs))] {
		best := e.Found[out]
		p, err := prefix.QueueProgram(best.Program)
		if err != nil {
			return err
		}
		if _, _, err := r.certify(fmt.Sprintf("%d symbols by %s", len(out), best.Program), prefix.Queue{}, p, []byte(out)); err != nil {
			return err
		}
		t.row(len(out), out[:min(32, len(out))], best.Program, best.Bits, best.Steps)
	}
	r.note("That a program has not halted after 2^14 steps proves nothing: %d of %d have not. A bound is never certified to be the least.", e.Programs-e.Halted, e.Programs)
	return nil
}
