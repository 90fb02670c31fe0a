package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kolm/internal/modelfile"
)

// TestResume stops runs at several steps, in the constant phase, at the start
// of the decay and in it, and requires the uninterrupted run's bits.
func TestResume(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	whole := tinyOptions(dir)
	mustRun(t, whole)
	want := finalState(t, whole)
	for _, stop := range []int64{1, 7, 18, 21, 23} {
		o := tinyOptions(dir)
		o.Dir = filepath.Join(dir, fmt.Sprint("stopped", stop))
		ctx, cancel := context.WithCancel(t.Context())
		err := Run(ctx, o, func(e Event) {
			if e.Kind == Step && e.Step == stop {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at %d: error %v", stop, err)
		}
		o.Resume = true
		mustRun(t, o)
		if !bytes.Equal(finalState(t, o), want) {
			t.Errorf("resumed after step %d: another state", stop)
		}
	}
}

// TestInterruption requires that an error tells whether the state was saved.
func TestInterruption(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	for name, c := range map[string]struct {
		at    Kind // what is interrupted
		lose  bool // the run folder vanishes
		saved bool
		want  string
	}{
		"preparing": {Preparing, false, false, "context canceled"},
		"training":  {Step, false, true, "context canceled"},
		"no folder": {Step, true, false, "checkpoint"},
	} {
		o, saved := tinyOptions(dir), false
		o.Dir = filepath.Join(dir, name)
		ctx, cancel := context.WithCancel(t.Context())
		err := Run(ctx, o, func(e Event) {
			saved = saved || e.Kind == Saved
			if e.Kind != c.at {
				return
			}
			cancel()
			if c.lose {
				os.RemoveAll(o.Dir)
			}
		})
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, context.Canceled) == c.lose || saved != c.saved {
			t.Errorf("%s: saved %v, error %v", name, saved, err)
		}
	}
}

// TestExtend goes on from the state before the decay to a longer run, which
// must equal one that was long from the start.
func TestExtend(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	o := tinyOptions(dir)
	mustRun(t, o)
	o.Resume, o.Tokens = true, 40*128
	mustRun(t, o)
	long := tinyOptions(dir)
	long.Dir, long.Tokens = filepath.Join(dir, "long"), o.Tokens
	mustRun(t, long)
	if !bytes.Equal(finalState(t, o), finalState(t, long)) {
		t.Error("the extended run has another state")
	}
}

// TestFinishedAgain resumes a finished run: with no larger budget it is exported as
// it is, with one, or with another decay asked for, it goes on from before the decay.
func TestFinishedAgain(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	o := tinyOptions(dir)
	mustRun(t, o)
	want := finalState(t, o)
	o.Resume = true
	for _, c := range []struct {
		name   string
		tokens int64
		decay  string
		steps  bool
	}{
		{"same", o.Tokens, "", false},
		{"smaller", o.Tokens / 2, "", false},
		{"asked", o.Tokens, "256", true},
		{"larger", o.Tokens + 128, "", true},
	} {
		if c.decay != "" {
			if err := os.WriteFile(filepath.Join(o.Dir, decayFile), []byte(c.decay), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		o.Tokens = c.tokens
		steps, exported := false, false
		o.Export = func(*Snapshot) error { exported = true; return nil }
		for _, e := range mustRun(t, o) {
			steps = steps || e.Kind == Step
		}
		if same := bytes.Equal(finalState(t, o), want); steps != c.steps || same == c.steps || !exported {
			t.Errorf("%s: steps %v, the same state %v, exported %v", c.name, steps, same, exported)
		}
	}
}

// TestStatesLeft removes the files of a run's states one after the other: as long as
// one is left it is gone on from, and not written over by a new run.
func TestStatesLeft(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	o := tinyOptions(dir)
	o.Save = 1
	mustRun(t, o)
	want := finalState(t, o)
	for _, name := range []string{checkpointFile, previousFile, stableFile} {
		again := o
		if err := Run(t.Context(), again, func(Event) {}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("a new run beside %s: %v", name, err)
		}
		again.Dir, again.Resume = t.TempDir(), true
		if err := os.CopyFS(again.Dir, os.DirFS(o.Dir)); err != nil {
			t.Fatal(err)
		}
		if mustRun(t, again); !bytes.Equal(finalState(t, again), want) {
			t.Errorf("resumed from %s: another state", name)
		}
		if err := os.Remove(filepath.Join(o.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	mustRun(t, o)
}

// TestResumedOtherwise resumes runs with another budget, seed or beginning: what is
// not done must be said, or refused.
func TestResumedOtherwise(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, dir)
	whole := tinyOptions(dir)
	mustRun(t, whole)
	for _, c := range []struct {
		name   string
		stop   int64 // the step after which the first process is stopped
		change func(*Options)
		note   string
		err    string
		same   bool // the run ends as it would have
	}{
		{"same", 20, func(o *Options) {}, "", "", true},
		{"larger in the decay", 20, func(o *Options) { o.Tokens *= 2 }, "ends at 3072 tokens", "", true},
		{"smaller in the decay", 20, func(o *Options) { o.Tokens = 128 }, "ends at 3072 tokens", "", true},
		{"minutes in the decay", 20, func(o *Options) { o.Tokens, o.Time = 0, time.Hour }, "ends at 3072 tokens", "", true},
		{"used up", 10, func(o *Options) { o.Tokens = 1280 }, "", "used up", false},
		{"larger", 10, func(o *Options) { o.Tokens = 14 * 128 }, "decay begins at 1408", "", false},
		{"seed", 10, func(o *Options) { o.Recipe.Seed = 7 }, "keeps its seed, 1", "", true},
		{"from", 10, func(o *Options) { o.From = &modelfile.File{} }, "its own weights", "", true},
	} {
		o := tinyOptions(dir)
		o.Dir = filepath.Join(dir, c.name)
		ctx, cancel := context.WithCancel(t.Context())
		if err := Run(ctx, o, func(e Event) {
			if e.Kind == Step && e.Step == c.stop {
				cancel()
			}
		}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		o.Resume = true
		c.change(&o)
		var notes string
		err := Run(t.Context(), o, func(e Event) {
			if e.Kind == Note {
				notes += e.Text + "\n"
			}
		})
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) || !strings.Contains(notes, c.note) {
			t.Errorf("%s: error %v, notes %q", c.name, err, notes)
		}
		if got := bytes.Equal(finalState(t, o), finalState(t, whole)); got != c.same {
			t.Errorf("%s: the state of the same run is %v", c.name, got)
		}
	}
}

// TestMovedCorpus resumes a run with its corpus moved, touched, and changed: only
// another corpus is another corpus.
func TestMovedCorpus(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(o *Options) error
		changed bool
	}{
		"moved": {func(o *Options) error {
			old := o.Corpus[0]
			o.Corpus[0] = filepath.Join(filepath.Dir(old), "elsewhere", "corpus")
			return errors.Join(os.Mkdir(filepath.Dir(o.Corpus[0]), 0o777), os.Rename(old, o.Corpus[0]))
		}, false},
		"touched": {func(o *Options) error {
			return os.Chtimes(filepath.Join(o.Corpus[0], "07.txt"), time.Time{}, time.Now().Add(time.Hour))
		}, false},
		"changed": {func(o *Options) error {
			return os.WriteFile(filepath.Join(o.Corpus[0], "07.txt"), []byte("a cat and a dog"), 0o666)
		}, true},
	} {
		dir := t.TempDir()
		writeCorpus(t, dir)
		o := tinyOptions(dir)
		ctx, cancel := context.WithCancel(t.Context())
		if err := Run(ctx, o, func(e Event) {
			if e.Kind == Step && e.Step == 3 {
				cancel()
			}
		}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if err := c.change(&o); err != nil {
			t.Fatal(err)
		}
		o.Resume = true
		changed := false
		for _, e := range mustRun(t, o) {
			changed = changed || e.Kind == Note && strings.Contains(e.Text, "corpus changed")
		}
		caches, _ := filepath.Glob(filepath.Join(o.Dir, "*.u16"))
		if changed != c.changed || len(caches) != 2 {
			t.Errorf("%s: changed is %v, caches %v", name, changed, caches)
		}
	}
}
