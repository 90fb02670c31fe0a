package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kolm/internal/modelfile"
	"kolm/internal/train"
)

type trainCmd struct {
	Corpus  []string `arg:"" name:"corpus" type:"path" help:"Text to learn from: tar archives (a member is a document), files, folders; packed by xz, zst or gz if need be."`
	Output  string   `short:"o" required:"" placeholder:"MODEL.gguf" help:"Where the finished model goes."`
	Force   bool     `short:"f" help:"Overwrite the file. With --resume an earlier model of the run is overwritten anyway."`
	Folder  string   `name:"run" placeholder:"FOLDER" help:"Folder of checkpoints and token caches; MODEL.gguf.run if not given."`
	Resume  bool     `help:"Go on from the checkpoint in the run folder; a finished run goes on from before its decay, or, if --tokens asks for no more than it has, only writes its model again."`
	From    string   `type:"existingfile" placeholder:"MODEL.gguf" help:"Begin with the weights and vocabulary of a model trained by kolm; size, vocabulary and window are then its own."`
	Minutes float64  `help:"Train about this long, final decay included."`
	Tokens  int64    `help:"Train on this many tokens, final decay included. With neither this nor --minutes: until the file \"decay\" in the run folder says how many tokens the decay shall last; it may say so again."`

	Size    string  `default:"6x256" placeholder:"LAYERSxDIM" help:"Layers and width. Heads are 64 wide, half as many for keys and values, and the feed-forward blocks three times as wide."`
	Vocab   int     `default:"4096" help:"Tokens, the 256 bytes included."`
	Window  int     `default:"256" help:"Tokens that attention sees."`
	Seed    *uint64 `placeholder:"1" help:"Where randomness begins. A run keeps the one that it began with."`
	Threads int     `short:"T" default:"0" placeholder:"N" help:"Train on N threads; 0: one a CPU. Part of what a run repeats."`

	Held      []string      `type:"path" help:"Documents to measure on, which must not be in the corpus."`
	HoldOut   int           `default:"200" help:"Without --held: measure on about one document in N, chosen by its name, and never train on it; of a corpus that is one document, on the last twentieth of it, at most 1 MiB."`
	Save      time.Duration `default:"3m" help:"Time between checkpoints."`
	Batch     *int          `placeholder:"16384" help:"Tokens a step; small corpora want small steps. Warm-up lasts for thirty of them."`
	LearnRate *float64      `placeholder:"0.01" help:"Rate of the matrices; embedding and norms take one and a half times as much."`
	Float32   bool          `help:"Write float32 matrices instead of int8."`
	talk
}

// options makes the run's inputs of the flags.
func (c *trainCmd) options() (train.Options, error) {
	o := train.DefaultOptions()
	if err := c.values(); err != nil {
		return o, err
	}
	layers, dim, err := c.layersAndDim()
	if err != nil {
		return o, err
	}
	o.Corpus, o.Held, o.HoldOut = c.Corpus, c.Held, c.HoldOut
	o.Dir, o.Resume = c.Folder, c.Resume
	if o.Dir == "" {
		o.Dir = c.Output + ".run"
	}
	o.Shape.Vocab, o.Shape.Window = c.Vocab, c.Window
	o.Shape.Layers, o.Shape.Dim, o.Shape.FFN = layers, dim, 3*dim
	o.Shape.Heads = dim / o.Shape.HeadDim
	o.Shape.KVHeads = max(1, o.Shape.Heads/2)
	if o.Shape.Heads%o.Shape.KVHeads != 0 {
		o.Shape.KVHeads = 1
	}
	if err := c.begin(&o); err != nil {
		return o, err
	}
	if err := c.recipe(&o); err != nil {
		return o, err
	}
	o.Tokens, o.Time, o.Save = c.Tokens, time.Duration(c.Minutes*float64(time.Minute)), c.Save
	if o.Threads = c.Threads; o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	return o, nil
}

// mostBatch bounds the tokens of a step.
const mostBatch = 1 << 24

// values refuses numbers that no run can mean.
func (c *trainCmd) values() error {
	switch most := float64(math.MaxInt64 / time.Minute); {
	case c.Tokens < 0:
		return usage("", "--tokens=%d is negative", c.Tokens)
	case !(c.Minutes >= 0 && c.Minutes < most):
		return usage("", "--minutes=%g is not a number of minutes", c.Minutes)
	case c.Save < 0:
		return usage("", "--save=%v is negative", c.Save)
	case c.HoldOut < 0:
		return usage("", "--hold-out=%d is negative", c.HoldOut)
	}
	return nil
}

// layersAndDim parses --size.
func (c *trainCmd) layersAndDim() (layers, dim int, err error) {
	left, right, _ := strings.Cut(c.Size, "x")
	l, err := strconv.ParseUint(left, 10, 16)
	d, err2 := strconv.ParseUint(right, 10, 17)
	switch {
	case err != nil || err2 != nil || l == 0:
		return 0, 0, usage("for example --size 6x256", "size %q is not LAYERSxDIM", c.Size)
	case d < 64 || d%64 != 0:
		return 0, 0, usage("heads are 64 wide", "width %d is not a multiple of 64", d)
	}
	return int(l), int(d), nil
}

// begin makes the run start from a model file, or go on as it began.
func (c *trainCmd) begin(o *train.Options) error {
	if c.From != "" {
		b, err := os.ReadFile(c.From)
		if err != nil {
			return err
		}
		if o.From, err = modelfile.Load(b); err != nil {
			return fmt.Errorf("%s: %w", c.From, err)
		}
		o.Shape, o.Merges = train.ShapeOf(o.From), o.From.Merges
	}
	o.Recipe.Seq = 2 * o.Shape.Window
	if !c.Resume {
		return nil
	}
	s, err := train.Open(o.Dir)
	if err != nil {
		return err
	}
	o.Recipe, o.Merges = s.Recipe, s.Merges
	return nil
}

// recipe sets what flags say of the recipe.
func (c *trainCmd) recipe(o *train.Options) error {
	r := &o.Recipe
	if c.Seed != nil {
		r.Seed = *c.Seed
	}
	if c.LearnRate != nil {
		r.MatrixRate, r.VectorRate = *c.LearnRate, 1.5**c.LearnRate
	}
	if !(r.MatrixRate > 0 && r.MatrixRate <= math.MaxFloat64) {
		return usage("the default is 0.01", "--learn-rate=%g is not a positive number", r.MatrixRate)
	}
	if c.Batch == nil {
		return nil
	}
	if *c.Batch <= 0 || *c.Batch > mostBatch {
		return usage("all tokens of a step are in memory, and more of them than some ten thousands only make fewer steps", "--batch=%d is not in 1..%d", *c.Batch, mostBatch)
	}
	r.Warmup = r.Warmup * int64(*c.Batch) / int64(r.Batch)
	r.Batch = *c.Batch
	return nil
}

// check refuses an output that could not be written, before anything is trained.
func (c *trainCmd) check(a *app, o *train.Options) error {
	if c.Output == "-" {
		return usage("name a file with -o", "a model that was trained is not written to standard output")
	}
	c.Force = c.Force || c.Resume && c.earlier(o)
	f, err := a.create(c.Output, nil, c.Force)
	if err != nil {
		return err
	}
	f.discard()
	return nil
}

// earlier says whether the output is a model of the run's shape and vocabulary.
func (c *trainCmd) earlier(o *train.Options) bool {
	b, err := os.ReadFile(c.Output)
	if err != nil {
		return false
	}
	f, err := modelfile.Load(b)
	if err != nil {
		return false
	}
	return train.ShapeOf(f) == o.Shape && slices.Equal(f.Merges, o.Merges)
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
	if err := a.writeFile(c.Output, b, c.Force); err != nil {
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
