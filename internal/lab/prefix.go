package lab

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"kolm/internal/chart"
	"kolm/internal/mdl/prefix"
)

var prefixMachine = Experiment{
	Name:     "prefix",
	Question: "what can be known about the shortest program of a string?",
	Criterion: "over all programs of 20 bits: sum of 2^-|p| at most 1; K_T never rises with steps or program length, and falls for some; " +
		"at most a share 2^-c of strings is c bits shorter; every certificate verifies; all programs of a string together are coded in -log2 of their weight to 0.05 bit, by bits back",
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
	if err := programsAsModels(r, e); err != nil {
		return err
	}
	return showcase(r, e)
}

// monotone follows the bounds as steps and program length grow.
func monotone(r *run, e *prefix.Enumeration, longest, limit int) {
	t := r.table("Bounds K_T on the complexity of strings, as steps grow.", "steps T", "strings with a bound", "sum of their bounds", "falls since the row before", "rises")
	last := map[string]int{}
	rises := 0
	line := chart.Line{Name: "programs of at most 20 bits"}
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
		line.Add(float64(steps), float64(known))
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

// programsAsModels takes the programs that write 16 symbols for a set of models
// with prior 2^-|p|. The evidence is then algorithmic probability, the two-part
// code the shortest program, and bits back makes a code of all programs together.
func programsAsModels(r *run, e *prefix.Enumeration) error {
	const n = 16
	weights := map[string][]*big.Rat{}
	for out := range e.Found {
		if len(out) != n {
			continue
		}
		for _, bits := range e.Lengths(out) {
			weights[out] = append(weights[out], big.NewRat(1, 1<<bits))
		}
	}
	return writers{"programs that write 16 symbols", "Programs of at most 20 bits as models of 16 symbols, prior 2^-|p|.", weights}.weigh(r,
		"0000000000000000", "0101010101010101", "0110011001100110", "0111011101110111", "1111111111111111")
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
