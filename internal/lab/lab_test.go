package lab

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kolm"
)

// slow are the experiments that take seconds even when quick.
var slow = []string{"files", "floor", "trees", "redundancy", "turing", "prefix"}

// TestQuick runs every experiment as --quick does: all pass, print and draw.
func TestQuick(t *testing.T) {
	for _, e := range Experiments() {
		t.Run(e.Name, func(t *testing.T) {
			if testing.Short() && slices.Contains(slow, e.Name) {
				t.Skip("takes seconds")
			}
			r, err := e.Run(Config{Quick: true, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			if err := r.WriteText(&text, false); err != nil {
				t.Fatal(err)
			}
			if !r.Pass {
				t.Error(text.String())
			}
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
			checkPlots(t, r)
			for i, c := range r.Certificates {
				if _, err := c.Verify(); err != nil {
					t.Errorf("certificate %d: %v", i, err)
				}
			}
		})
	}
}

func checkPlots(t *testing.T, r *Result) {
	names, err := r.WritePlots(t.TempDir())
	if err != nil || len(names) != 2*len(r.Plots) {
		t.Errorf("%d files of %d plots: %v", len(names), len(r.Plots), err)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.Size() < 500 {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
	}
}

// TestRepeats: the same seed gives the same figures, another seed others.
func TestRepeats(t *testing.T) {
	figures := func(seed uint64) string {
		r, err := estimation.Run(Config{Quick: true, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		r.Seconds, r.Seed = 0, 0
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	one := figures(1)
	if one != figures(1) {
		t.Error("the same seed gives other figures")
	}
	if one == figures(2) {
		t.Error("another seed gives the same figures")
	}
}

func TestChecks(t *testing.T) {
	r := &run{Result: &Result{}}
	r.near("near", 1, 1.1, .2)
	r.near("far", 1, 1.1, .05)
	r.near("no number", math.NaN(), 1, 10)
	r.atMost("at most", 2, 2)
	r.atMost("too much", 2.1, 2)
	r.atMost("no number", math.NaN(), 2)
	r.atLeast("at least", 2, 2)
	r.atLeast("too little", 1.9, 2)
	for i, want := range []bool{true, false, false, true, false, false, true, false} {
		if r.Checks[i].Pass != want {
			t.Errorf("%v", r.Checks[i])
		}
	}
	table := r.table("infinite", "x")
	table.row(math.Inf(1))
	if text, err := json.Marshal(r.Result); err != nil || !strings.Contains(string(text), `"rows":[[null]]`) {
		t.Errorf("infinite figures: %s, %v", text, err)
	}
	nothing, err := Experiment{run: func(*run) error { return nil }}.Run(Config{})
	if err != nil || nothing.Pass {
		t.Error("an experiment that checks nothing passes")
	}
}

// TestClaims: seventeen rows, each with experiments that exist; a state never
// flatters.
func TestClaims(t *testing.T) {
	claims := Claims()
	if len(claims) != 17 {
		t.Fatalf("%d claims, want 17", len(claims))
	}
	results := map[string]*Result{}
	for i, c := range claims {
		if c.Number != i+1 || c.Statement == "" || c.Verdict == "" {
			t.Errorf("claim %d: %+v", i+1, c)
		}
		if len(c.Experiments) == 0 {
			t.Errorf("claim %d has no experiment", c.Number)
		}
		for _, name := range c.Experiments {
			if _, ok := Find(name); !ok {
				t.Errorf("claim %d: no experiment %q", c.Number, name)
			}
			results[name] = &Result{Pass: true}
		}
	}
	states := func() string {
		var all []string
		for _, s := range Judge(results) {
			all = append(all, s.State)
		}
		return strings.Join(all, ",")
	}
	if got := states(); strings.Count(got, Passed) != 17 {
		t.Errorf("all experiments pass: %s", got)
	}
	results["trees"].Pass = false
	if got := states(); strings.Count(got, Failed) != 2 {
		t.Errorf("trees fails: %s", got)
	}
	delete(results, "identity")
	if got := Judge(results)[8].State; got != NotRun {
		t.Errorf("claim 9 without its experiment: %s", got)
	}
}

// TestScaleOwn measures the built-in model on a text.
func TestScaleOwn(t *testing.T) {
	m, err := kolm.BuiltinModel()
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(strings.Repeat("The quick brown fox jumps over the lazy dog. ", 10))
	in := ScaleInput{Name: "built-in", Model: m, FileBytes: 1e6, Parameters: 1e6, TextName: "fox", Text: text}
	r, err := scale.Run(Config{Scale: in})
	if err != nil || !r.Pass || len(r.Inputs) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	in.Text = nil
	if _, err := scale.Run(Config{Scale: in}); err == nil {
		t.Error("an empty text is measured")
	}
}

// TestDocument: the theory names every experiment with its criterion, and no other.
func TestDocument(t *testing.T) {
	for _, name := range []string{"theory.md", "theory.zh-CN.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "doc", name))
		if err != nil {
			t.Fatal(err)
		}
		told := map[string]bool{}
		for _, m := range regexp.MustCompile("→ `([a-z0-9]+)`").FindAllStringSubmatch(string(text), -1) {
			told[m[1]] = true
		}
		for _, e := range Experiments() {
			if !told[e.Name] {
				t.Errorf("%s: no statement is linked to experiment %s", name, e.Name)
			}
			delete(told, e.Name)
			if row := "| `" + e.Name + "` | " + e.Criterion + " |"; name == "theory.md" && !strings.Contains(string(text), row) {
				t.Errorf("%s: wants the row %s", name, row)
			}
		}
		if len(told) > 0 {
			t.Errorf("%s: there are no experiments %v", name, told)
		}
	}
}
