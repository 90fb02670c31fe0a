package lab

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"kolm/internal/mdl/turing"
)

var turingMachines = Experiment{
	Name:     "turing",
	Question: "which strings do small machines write by themselves?",
	Criterion: "numbers of halting machines exactly, -log2 D of strings to the golden four digits, all strings to length 8 and 486 of 9 for 4 states; " +
		"all machines that write a string together are coded in its evidence to 0.05 bit, by bits back",
	run: runTuring,
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
	t := r.table("-log2 of the share of halting machines that write a string, bits. Conditional on halting; ranks, not lengths of programs. With all halting machines alike beforehand it is the evidence, and naming one machine a two-part code.",
		"n", "string", "machines", "evidence = -log2 D(n)", "two-part", "gap A of it")
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
			name := math.Log2(float64(d.Halting))
			t.row(n, s, d.Count[s], d.Bits(s), name, name-d.Bits(s))
			r.near(fmt.Sprintf("%d states: %q", n, s), d.Bits(s), golden[n][s], 5.1e-5)
		}
		switch n {
		case 2:
			if err := machinesAsModels(r, d); err != nil {
				return err
			}
		case 4:
			coverage(r, d)
		}
		r.step()
	}
	four := slices.DeleteFunc(slices.Clone(t.Rows), func(row []any) bool { return row[0] != 4 })
	r.bars("strings", "what machines of 4 states write", "-log2 of the share that writes it, bits", t, four, 1, 3)
	r.note("A table of 4 states costs 8 log2 18 = %.1f bits to write down: the values are no code lengths. Against another machine they hold up to an additive constant that nobody knows.", 8*math.Log2(18))
	return nil
}

// machinesAsModels takes those machines that write two symbols for a set of models,
// with the share of one machine of all that halt as the prior of each.
func machinesAsModels(r *run, d *turing.Distribution) error {
	weights := map[string][]*big.Rat{}
	for out, n := range d.Count {
		if len(out) != 2 {
			continue
		}
		for range n {
			weights[out] = append(weights[out], big.NewRat(1, int64(d.Halting)))
		}
	}
	return writers{"2-state machines that write 2 symbols", "Machines of 2 states as models of 2 symbols: all that halt are as likely.", weights}.weigh(r, "00", "01", "10", "11")
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
