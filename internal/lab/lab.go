// Package lab holds the experiments behind doc/theory.md: what is said there
// about codes, models and entropy, computed or measured, each with a criterion
// that it can fail.
//
// One file is one experiment. It has a name, the question that it answers, the
// criterion, and a function that fills a [Result] with tables, plots and checks;
// the verdict follows from the checks and from nothing else. What is drawn at
// random follows from the seed of the [Config]; inputs are named by their hash.
//
// Sizes in bytes are of files from which the input came back. Code lengths that
// were only computed say so in the head of their column.
//
// The package must not know the command line.
package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"kolm/internal/chart"
	"kolm/internal/mdl/prefix"
)

// Config is what a run depends on.
type Config struct {
	Quick bool   // smaller samples: seconds instead of minutes
	Seed  uint64 // where all randomness begins
	Scale ScaleInput
	// Progress, if set, is told how many of the experiment's steps are done.
	Progress func(done, total int)
}

// Experiment is a question with the means to answer it.
type Experiment struct {
	Name      string
	Question  string
	Criterion string
	run       func(*run) error
}

// Result is what an experiment found.
type Result struct {
	Name         string               `json:"name"`
	Question     string               `json:"question"`
	Criterion    string               `json:"criterion"`
	Quick        bool                 `json:"quick"`
	Seed         uint64               `json:"seed"`
	Inputs       []Input              `json:"inputs"`
	Tables       []*Table             `json:"tables"`
	Plots        []chart.Chart        `json:"plots"`
	Notes        []string             `json:"notes"`
	Certificates []prefix.Certificate `json:"certificates"`
	Checks       []Check              `json:"checks"`
	Pass         bool                 `json:"pass"`
	Seconds      float64              `json:"seconds"`
}

// Input is something that the experiment read: a drawn sample or a file.
type Input struct {
	Name   string `json:"name"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Number is a figure; JSON, which knows no infinite numbers, has null for those.
type Number float64

// MarshalJSON writes the number, or null if it is infinite or none.
func (n Number) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsInf(f, 0) || math.IsNaN(f) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// Table holds figures; cells are strings, integers or Numbers.
type Table struct {
	Title   string   `json:"title"`
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

// Check is one thing that had to hold. Got is compared with Want by Relation:
// "=" within Tolerance, "<=" or ">=".
type Check struct {
	What      string  `json:"what"`
	Got       Number  `json:"got"`
	Relation  string  `json:"relation"`
	Want      Number  `json:"want"`
	Tolerance float64 `json:"tolerance"`
	Pass      bool    `json:"pass"`
}

// Experiments lists all experiments in the order in which the theory is told.
func Experiments() []Experiment {
	return []Experiment{
		identity, equivalence, bitsBack, weights, parameter, regret, experts, contextTrees, automata, rates, length,
		redundancy, estimation, files, transformer, obstacles, floor, turingMachines, prefixMachine, scale,
		memories, values, capacity, frequency, exposure, labels, counterfactual, calibration, regenerate, sizes, ordering,
	}
}

// Find looks an experiment up by name.
func Find(name string) (Experiment, bool) {
	all := Experiments()
	i := slices.IndexFunc(all, func(e Experiment) bool { return e.Name == name })
	if i < 0 {
		return Experiment{}, false
	}
	return all[i], true
}

// Run does the experiment. An error says that it could not be done; an
// experiment that was done and refutes its claim gives a Result that does not pass.
func (e Experiment) Run(c Config) (*Result, error) {
	start := time.Now()
	r := &run{config: c, Result: &Result{
		Name: e.Name, Question: e.Question, Criterion: e.Criterion, Quick: c.Quick, Seed: c.Seed,
		Inputs: []Input{}, Tables: []*Table{}, Plots: []chart.Chart{}, Notes: []string{}, // [] in JSON, never null
		Certificates: []prefix.Certificate{},
	}}
	if err := e.run(r); err != nil {
		return nil, fmt.Errorf("experiment %s: %w", e.Name, err)
	}
	r.Pass = len(r.Checks) > 0
	for _, c := range r.Checks {
		r.Pass = r.Pass && c.Pass
	}
	r.Seconds = time.Since(start).Seconds()
	return r.Result, nil
}

// run is an experiment being done.
type run struct {
	config Config
	*Result
	done, total int
}

// choose returns the size of the full experiment, or that of the quick one.
func (r *run) choose(full, quick int) int {
	if r.Quick {
		return quick
	}
	return full
}

// steps says how many calls of step will follow.
func (r *run) steps(n int) { r.done, r.total = 0, n }

// step reports progress.
func (r *run) step() {
	r.done++
	if r.config.Progress != nil {
		r.config.Progress(r.done, r.total)
	}
}

// input records what was read.
func (r *run) input(name string, b []byte) {
	sum := sha256.Sum256(b)
	r.Inputs = append(r.Inputs, Input{name, len(b), hex.EncodeToString(sum[:])})
}

func (r *run) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// table begins a table; row adds to it.
func (r *run) table(title string, columns ...string) *Table {
	t := &Table{Title: title, Columns: columns}
	r.Tables = append(r.Tables, t)
	return t
}

func (t *Table) row(cells ...any) {
	if len(cells) != len(t.Columns) {
		panic(fmt.Sprintf("table %q has %d columns, row %v", t.Title, len(t.Columns), cells))
	}
	for i, c := range cells {
		if f, ok := c.(float64); ok {
			cells[i] = Number(f)
		}
	}
	t.Rows = append(t.Rows, cells)
}

// near checks that got is want within the tolerance.
func (r *run) near(what string, got, want, tolerance float64) {
	r.Checks = append(r.Checks, Check{what, Number(got), "=", Number(want), tolerance, math.Abs(got-want) <= tolerance})
}

// atMost checks that got is no more than limit.
func (r *run) atMost(what string, got, limit float64) {
	r.Checks = append(r.Checks, Check{what, Number(got), "<=", Number(limit), 0, got <= limit})
}

// atLeast checks that got is no less than limit.
func (r *run) atLeast(what string, got, limit float64) {
	r.Checks = append(r.Checks, Check{what, Number(got), ">=", Number(limit), 0, got >= limit})
}

// count checks that a number of things is as it must be, often zero.
func (r *run) count(what string, got, want int) { r.near(what, float64(got), float64(want), 0) }
