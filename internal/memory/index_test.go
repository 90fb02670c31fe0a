package memory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"kolm/internal/lm"
)

var noPause = func(int) error { return nil }

// corpusOf is documents of random letters in sentences.
func corpusOf(n int) []string {
	var docs []string
	for d := range n {
		var b strings.Builder
		for i := range 150 + 40*d {
			b.WriteRune(rune('A' + (i*i+7*d*i)%12))
		}
		docs = append(docs, b.String())
	}
	return docs
}

func gather(t testing.TB, m *Model, docs []string) *Gather {
	t.Helper()
	o := DefaultGather()
	o.Top = 3
	g, err := NewGather(m, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range docs {
		if err := g.Add(t.Context(), fmt.Sprint("doc", i), []byte(d), noPause); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Flush(t.Context(), noPause); err != nil {
		t.Fatal(err)
	}
	return g
}

func finished(t testing.TB, g *Gather) *Index {
	t.Helper()
	path := filepath.Join(t.TempDir(), "an index?#%20.db")
	s, err := CreateStore(path, "test", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(g, map[string]string{"model": "toy"}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	x, err := OpenIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

func TestGatherOptions(t *testing.T) {
	m := storage(false).model(t)
	for _, o := range []GatherOptions{{0, .01}, {5, -1}} {
		if _, err := NewGather(m, o); err == nil {
			t.Errorf("options %+v", o)
		}
	}
}

// TestLongContext: the context that a model states takes no memory, the text does.
func TestLongContext(t *testing.T) {
	c, w := random(7, true, lm.RMSNorm)
	w.Positions = nil // they would bound it
	m := newModel(t, c, w, letters(c.Vocab))
	want, err := m.after("NA", []string{"G", "GH"})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m.LM.Config.Context = 1 << 22
	gather(t, m, []string{"NAG"})
	got, err := m.after("NA", []string{"G", "GH"})
	runtime.ReadMemStats(&after)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("answers of %v bits, want %v: %v", got, want, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<26 {
		t.Errorf("three tokens took %d bytes", n)
	}
}

// everything reads an index whole.
func everything(t testing.TB, x *Index, m *Model) (list []*Portrait) {
	t.Helper()
	for l := range m.LM.Config.Layers {
		for i := range m.LM.Config.FFN {
			p, err := m.Portrait(Neuron{l, i}, 2, 10, x)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, p)
		}
	}
	return list
}

// TestIndexFacts: the index of toy T1 finds each fact's subject, and key and value
// agree where the corpus says what the value does.
func TestIndexFacts(t *testing.T) {
	m := storage(false).model(t)
	x := finished(t, gather(t, m, []string{"MAGNBHNCINDJNEKNFL", "M", "MMMM"}))
	for i, f := range facts {
		p, err := m.Portrait(Neuron{0, i}, 2, 10, x)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Plus) == 0 || p.Plus[0].Token != string(rune('A'+f.subject)) || !p.Agree {
			t.Errorf("fact %d: %+v", i, p)
		}
		if p.Stats.Active != 1./23 || p.Stats.Max < sharp-.01 {
			t.Errorf("fact %d: %+v", i, p.Stats)
		}
		n := uint32(0)
		for _, k := range p.Stats.Histogram {
			n += k
		}
		if n != 23 {
			t.Errorf("fact %d: %d positions in the histogram, want 23", i, n)
		}
	}
	hits, err := x.Search(Query{Token: "C", Least: 1, Layer: -1, Limit: 5})
	if err != nil || len(hits) != 1 || (hits[0].Neuron != Neuron{0, 2}) || hits[0].Before != "MAGNBHN" || hits[0].Next != "I" {
		t.Errorf("search by token: %+v, %v", hits, err)
	}
	for text, want := range map[string]int{"NCI": 6, "CI": 6, "XYZ": 0} {
		if hits, err = x.Search(Query{Text: text, Least: 1, Layer: 0, Limit: 50}); err != nil || len(hits) != want {
			t.Errorf("search by text %s: %d hits, want %d: %v", text, len(hits), want, err)
		}
	}
	if x.Number("tokens") != 23 || x.Number("documents") != 3 || x.Number("bytes") != 23 || x.Meta["model"] != "toy" {
		t.Errorf("meta: %v", x.Meta)
	}
	if c, err := x.Carry(); err != nil || len(c) != 1 {
		t.Errorf("carry: %v, %v", c, err)
	}
}

// TestIndexSame: the index does not depend on the number of threads, nor on an
// interruption, and holds what looking at every position finds.
func TestIndexSame(t *testing.T) {
	for name, m := range kinds(t) {
		docs := append(corpusOf(5), "", "ABC", "")
		m.Threads = 1
		whole := finished(t, gather(t, m, docs))
		want := everything(t, whole, m)
		m.Threads = 3
		if got := everything(t, finished(t, gather(t, m, docs)), m); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: three threads give another index", name)
		}
		for after := range 4 {
			x := interrupted(t, m, docs, after)
			if got := everything(t, x, m); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: an interruption after %d saves gives another index", name, after)
			}
			for _, key := range []string{"documents", "tokens", "bytes"} {
				if x.Number(key) != whole.Number(key) {
					t.Errorf("%s: an interruption after %d saves gives %d %s, want %d", name, after, x.Number(key), key, whole.Number(key))
				}
			}
		}
		if (len(want[0].Minus) > 0) != (name != "plain") {
			t.Errorf("%s: %d minima", name, len(want[0].Minus))
		}
		best := float32(0)
		for _, d := range docs {
			ps, err := m.pieces("", []byte(d), 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range ps {
				r := run(t, m, p.tokens, nil)
				for i := range p.tokens {
					best = max(best, r.Row(lm.Coefficients, 0, i)[3])
				}
			}
		}
		near(t, name+": maximum", want[3].Plus[0].Activation, float64(best), 0)
	}
}

// interrupted reads pieces by threes, across documents, stops when so many more
// states were saved, and goes on from the file.
func interrupted(t *testing.T, m *Model, docs []string, after int) *Index {
	t.Helper()
	path := filepath.Join(t.TempDir(), "index.db")
	o := DefaultGather()
	o.Top = 3
	g, err := NewGather(m, o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := CreateStore(path, "test", false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	g.group = 3
	saves := 0
	for i, d := range docs {
		err = g.Add(ctx, fmt.Sprint("doc", i), []byte(d), func(int) error {
			if saves++; saves > after {
				stop()
			}
			return s.Save(g)
		})
		if err != nil {
			break
		}
	}
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("not interrupted: %v", err)
	}
	s.Close()
	if _, err := OpenIndex(path); err == nil || !strings.Contains(err.Error(), "not finished") {
		t.Errorf("an unfinished index opens: %v", err)
	}
	if _, err := CreateStore(path, "test", false); !errors.Is(err, os.ErrExist) {
		t.Errorf("an index is overwritten: %v", err)
	}
	if _, err := CreateStore(path, "other", true); err == nil || !strings.Contains(err.Error(), "resume with the same model") {
		t.Errorf("resumed for another model: %v", err)
	}
	if s, err = CreateStore(path, "test", true); err != nil {
		t.Fatal(err)
	}
	if g, err = NewGather(m, o); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.Restore(g); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for i := g.Docs; i < len(docs); i++ {
		if err := g.Add(t.Context(), fmt.Sprint("doc", i), []byte(docs[i]), noPause); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Flush(t.Context(), noPause); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(g, nil); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := CreateStore(path, "test", true); !errors.Is(err, ErrComplete) {
		t.Errorf("a finished index is resumed: %v", err)
	}
	x, err := OpenIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

func TestSentences(t *testing.T) {
	long := strings.Repeat("é", 300)
	for text, want := range map[string][]string{
		"One. Two! Three": {"One.", " Two!", " Three"},
		"3.5 is\nnew":     {"3.5 is\n", "new"},
		"你好。再见！":          {"你好。", "再见！"},
		long:              {long[:400], long[400:]},
		"":                nil,
	} {
		var got []string
		for b := []byte(text); len(b) > 0; {
			n := sentenceEnd(b)
			got = append(got, string(b[:n]))
			b = b[n:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q", text, got)
		}
		for _, s := range got {
			if !utf8.ValidString(s) {
				t.Errorf("%q is cut within a character", s)
			}
		}
	}
}

// FuzzSentenceEnd: a sentence is never empty, and never longer than allowed.
func FuzzSentenceEnd(f *testing.F) {
	for _, s := range []string{"a", "a. b", "。", "\xff\xff", strings.Repeat("\x80", 500)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if n := sentenceEnd(b); len(b) > 0 && (n < 1 || n > min(len(b), maxSentence+utf8.UTFMax)) {
			t.Errorf("%d of %d bytes", n, len(b))
		}
	})
}

func TestClean(t *testing.T) {
	for s, want := range map[string]string{"é": "é", "a\xffb": "a?b", "\xe9\xbb": "??", "巴\xe9": "巴?", "": ""} {
		if got := clean(s); got != want {
			t.Errorf("%q: %q", s, got)
		}
	}
}

func TestBins(t *testing.T) {
	for a, want := range map[float32]int{0: 16, 0.001: 16, 1: 24, 1.9: 24, 2: 25, 1e9: 31, -0.001: 15, -1: 7, -1e9: 0} {
		if got := bin(a); got != want {
			t.Errorf("bin of %v is %d, want %d", a, got, want)
		}
		if e := BinEdge(bin(a)); a != 0 && abs(a) > .01 && (float64(abs(a)) < max(e, -e) || float64(a)*e < 0) {
			t.Errorf("%v is in the bin from %v", a, e)
		}
	}
}

// TestHeap: what a heap keeps does not depend on the order of offers.
func TestHeap(t *testing.T) {
	values := []float64{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5}
	for shift := range values {
		var h heap[int]
		for i := range values {
			j := (i*7 + shift) % len(values)
			h.offer(entry[int]{values[j], int64(j), j}, 4)
		}
		var got []int
		for _, e := range h.sorted() {
			got = append(got, e.item)
		}
		if !slices.Equal(got, []int{5, 7, 4, 8}) {
			t.Errorf("kept %v", got)
		}
	}
}
