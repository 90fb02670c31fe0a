// Package turing computes the output distribution of all small Turing machines:
// D(n) is the share of the halting machines with n states that write a string,
// and -log2 D(n) an estimate of its algorithmic probability in the manner of
// Delahaye and Zenil (2012).
//
// The machines are those of the busy beaver game: n states, two symbols, a tape
// without ends, started on a blank tape. A table entry either writes, moves and
// goes to a state (4n ways) or writes and halts without moving (2 ways), which
// makes (4n+2)^2n machines; each runs with 0 as the blank and with 1. The output
// is the visited part of the tape. The longest runs of machines that halt are
// known (6, 21, 107 steps for 2, 3, 4 states), so that for these n every machine
// that has not halted by then never will, and the distribution is exact.
//
// What the values are not: they are conditional on halting, the machine behind
// them is no universal one, and -log2 D is the length of no decoder's program.
//
// The package must not know other codes.
package turing

import (
	"fmt"
	"math"
	"math/big"
)

// steps is the number of steps that the longest halting machine makes (Rado 1962;
// Lin and Rado 1965; Brady 1983).
var steps = map[int]int{1: 1, 2: 6, 3: 21, 4: 107}

// Distribution is what all machines with a number of states write. Machines are
// counted once for each blank.
type Distribution struct {
	States  int
	Total   *big.Int          // machines
	Halting uint64            // that halt
	Count   map[string]uint64 // by what they write
	Leaves  int               // runs that it took
}

// Enumerate runs all machines with 1 to 4 states. Table entries are chosen when
// a run first needs them, and states are numbered in the order of their first
// use; a run that ends stands for all machines that agree on the entries that it
// has used, and for all numberings.
func Enumerate(states int) (*Distribution, error) {
	limit, ok := steps[states]
	if !ok {
		return nil, fmt.Errorf("%d states: must be 1 to 4, for which it is known when a machine will never halt", states)
	}
	e := &enumeration{n: states, limit: limit, count: map[output]uint64{}}
	e.tape.lo, e.tape.hi = limit+1, limit+1
	e.tape.head = limit + 1
	e.run(0, 0, 1, 2*states, 1)
	d := &Distribution{States: states, Count: map[string]uint64{}, Leaves: e.leaves}
	d.Total = new(big.Int).Exp(big.NewInt(int64(4*states+2)), big.NewInt(int64(2*states)), nil)
	d.Total.Lsh(d.Total, 1)
	for out, n := range e.count {
		d.Count[out.string(0)] += n
		d.Count[out.string(1)] += n
		d.Halting += 2 * n
	}
	return d, nil
}

// Bits is -log2 of the share of the halting machines that write the string;
// infinite if none does.
func (d *Distribution) Bits(s string) float64 {
	return -math.Log2(float64(d.Count[s]) / float64(d.Halting))
}

// output is a string of at most 16 cells: 4 states visit no more when they halt.
type output struct {
	cells uint32
	n     int
}

func (o output) string(flip uint32) string {
	b := make([]byte, o.n)
	for i := range b {
		b[i] = '0' + byte(o.cells>>i&1^flip)
	}
	return string(b)
}

// entry is what a machine does in a state on a symbol.
type entry struct {
	defined bool
	write   byte
	move    int8 // -1 or 1
	state   int8
}

// tape is the blank tape with its visited part [lo, hi] and what it takes to go back.
type tape struct {
	cell         [2*109 + 1]byte
	lo, hi, head int
}

type enumeration struct {
	n, limit int
	table    [4][2]entry
	tape     tape
	count    map[output]uint64
	leaves   int
}

// undo is one step to be taken back.
type undo struct {
	cell   byte
	lo, hi int
	head   int
}

// run goes on from a state after so many steps. seen states have been entered,
// free entries of the table are not chosen yet, and the run stands for weight
// numberings of states. All that it changes it changes back.
func (e *enumeration) run(state, step, seen, free int, weight uint64) {
	var trail [128]undo
	depth := 0
	defer func() {
		for depth--; depth >= 0; depth-- {
			u := trail[depth]
			e.tape.cell[u.head] = u.cell
			e.tape.lo, e.tape.hi, e.tape.head = u.lo, u.hi, u.head
		}
	}()
	for {
		if step == e.limit {
			e.leaves++
			return
		}
		t := &e.tape
		at := &e.table[state][t.cell[t.head]]
		if !at.defined {
			e.branch(at, state, step, seen, free, weight)
			return
		}
		trail[depth] = undo{t.cell[t.head], t.lo, t.hi, t.head}
		depth++
		t.cell[t.head] = at.write
		t.head += int(at.move)
		t.lo, t.hi = min(t.lo, t.head), max(t.hi, t.head)
		state = int(at.state)
		step++
	}
}

// branch chooses an entry in all ways.
func (e *enumeration) branch(at *entry, state, step, seen, free int, weight uint64) {
	others := uint64(1)
	for range free - 1 {
		others *= uint64(4*e.n + 2)
	}
	for write := range byte(2) {
		e.halt(write, weight*others)
	}
	if free == 1 { // a machine without an entry that halts never will
		return
	}
	for to := range min(seen+1, e.n) {
		w, now := weight, seen
		if to == seen { // the first of the states not used so far stands for all of them
			w, now = weight*uint64(e.n-seen), seen+1
		}
		for write := range byte(2) {
			for _, move := range [2]int8{-1, 1} {
				*at = entry{true, write, move, int8(to)}
				e.run(state, step, now, free-1, w)
			}
		}
	}
	*at = entry{}
}

// halt counts what is written when the last step writes a symbol.
func (e *enumeration) halt(write byte, weight uint64) {
	e.leaves++
	t := &e.tape
	out := output{n: t.hi - t.lo + 1}
	for i := range out.n {
		cell := t.cell[t.lo+i]
		if t.lo+i == t.head {
			cell = write
		}
		out.cells |= uint32(cell) << i
	}
	e.count[out] += weight
}
