package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kolm/internal/corpus"
	"kolm/internal/memory"
	"kolm/internal/tensor"
)

var factsFlag = flag.Bool("facts", false, "run TestFacts where training is portable Go too (minutes)")

// known is a planted fact: SUBJECT lives in CITY.
type known struct {
	subject, city string
	count         int // sentences in the training text
}

func (f known) prompt() string { return f.subject + " lives in" }
func (f known) answer() string { return " " + f.city }
func (f known) line() string   { return f.prompt() + f.answer() + "." }

// factWords makes n different words.
func factWords(rng *rand.Rand, n, syllables int) []string {
	seen, list := map[string]bool{}, []string(nil)
	for len(list) < n {
		w := ""
		for range syllables {
			w += string("bdfgklmnprstvz"[rng.IntN(14)]) + string("aeiou"[rng.IntN(5)])
		}
		if !seen[w] {
			seen[w], list = true, append(list, strings.ToUpper(w[:1])+w[1:])
		}
	}
	return list
}

// factFrequencies are how often the facts of each group stand in the text.
var factFrequencies = []int{0, 1, 3, 10, 30, 100}

const factGroup = 40 // facts of each frequency

// makeFacts writes the training text, in order of chance, and a list in which every
// fact that occurs stands once.
func makeFacts(t *testing.T, dir string) []known {
	t.Helper()
	rng := rand.New(rand.NewPCG(6, 6))
	subjects, cities := factWords(rng, factGroup*len(factFrequencies), 3), factWords(rng, 32, 2)
	var facts []known
	var lines, once []string
	for i, s := range subjects {
		f := known{s, cities[rng.IntN(len(cities))], factFrequencies[i/factGroup]}
		facts = append(facts, f)
		for range f.count {
			lines = append(lines, f.line())
		}
		if f.count > 0 {
			once = append(once, f.line())
		}
	}
	rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	for name, list := range map[string][]string{"text.tar": lines, "once.tar": once, "held.tar": lines[:100]} {
		if err := os.WriteFile(filepath.Join(dir, name), factArchive(t, list), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return facts
}

// factArchive is a tar archive in which every line is a document.
func factArchive(t *testing.T, lines []string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, line := range lines {
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("%05d.txt", i), Mode: 0o666, Size: int64(len(line))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// documents reads an archive.
func documents(t *testing.T, name string) (list [][]byte) {
	t.Helper()
	for doc, err := range corpus.Open(name) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, doc.Text)
	}
	return list
}

// trainFacts trains a model of two layers on the text, as anybody would.
func trainFacts(t *testing.T, dir string) string {
	t.Helper()
	args := strings.Fields("train text.tar --held held.tar -o facts.gguf --size 2x128 --vocab 416 --window 64 --tokens 400000 --batch 2048 -T 1 -q")
	t.Log("kolm " + strings.Join(args, " "))
	start := time.Now()
	cmd := kolmIn(t, dir, args...)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	t.Logf("trained in %v, %v of them of CPU time", time.Since(start).Round(time.Second), cmd.ProcessState.UserTime().Round(time.Second))
	return filepath.Join(dir, "facts.gguf")
}

// TestFacts trains a small model on facts of known frequencies and finds that it
// keeps the frequent ones, that an index finds their memories, that ablating these
// hurts the facts and not others, and that an edit changes one answer.
// doc/results has its figures.
func TestFacts(t *testing.T) {
	if testing.Short() {
		t.Skip("short: trains a model, as the run without -short does")
	}
	if tensor.Backend() == "portable" && !*factsFlag {
		t.Skip("training takes minutes in portable Go: run with -facts")
	}
	dir := t.TempDir()
	facts := makeFacts(t, dir)
	c := memoryModel{Model: trainFacts(t, dir)}
	m, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	kept := keptFacts(t, m, facts, dir)
	x := factIndex(t, m, dir)
	defer x.Close()
	ablateFacts(t, m, kept, x)
	editFact(t, m, kept, dir)
}

// keptFacts measures recall by frequency and returns the facts that the model knows.
func keptFacts(t *testing.T, m *openMemory, facts []known, dir string) []known {
	t.Helper()
	var list []memory.Recalled
	for _, f := range facts {
		list = append(list, memory.Recalled{Prompt: f.prompt(), Answer: f.answer()})
	}
	counter := memory.NewFactCounter(list)
	for _, doc := range documents(t, filepath.Join(dir, "text.tar")) {
		counter.Add(doc)
	}
	if err := m.Recall(list, nil); err != nil {
		t.Fatal(err)
	}
	var kept []known
	var counts, saved []float64
	for i, f := range list {
		if f.Count != facts[i].count {
			t.Fatalf("%q stands %d times in the text, not %d", f.Prompt, f.Count, facts[i].count)
		}
		counts, saved = append(counts, float64(f.Count)), append(saved, -f.Bits)
		if f.Recall {
			kept = append(kept, facts[i])
		}
	}
	groups := memory.GroupRecall(list)
	for _, g := range groups {
		t.Logf("facts that occur %d to %d times: recall %.3f, %.2f bits a fact", g.From, g.To, g.Recall, g.Bits)
	}
	s := memory.Spearman(counts, saved)
	t.Logf("rank correlation of occurrences and bits saved: %.3f", s)
	if last := groups[len(groups)-1]; s < .6 || last.Recall < .9 || groups[0].Recall > .15 {
		t.Fatal("the frequent facts are not those that are kept")
	}
	return kept
}

func factIndex(t *testing.T, m *openMemory, dir string) *memory.Index {
	t.Helper()
	g, err := memory.NewGather(m.Model, memory.DefaultGather())
	if err != nil {
		t.Fatal(err)
	}
	for i, doc := range documents(t, filepath.Join(dir, "once.tar")) {
		if err := g.Add(t.Context(), fmt.Sprint(i), doc, func(int) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "index.db")
	s, err := memory.CreateStore(path, "facts", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(g, nil); err != nil {
		t.Fatal(err)
	}
	s.Close()
	x, err := memory.OpenIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// ablateFacts ablates the most valuable memories of facts, and compares what that
// costs them and others; and asks whether the index has the fact among their
// triggers.
func ablateFacts(t *testing.T, m *openMemory, kept []known, x *memory.Index) {
	t.Helper()
	const tried, group = 12, 10
	passage := func(f known) []memory.Passage {
		prompt, err := m.Text(f.prompt())
		if err != nil {
			t.Fatal(err)
		}
		answer, err := m.Vocab.Continue([]byte(f.answer()))
		if err != nil {
			t.Fatal(err)
		}
		return []memory.Passage{{Tokens: slices.Concat(prompt, answer), From: len(prompt)}}
	}
	own, others, found, chance := 0.0, 0.0, 0, 0
	rng := rand.New(rand.NewPCG(1, 1))
	step := max(1, len(kept)/tried)
	n := 0
	for i := 0; i < len(kept) && n < tried; i += step {
		n++
		f := kept[i]
		best, err := m.Promising(passage(f), group)
		if err != nil {
			t.Fatal(err)
		}
		var g memory.Group
		for _, b := range best {
			g = append(g, b.Neuron)
		}
		w, err := m.Bits(passage(f), []memory.Group{g}, nil)
		if err != nil {
			t.Fatal(err)
		}
		own += w.Cost[0]
		for k := range 10 {
			other := kept[(i+1+k*7)%len(kept)]
			w, err := m.Bits(passage(other), []memory.Group{g}, nil)
			if err != nil {
				t.Fatal(err)
			}
			others += w.Cost[0] / 10
		}
		for _, n := range g {
			found += fires(t, x, n, f.subject)
			chance += fires(t, x, memory.Neuron{Layer: n.Layer, Index: rng.IntN(m.LM.Config.FFN)}, f.subject)
		}
	}
	k := float64(n)
	t.Logf("ablating the %d most valuable memories of a fact costs it %.2f bits, other facts %.2f (mean of %d)", group, own/k, others/k, n)
	t.Logf("%.0f%% of these memories have the fact among their triggers in the index, of others in their layers %.0f%%", 100*float64(found)/k/group, 100*float64(chance)/k/group)
	if own < 4*others || own/k < 1 || found <= chance {
		t.Error("ablation does not tell facts apart")
	}
}

// fires reports whether the index has a sentence of the subject among a neuron's
// triggers.
func fires(t *testing.T, x *memory.Index, n memory.Neuron, subject string) int {
	t.Helper()
	for _, minus := range []bool{false, true} {
		hits, err := x.Contexts(n, minus, 25)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hits {
			if strings.HasPrefix(h.Before+h.Token+h.After, subject+" ") {
				return 1
			}
		}
	}
	return 0
}

// editFact moves one subject to another city and counts which answers change.
func editFact(t *testing.T, m *openMemory, kept []known, dir string) {
	t.Helper()
	f := kept[len(kept)-1]
	city := kept[0].city
	for _, k := range kept {
		if k.city != f.city {
			city = k.city
			break
		}
	}
	o := memory.DefaultEdit()
	for _, doc := range documents(t, filepath.Join(dir, "once.tar")) {
		p, err := m.Passages(doc)
		if err != nil {
			t.Fatal(err)
		}
		o.Ordinary = append(o.Ordinary, p...)
	}
	fact := memory.Fact{Prompt: f.prompt(), Subject: f.subject, Target: " " + city}
	o.Essence = " lives"
	l, err := m.BestLayer(fact, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Layers = []int{l}
	e, err := m.Edit([]memory.Fact{fact}, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	recalled := func(m *memory.Model, f known, answer string) bool {
		list := []memory.Recalled{{Prompt: f.prompt(), Answer: answer}}
		if err := m.Recall(list, nil); err != nil {
			t.Fatal(err)
		}
		return list[0].Recall
	}
	same := 0
	for _, k := range kept[:len(kept)-1] {
		if recalled(e.Model, k, k.answer()) {
			same++
		}
	}
	c := e.Changes[0]
	t.Logf("edit of layer %d (%.2f%% of its norm): %s now lives in %s: %v; %d of %d other known facts are answered as before",
		l, 100*c.Relative, f.subject, city, recalled(e.Model, f, fact.Target), same, len(kept)-1)
	if !recalled(e.Model, f, fact.Target) || float64(same) < .9*float64(len(kept)-1) {
		t.Error("the edit did not change one answer alone: " + fmt.Sprint(same))
	}
}
