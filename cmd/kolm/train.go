package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"kolm/internal/modelfile"
	"kolm/internal/train"
)

type trainCmd struct {
	Corpus  []string `arg:"" name:"corpus" help:"Text to learn from: tar archives (a member is a document), files, folders; packed by xz, zst or gz if need be."`
	Output  string   `short:"o" required:"" placeholder:"MODEL.gguf" help:"Where the finished model goes."`
	Force   bool     `short:"f" help:"Overwrite the file. With --resume an earlier model of the run is overwritten anyway."`
	Folder  string   `name:"run" placeholder:"FOLDER" help:"Folder of checkpoints and token caches; MODEL.gguf.run if not given."`
	Resume  bool     `help:"Go on from the checkpoint in the run folder, with its size, vocabulary, window, seed, and the batch and rate that it had if none is given. A finished run goes on from before its decay, or, if --tokens asks for no more than it has, only writes its model again."`
	From    string   `type:"existingfile" placeholder:"MODEL.gguf" help:"Begin with the weights and vocabulary of a model trained by kolm; size, vocabulary and window are then its own."`
	Minutes float64  `placeholder:"X" help:"Train about this long, final decay included; at each --resume the time starts anew."`
	Tokens  int64    `placeholder:"N" help:"Train on this many tokens, final decay included. With neither this nor --minutes: until the file \"decay\" in the run folder says how many tokens the decay shall last; it may say so again."`

	Size    string  `placeholder:"6x256" help:"LAYERSxWIDTH. Heads are 64 wide, half as many for keys and values, and the feed-forward blocks three times as wide."`
	Vocab   *int    `placeholder:"4096" help:"Tokens, the 256 bytes included; a multiple of 32."`
	Window  *int    `placeholder:"256" help:"Tokens that attention sees, a multiple of 16. Training sequences are twice as long."`
	Seed    *uint64 `placeholder:"1" help:"Where randomness begins. A run keeps the one that it began with."`
	Threads int     `short:"T" default:"0" placeholder:"N" help:"Train on N threads; 0: one a CPU. Part of what a run repeats."`

	Held      []string      `type:"path" placeholder:"PATH" help:"Documents to measure on, which must not be in the corpus."`
	HoldOut   int           `default:"200" help:"Without --held: measure on about one document in N, chosen by its name, and never train on it; of a corpus that is one document, on the last twentieth of it, at most 1 MiB."`
	Save      time.Duration `default:"3m" help:"Time between checkpoints."`
	Batch     *int          `placeholder:"16384" help:"Tokens a step, a multiple of twice the window; small corpora want small steps. Warm-up lasts for thirty of them."`
	LearnRate *float64      `placeholder:"0.01" help:"Rate of the matrices; embedding and norms take one and a half times as much."`
	Float32   bool          `help:"Write float32 matrices instead of int8."`
	talk
}

// check refuses an output that could not be written, before anything is trained.
func (c *trainCmd) check(a *app, o *train.Options) error {
	if c.Output == "-" {
		return usage("name a file with -o", "a model that was trained is not written to standard output")
	}
	if err := apart(c.Output, append([]string{c.From}, c.Corpus...)...); err != nil {
		return err
	}
	c.Force = c.Force || c.Resume && c.earlier(o.Dir)
	f, err := a.create(c.Output, "-o", nil, c.Force)
	if err != nil {
		return err
	}
	f.discard()
	return nil
}

// earlier says whether the output is a model of the shape and vocabulary of the run
// in dir.
func (c *trainCmd) earlier(dir string) bool {
	b, err := os.ReadFile(c.Output)
	if err != nil {
		return false
	}
	f, err := modelfile.Load(b)
	if err != nil {
		return false
	}
	s, err := train.Open(dir)
	return err == nil && train.ShapeOf(f) == s.Shape && slices.Equal(f.Merges, s.Merges)
}

// export writes the finished model.
func (c *trainCmd) export(a *app, s *train.Snapshot) error {
	name := strings.TrimSuffix(filepath.Base(c.Output), modelSuffix)
	f, err := s.File(name, c.Float32)
	if err != nil {
		return err
	}
	b, err := modelfile.Marshal(f)
	if err != nil {
		return err
	}
	if err := a.writeFile(c.Output, "-o", b, c.Force); err != nil {
		return failed(fmt.Sprintf("the run is saved, finished: with --resume and --tokens=%d its model is written again", s.Tokens), "%v", err)
	}
	return nil
}

// Run trains. An interruption saves first; --resume goes on from there.
func (c *trainCmd) Run(a *app) error {
	c.apply(a)
	o, err := c.options()
	if err != nil {
		return err
	}
	if err := c.check(a, &o); err != nil {
		return err
	}
	o.Export = func(s *train.Snapshot) error { return c.export(a, s) }
	ctx, stop := a.interruptible()
	defer stop()
	show := &trainTalk{a: a, output: c.Output}
	err = train.Run(ctx, o, show.event)
	switch {
	case errors.Is(err, context.Canceled):
		return show.interrupted()
	case errors.Is(err, syscall.ENOSPC):
		return failed(fmt.Sprintf("make room for the run folder %s, or move it and name it with --run; what was saved there before is whole", o.Dir), "%v", err)
	}
	return err
}

// trainReport is one line of the log of a run in JSON.
type trainReport struct {
	Event   string  `json:"event"` // step, measured, finished
	Step    int64   `json:"step"`
	Tokens  int64   `json:"tokens"`
	Epoch   float64 `json:"epoch"`
	Bits    float64 `json:"train_bits_per_byte"`
	Held    float64 `json:"held_out_bits_per_byte,omitempty"`
	Rate    float64 `json:"rate"`
	Speed   float64 `json:"tokens_per_second"`
	Seconds float64 `json:"seconds"`
}

// trainTalk prints the events of a run.
type trainTalk struct {
	a      *app
	output string
	last   time.Time // of the last line about preparation
	saved  bool      // past the preparation, what an interruption ends is saved
}

// interrupted says what an interruption leaves.
func (t *trainTalk) interrupted() error {
	if !t.saved {
		return &problem{code: codeInterrupted, text: "interrupted before the first step; nothing was to be saved", hint: "the same command begins again"}
	}
	return &problem{code: codeInterrupted, text: "interrupted; the state is saved", hint: "the same command with --resume goes on"}
}

func (t *trainTalk) event(e train.Event) {
	kind := ""
	switch e.Kind {
	case train.Saved:
		t.saved = true
	case train.Note:
		t.a.say("%s", e.Text)
	case train.Preparing:
		if time.Since(t.last) > 5*time.Second {
			t.last = time.Now()
			t.a.say("%s: %.0f%%", e.Text, 100*e.Done)
		}
	case train.Step:
		kind = "step"
		left := ""
		if e.Left > 0 {
			left = "  ETA " + clock(e.Left)
		}
		t.a.say("step %d  %.2fM tokens  %.3f bits/byte  rate %.3f  %.0f tokens/s  %.0f GFLOP/s%s",
			e.Step, float64(e.Tokens)/1e6, e.Bits, e.Rate, e.TokensPerSecond, e.GFLOPS, left)
	case train.Measured:
		kind = "measured"
		t.a.say("step %d  %.2fM tokens  held out %.4f bits/byte", e.Step, float64(e.Tokens)/1e6, e.Held)
	case train.Finished:
		kind = "finished"
		t.a.say("%s: trained on %.2fM tokens, held out %.4f bits/byte", t.output, float64(e.Tokens)/1e6, e.Held)
	}
	if kind != "" && t.a.json {
		t.a.printJSON(trainReport{kind, e.Step, e.Tokens, e.Epoch, e.Bits, e.Held, e.Rate, e.TokensPerSecond, e.Elapsed.Seconds()})
	}
}
