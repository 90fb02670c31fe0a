package lab

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kolm"
	"kolm/internal/builtin"
	"kolm/internal/lm"
	"kolm/internal/lmfile"
	"kolm/internal/source"
	"kolm/internal/vocab"
)

// slow are the experiments that take seconds even when quick, or train.
var slow = []string{
	"files", "floor", "trees", "redundancy", "turing", "prefix",
	"transformer", "memories", "values", "capacity", "frequency", "exposure", "labels", "counterfactual", "calibration", "regenerate", "ordering",
}

// TestQuick runs every experiment as --quick does: all pass, print and draw.
func TestQuick(t *testing.T) {
	for _, e := range Experiments() {
		t.Run(e.Name, func(t *testing.T) {
			if testing.Short() && slices.Contains(slow, e.Name) {
				t.Skip("short: runs for seconds, and the run without -short has it")
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

// checkPlots: every experiment draws something.
func checkPlots(t *testing.T, r *Result) {
	names, err := r.WritePlots(t.TempDir())
	if err != nil || len(names) != 2*len(r.Plots) || len(names) == 0 {
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

// TestScaleOwn measures the built-in model on a text: by a file, by its bits alone,
// and by both. A model that kolm only scores has no decoded row.
func TestScaleOwn(t *testing.T) {
	m, err := kolm.BuiltinModel()
	if err != nil {
		t.Fatal(err)
	}
	f, err := lmfile.Parse("built-in", builtin.Default.File(), lm.DefaultKeep)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := vocab.ParseGGUF(f.Keys)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(strings.Repeat("The quick brown fox jumps over the lazy dog. ", 10))
	scored := &ScoredModel{f.Model, tok}
	for _, in := range []ScaleInput{{Model: m}, {Scored: scored}, {Model: m, Scored: scored}} {
		in.Name, in.FileBytes, in.Parameters, in.TextName, in.Text = "built-in", 1e6, 1e6, "fox", text
		r, err := scale.Run(Config{Scale: in})
		if err != nil || !r.Pass || len(r.Inputs) != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		rows := r.Tables[len(r.Tables)-2].Rows
		if len(rows) != one(in.Model != nil)+one(in.Scored != nil) {
			t.Errorf("rows %v", rows)
		}
		for _, row := range rows {
			if bits := float64(row[4].(Number)); bits <= 0 || bits > 8 {
				t.Errorf("%v bits a byte", bits)
			}
		}
	}
	if _, err := scale.Run(Config{Scale: ScaleInput{Name: "built-in", Model: m, TextName: "nothing"}}); err == nil {
		t.Error("an empty text is measured")
	}
}

// TestTrainsAlike: a recipe gives the same model each time, which packs and reads.
func TestTrainsAlike(t *testing.T) {
	if testing.Short() {
		t.Skip("short: trains a model, as the run without -short does")
	}
	s := source.Order2()
	c := recipe{text: letters(s, s.Sample(1, 2000)), vocab: 288, dim: 32, layers: 1, tokens: 4096, seed: 1}
	var lengths []float64
	for range 2 {
		m, err := c.train()
		if err != nil {
			t.Fatal(err)
		}
		bits, err := m.alone([]byte("abbabababba"))
		if err != nil {
			t.Fatal(err)
		}
		lengths = append(lengths, bits)
		if _, err := m.packed(c.text); err != nil {
			t.Error(err)
		}
	}
	if lengths[0] != lengths[1] || lengths[0] <= 0 {
		t.Errorf("lengths %v of one recipe", lengths)
	}
}

func TestDocuments(t *testing.T) {
	for _, text := range []string{"", "ab", strings.Repeat("a", 1000), strings.Repeat("a line\n", 200)} {
		list := documents([]byte(text))
		if got := string(bytes.Join(list, nil)); got != text {
			t.Errorf("%d bytes of %d came back", len(got), len(text))
		}
		for i, d := range list {
			if len(d) > 2*documentBytes || strings.Contains(text, "\n") && i < len(list)-1 && d[len(d)-1] != '\n' {
				t.Errorf("document %d of %d bytes", i, len(d))
			}
		}
	}
}

// TestLabCanFail: figures that refute a claim do not pass.
func TestLabCanFail(t *testing.T) {
	sizes := func(entropy, twoPart []float64) func(*run) {
		return func(r *run) {
			var all []described
			for i := range entropy {
				all = append(all, described{entropy: entropy[i], twoPart: twoPart[i], decodes: true})
			}
			judgeSizes(r, "source", all)
		}
	}
	labels := func(random bool, stored, test []float64) func(*run) {
		return func(r *run) { judgeLabels(r, "labels", random, stored, test) }
	}
	for _, c := range []struct {
		name  string
		judge func(*run)
		pass  bool
	}{
		{"a size in between", sizes([]float64{3, 2, 1}, []float64{3, 2, 4}), true},
		{"the largest is shortest", sizes([]float64{3, 2, 1}, []float64{3, 2, 1}), false},
		{"the smallest is shortest", sizes([]float64{3, 2, 1}, []float64{1, 2, 3}), false},
		{"cross-entropy chooses by itself", sizes([]float64{3, 1, 2}, []float64{3, 2, 4}), false},
		{"random labels fill the memory", labels(true, []float64{.5, 1.6, 1.7, 1.6}, []float64{9, 8, 7, 6}), true},
		{"random labels generalise", labels(true, []float64{.5, 1.6, 1.7, 1.6}, []float64{9, 8, 7, 3}), false},
		{"memory grows without end", labels(true, []float64{.5, .6, 1, 1.6}, []float64{9, 8, 7, 6}), false},
		{"a rule is found", labels(false, []float64{.5, .3, .05}, []float64{6, 3, .1}), true},
		{"a rule is learned by heart", labels(false, []float64{.5, .3, .3}, []float64{6, 3, .1}), false},
	} {
		r := &run{Result: &Result{}}
		c.judge(r)
		pass := len(r.Checks) > 0
		for _, k := range r.Checks {
			pass = pass && k.Pass
		}
		if pass != c.pass {
			t.Errorf("%s: pass is %v: %v", c.name, pass, r.Checks)
		}
	}
}

// TestMemorised: a reference that knows as much leaves nothing to be memorised.
func TestMemorised(t *testing.T) {
	got := countMemorised([]float64{4, 4, 4, 4}, []float64{0, 1, 4, 9})
	if got.bits != 7 || got.selector != 4 || got.mixture > got.bits || got.mixture < got.bits-4 {
		t.Errorf("%+v", got)
	}
	if got := countMemorised([]float64{1, 1}, []float64{1, 1}); got.bits != 0 || got.mixture != 0 {
		t.Errorf("nothing new: %+v", got)
	}
}

// TestGrid: golden mean regrets of two-part codes of a coin are in the experiment;
// here, that the point is the best of its grid.
func TestGrid(t *testing.T) {
	for _, n := range []int{1, 10, 100} {
		for ones := range n + 1 {
			for bits := range 6 {
				got := coinBits(n, ones, bestPoint(n, ones, bits))
				for k := range 1 << bits {
					if v := coinBits(n, ones, arcsine(k, bits)); v < got-1e-12 {
						t.Fatalf("%d of %d, %d bits: point %d is better", ones, n, bits, k)
					}
				}
			}
		}
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
