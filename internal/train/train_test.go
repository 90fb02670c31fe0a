package train

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const childEnv = "KOLM_TRAIN_TEST_CHILD"

// writeCorpus writes small documents of made-up words.
func writeCorpus(t *testing.T, dir string) string {
	t.Helper()
	dir = filepath.Join(dir, "corpus")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("the a small red blue dog cat bird house tree runs sings eats under over with and then quickly never")
	for i := range 40 {
		var b strings.Builder
		for range 120 {
			b.WriteString(words[rnd.IntN(len(words))])
			b.WriteByte(" \n"[rnd.IntN(2)])
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.txt", i)), []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tinyOptions train 24 steps in well under a second.
func tinyOptions(dir string) Options {
	o := DefaultOptions()
	o.Corpus, o.Dir = []string{filepath.Join(dir, "corpus")}, filepath.Join(dir, "run")
	o.HoldOut = 8
	o.Shape = tinyShape()
	o.Recipe.Seq, o.Recipe.Batch, o.Recipe.Micro, o.Recipe.Warmup = 32, 128, 1, 512
	o.Tokens, o.Threads = 24*128, 2
	o.Save, o.Eval, o.Log = 0, 0, 0
	return o
}

func finalState(t *testing.T, o Options) []byte {
	t.Helper()
	s, err := load(o.Dir, checkpointFile)
	if err != nil {
		t.Fatal(err)
	}
	s.Progress.Trained = 0 // a time, which no two runs share
	var b bytes.Buffer
	if err := s.write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func mustRun(t *testing.T, o Options) []Event {
	t.Helper()
	var events []Event
	if err := Run(t.Context(), o, func(e Event) { events = append(events, e) }); err != nil {
		t.Fatal(err)
	}
	return events
}

func TestLearns(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	o := tinyOptions(dir)
	o.Tokens = 150 * 128
	var out *Snapshot
	o.Export = func(s *Snapshot) error { out = s; return nil }
	events := mustRun(t, o)
	first, last := events[len(events)-1], events[len(events)-1]
	for _, e := range events {
		if e.Kind == Step {
			first = e
			break
		}
	}
	if last.Kind != Finished || last.Tokens < o.Tokens || last.Held <= 0 {
		t.Errorf("last event %+v", last)
	}
	if last.Loss > 0.6*first.Loss {
		t.Errorf("loss fell from %.3f only to %.3f", first.Loss, last.Loss)
	}
	if out == nil {
		t.Fatal("nothing exported")
	}
	sum := 0
	for _, w := range out.Weights() {
		if len(w.Data) != w.Rows*w.Cols {
			t.Errorf("%s: %d values, shape %dx%d", w.Name, len(w.Data), w.Rows, w.Cols)
		}
		sum += len(w.Data)
	}
	s := o.Shape
	if want := layout(s).total + s.Vocab*s.Dim + 2*s.Layers*s.Dim; sum != want {
		t.Errorf("exported %d weights, want %d", sum, want)
	}
}

// TestSingleDocument trains on one file, of which the tail is held out.
func TestSingleDocument(t *testing.T) {
	dir := t.TempDir()
	var text []byte
	for _, c := range []string{"01", "02", "03", "04", "05", "06"} {
		b, err := os.ReadFile(filepath.Join(writeCorpus(t, t.TempDir()), c+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, b...), "…"...)
	}
	o := tinyOptions(dir)
	o.HoldOut, o.VocabBytes = 200, 2000
	o.Corpus = []string{filepath.Join(dir, "notes.txt")}
	if err := os.WriteFile(o.Corpus[0], text, 0o666); err != nil {
		t.Fatal(err)
	}
	mustRun(t, o)
	o.alone = true
	for doc, err := range heldDocs(t.Context(), &o) {
		n := len(doc.Text)
		if err != nil || n < len(text)/20-3 || n > len(text)/20 || !utf8.Valid(doc.Text) || !bytes.HasSuffix(text, doc.Text) {
			t.Errorf("held out: %d bytes of %d, %v", n, len(text), err)
		}
		for rest, err := range trainingDocs(t.Context(), &o) {
			if err != nil || !bytes.Equal(append(rest.Text, doc.Text...), text) {
				t.Errorf("trained on and held out: %d of %d bytes, %v", len(rest.Text)+n, len(text), err)
			}
		}
	}
}

func TestDecayFile(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	o := tinyOptions(dir)
	o.Tokens = 0
	var notes []string
	err := Run(t.Context(), o, func(e Event) {
		request := map[int64]string{3: "soon\n", 5: "99999999", 8: " 896\n"}[e.Step]
		if e.Kind == Step && request != "" {
			if err := os.WriteFile(filepath.Join(o.Dir, decayFile), []byte(request), 0o666); err != nil {
				t.Error(err)
			}
		}
		if e.Kind == Note {
			notes = append(notes, e.Text)
		}
		if e.Kind == Finished && e.Tokens != 15*128 {
			t.Errorf("finished at %d tokens, want 8 steps and 896 tokens", e.Tokens)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(notes) != 3 || !strings.Contains(notes[0], `"soon\n"`) || !strings.Contains(notes[1], "decay begins at 640 tokens and lasts 99999999") || !strings.Contains(notes[2], "at 1024 tokens and lasts 896") {
		t.Errorf("notes %q", notes)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, decayFile)); err == nil {
		t.Error("the request is still there")
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	o, asked := tinyOptions(dir), false
	err := Run(t.Context(), o, func(e Event) {
		if e.Kind != Step || asked {
			return
		}
		asked = true
		second := o
		second.Resume = true
		if err := Run(t.Context(), second, func(Event) {}); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("a second run in the same folder: %v", err)
		}
	})
	if err != nil || !asked {
		t.Errorf("the first run: %v, asked %v", err, asked)
	}
}

// TestTimeBudget gives a busy machine more time until it gets past the warm-up.
func TestTimeBudget(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	for budget := 700 * time.Millisecond; budget < time.Minute; budget *= 4 {
		o := tinyOptions(dir)
		o.Dir += budget.String()
		o.Tokens, o.Time, o.Recipe.DecayShare = 0, budget, 0.5
		for _, e := range mustRun(t, o) {
			if e.Kind == Step && e.Rate < 1 && e.Tokens > o.Recipe.Warmup+int64(o.Recipe.Batch) {
				return
			}
		}
	}
	t.Error("no step of the decay was seen")
}

// child trains until it is killed.
func child(dir string) {
	o := tinyOptions(dir)
	o.Tokens, o.Save = 1<<40, 1
	if err := Run(context.Background(), o, func(e Event) {
		if e.Kind == Saved {
			fmt.Println(e.Step)
		}
	}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// TestKill kills a process that saves all the time and requires a whole
// checkpoint not older than the last it told of.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for range 4 {
		if err := os.RemoveAll(filepath.Join(dir, "run")); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		var told int64
		for lines.Scan() {
			if _, err := fmt.Sscan(lines.Text(), &told); err != nil {
				t.Fatalf("the process said %q", lines.Text())
			}
			if told == 1 {
				time.AfterFunc(time.Duration(rnd.IntN(100_000))*time.Microsecond, func() { cmd.Process.Kill() })
			}
		}
		_ = cmd.Wait() // killed: always an error
		if told == 0 {
			t.Fatal("the process ended without saving anything")
		}
		s, _, err := latest(filepath.Join(dir, "run"))
		if err != nil {
			t.Fatal(err)
		}
		if s.Progress.Step < told {
			t.Errorf("checkpoint of step %d, the process had saved step %d", s.Progress.Step, told)
		}
	}
}

func TestDamagedCheckpoint(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	o := tinyOptions(dir)
	o.Save = 1
	mustRun(t, o)
	path := filepath.Join(o.Dir, checkpointFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 4
		return b
	}
	cases := map[string][]byte{
		"empty": {}, "magic": flip(0), "length": flip(11), "header": flip(40), "weights": flip(len(good) / 2),
		"checksum": flip(len(good) - 1), "short": good[:len(good)-40], "long": append(bytes.Clone(good), 0),
	}
	for name, data := range cases {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		o.Resume = true
		err := Run(t.Context(), o, func(Event) {})
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), previousFile) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := load(o.Dir, previousFile); err != nil {
		t.Errorf("the checkpoint before: %v", err)
	}
}

// TestDamagedCache damages what the preparation left: training must name the file,
// or make it anew.
func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	for _, c := range []struct {
		file   string
		damage func(b []byte) []byte
		want   string // the error has it
	}{
		{"tokens-*.u16", noise, "remove it"},
		{"held-*.u16", noise, ""},
		{"merges-*", func(b []byte) []byte { return b[:len(b)/2] }, "remove it"},
		{"merges-*", func(b []byte) []byte { return b[:len(b)-1] }, "remove it"},
	} {
		o := tinyOptions(dir)
		o.Dir = t.TempDir()
		mustRun(t, o)
		for _, file := range []string{checkpointFile, previousFile, stableFile} {
			os.Remove(filepath.Join(o.Dir, file))
		}
		found, _ := filepath.Glob(filepath.Join(o.Dir, c.file))
		if len(found) != 1 {
			t.Fatalf("%s: found %v", c.file, found)
		}
		b, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(found[0], c.damage(b), 0o666); err != nil {
			t.Fatal(err)
		}
		err = Run(t.Context(), o, func(Event) {})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), found[0])) {
			t.Errorf("%s: error %v", c.file, err)
		}
	}
}

// noise replaces the tokens of a cache.
func noise(b []byte) []byte {
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range b[cacheHeader:] {
		b[cacheHeader+i] = byte(rnd.Uint32())
	}
	return b
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	mustRun(t, tinyOptions(dir))
	for name, change := range map[string]func(*Options){
		"holds a run":     func(o *Options) {},
		" not 3x":         func(o *Options) { o.Resume = true; o.Shape.Layers = 3 },
		"no checkpoint":   func(o *Options) { o.Resume, o.Dir = true, filepath.Join(dir, "none") },
		"no such":         func(o *Options) { o.Dir += "2"; o.Corpus = []string{filepath.Join(dir, "absent")} },
		"multiples of 32": func(o *Options) { o.Dir += "2"; o.Shape.Dim = 40 },
		"whole sequence":  func(o *Options) { o.Dir += "2"; o.Recipe.Batch = 100 },
		"hold out more":   func(o *Options) { o.Dir += "3"; o.HeldBytes = 10 },
		"no document is":  func(o *Options) { o.Dir += "4"; o.HoldOut = 1 << 40 },
	} {
		o := tinyOptions(dir)
		change(&o)
		if err := Run(t.Context(), o, func(Event) {}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
		if found, _ := filepath.Glob(filepath.Join(dir, "run[34]", "tokens-*")); len(found) > 0 {
			t.Errorf("%s: refused after the preparation", name)
		}
	}
}
