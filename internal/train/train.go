// Package train trains kolm's language models: documents in, a model out.
//
// A run lives in a folder: token caches, checkpoints, nothing else. It can be
// killed at any moment and resumed; with the same number of threads it then
// continues bit for bit as if nothing had happened. Matrices are trained with
// Muon, the rest with AdamW; rates warm up, stay, and fall to zero in a final
// decay that begins when a budget or the operator says so. The state before the
// decay is kept, so a run can always be extended.
//
// Letters in comments: R rows (tokens of a micro-batch). The package knows
// nothing of coding; its arithmetic is that of internal/tensor, so two CPUs may
// train slightly different models from the same seed.
package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"kolm/internal/modelfile"
)

// Options are a run's inputs.
type Options struct {
	Corpus     []string   // archives, files, folders
	Held       []string   // documents to measure on; they must not be in Corpus
	HoldOut    int        // without Held: about one document in HoldOut, by the hash of its name, is measured on and never trained on; of a single document the tail is
	HeldBytes  int64      // text to measure on, from the first held-out documents
	VocabBytes int64      // text to learn the vocabulary from, a sample of the corpus
	Merges     [][2]int32 // tokenizer to use; nil learns one

	// From is a model to begin with instead of random weights; Shape must be its
	// ShapeOf and Merges its merges. Moments begin at zero, rates warm up.
	From *modelfile.File

	Dir    string // run folder
	Shape  Shape
	Recipe Recipe
	Resume bool // go on from the folder's checkpoint, with its shape and seed

	Tokens  int64         // train until this many tokens in all, decay included; or
	Time    time.Duration // train about this long, decay included; neither: until the operator asks for the decay
	Threads int

	Save time.Duration // between checkpoints
	Eval int64         // tokens between measurements on held-out text
	Log  time.Duration // between Step events

	Export func(*Snapshot) error // called with the finished model; may be nil

	alone bool // the corpus is a single document
}

// DefaultOptions are those of a run on the built-in model's shape.
func DefaultOptions() Options {
	return Options{HoldOut: 100, HeldBytes: 1 << 20, VocabBytes: 128 << 20, Shape: DefaultShape(), Recipe: DefaultRecipe(),
		Threads: runtime.NumCPU(), Save: 3 * time.Minute, Eval: 4 << 20, Log: 15 * time.Second}
}

// Kind says what an Event tells.
type Kind int

const (
	Note      Kind = iota // Text
	Preparing             // Text, Done
	Step                  // a training step: all fields but Text and Done
	Measured              // Held is new
	Saved                 // a checkpoint was written
	Finished              // the decay is over and the model exported
)

// Event is a sign of progress.
type Event struct {
	Kind Kind
	Text string
	Done float64 // share of the preparation, 0..1

	Step, Tokens    int64
	Epoch           float64       // passes over the corpus
	Loss            float64       // nats a token in the last step
	Bits            float64       // bits per byte of training text, smoothed
	Held            float64       // bits per byte of held-out text, latest; 0 before the first
	Rate            float64       // the schedule's factor
	Norm            float64       // of the gradient
	TokensPerSecond float64       // since the last Step event
	GFLOPS          float64       // the same in 10^9 operations
	Elapsed         time.Duration // training in all sessions
	Left            time.Duration // estimate, 0 if unknown
}

// Run trains a model. If ctx is cancelled it saves, which a Saved event tells, and
// returns ctx's error, or that of saving. Before the first step there is nothing to
// save.
//
// An operator can ask a running process for the final decay by writing the
// number of tokens that it should last to the file "decay" in the run folder, and
// change its mind in the same way.
func Run(ctx context.Context, o Options, emit func(Event)) error {
	unlock, err := lock(o.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	t, err := start(ctx, &o, emit)
	if err != nil {
		return err
	}
	defer t.data.train.close()
	for !t.Progress.Schedule.done(t.Progress.Tokens) {
		if err := ctx.Err(); err != nil {
			return cmp.Or(t.save(), err)
		}
		if err := t.considerDecay(); err != nil {
			return err
		}
		if err := t.step(); err != nil {
			return err
		}
		if err := t.report(); err != nil {
			return err
		}
	}
	t.measure()
	if err := t.save(); err != nil {
		return err
	}
	if o.Export != nil {
		if err := o.Export(t.snapshot()); err != nil {
			return err
		}
	}
	t.emit(t.event(Finished))
	return nil
}

// trainer is a run in progress.
type trainer struct {
	state
	o       *Options
	emit    func(Event)
	net     *net
	workers []*worker
	opt     *optimiser
	data    *dataset
	windows *windows
	flops   float64 // a token

	tokens, targets []int32 // (Batch)

	begun, last              time.Time // of the session, of the last step
	loss, norm, rate         float64   // of the last step
	logged, saved, evaluated time.Time
	loggedTokens             int64
	nextEval                 int64
	sessionTokens            int64
	sessionTime              time.Duration
}

// start prepares everything up to the first step.
func start(ctx context.Context, o *Options, emit func(Event)) (*trainer, error) {
	now := time.Now()
	if err := errors.Join(o.Shape.Check(), o.Recipe.Check()); err != nil {
		return nil, err
	}
	if o.Threads < 1 {
		return nil, fmt.Errorf("train: %d threads: want at least 1", o.Threads)
	}
	t := &trainer{o: o, emit: emit, begun: now}
	if err := t.restore(); err != nil {
		return nil, err
	}
	var err error
	if t.data, err = prepare(ctx, o, t.Merges, emit); err != nil {
		return nil, err
	}
	if t.Data != t.data.key && t.Progress.Step > 0 {
		emit(Event{Kind: Note, Text: "the corpus changed: a new pass begins"})
		t.Progress.Order = order{Epoch: t.Progress.Order.Epoch + 1}
	}
	t.Data, t.Merges, t.Recipe = t.data.key, t.data.tok.Merges(), o.Recipe
	return t, t.build()
}

// restore reads the checkpoint to resume from, or begins a new state.
func (t *trainer) restore() error {
	o := t.o
	if !o.Resume {
		if names := states(o.Dir); len(names) > 0 {
			return fmt.Errorf("train: %s holds a run, in the file %s: resume it, or choose another folder", o.Dir, names[0])
		}
		t.Shape, t.Merges = o.Shape, o.Merges
		t.Progress.Schedule = newSchedule(o.Recipe.Warmup)
		return nil
	}
	s, name, err := latest(o.Dir)
	if err != nil {
		return err
	}
	if name != checkpointFile {
		t.emit(Event{Kind: Note, Text: fmt.Sprintf("there is no file %s: going on from %s, %d tokens", checkpointFile, name, s.Progress.Tokens)})
	}
	switch p := s.Progress; {
	case p.Schedule.done(p.Tokens) && t.enough(p.Tokens):
		t.emit(Event{Kind: Note, Text: fmt.Sprintf("the run is finished, %d tokens: its model is written again", p.Tokens)})
	case p.Schedule.done(p.Tokens):
		if s, err = load(o.Dir, stableFile); err != nil {
			return fmt.Errorf("%w: the run is finished, and goes on from its state before the decay only", err)
		}
		t.emit(Event{Kind: Note, Text: fmt.Sprintf("the run was finished: going on from its state before the decay, %d tokens", s.Progress.Tokens)})
	}
	if s.Shape != o.Shape {
		return fmt.Errorf("train: %s holds a model of %v, not %v", o.Dir, s.Shape, o.Shape)
	}
	t.state = *s
	return t.compare()
}

// compare refuses a budget that the state has used up, and tells what else is asked
// of a run in progress in vain.
func (t *trainer) compare() error {
	o, p := t.o, &t.Progress
	note := func(format string, args ...any) { t.emit(Event{Kind: Note, Text: fmt.Sprintf(format, args...)}) }
	if o.From != nil {
		note("the run goes on with its own weights, not with those of the model that it began with")
	}
	if seed := t.Recipe.Seed; o.Recipe.Seed != seed {
		note("the run keeps its seed, %d", seed)
		o.Recipe.Seed = seed
	}
	switch end := p.Schedule.Start + p.Schedule.Length; {
	case p.Schedule.done(p.Tokens):
	case p.Schedule.decaying() && (o.Tokens > 0 && o.Tokens != end || o.Time > 0):
		note("the decay has begun and ends at %d tokens, whatever the budget: only the file %s gives it another length", end, decayFile)
	case !p.Schedule.decaying() && o.Tokens > 0 && o.Tokens <= p.Tokens && !t.asked():
		return fmt.Errorf("train: the budget of %d tokens is used up: the run has trained on %d, and not decayed yet: give a larger one", o.Tokens, p.Tokens)
	}
	return nil
}

// enough says whether so many tokens are all that a finished run was asked for: its
// budget is no larger, and the operator wants no other decay.
func (t *trainer) enough(tokens int64) bool {
	return t.o.Tokens > 0 && t.o.Tokens <= tokens && !t.asked()
}

// asked says whether the operator asks for a decay.
func (t *trainer) asked() bool {
	_, err := os.Stat(filepath.Join(t.o.Dir, decayFile))
	return err == nil
}

// build makes the net, its workers and the optimiser, with the state's arrays
// if it has any.
func (t *trainer) build() error {
	r := t.Recipe
	t.net = newNet(t.Shape)
	switch {
	case t.w != nil:
		copy(t.net.w, t.w)
	case t.o.From != nil:
		if err := t.net.params.adopt(t.net.w, t.o.From); err != nil {
			return err
		}
	default:
		t.net.params.initialise(t.net.w, r.Seed)
	}
	share := (r.Batch/r.Seq + t.o.Threads - 1) / t.o.Threads
	for range t.o.Threads {
		w, err := newWorker(t.net, r.Seq, min(r.Micro, share))
		if err != nil {
			return err
		}
		t.workers = append(t.workers, w)
	}
	t.opt = newOptimiser(t.net, t.workers)
	copy(t.opt.m, t.m)
	copy(t.opt.v, t.v)
	t.w, t.m, t.v = t.net.w, t.opt.m, t.opt.v
	t.net.pack(t.workers)
	var err error
	if t.windows, err = newWindows(t.data.train, r.Seq, r.Seed, t.Progress.Order); err != nil {
		return err
	}
	if err := enoughHeld(int64(len(t.data.held)), r.Seq); err != nil {
		return err
	}
	t.tokens, t.targets = make([]int32, r.Batch), make([]int32, r.Batch)
	t.flops = flopsPerToken(t.Shape, r.Seq)
	now := time.Now()
	t.logged, t.saved, t.last = now, now, now
	t.loggedTokens, t.nextEval = t.Progress.Tokens, (t.Progress.Tokens/max(1, t.o.Eval)+1)*t.o.Eval
	return nil
}

// step trains on one batch.
func (t *trainer) step() error {
	r, p := &t.Recipe, &t.Progress
	var bytes float64
	for at := 0; at < r.Batch; at += r.Seq {
		if err := t.windows.next(t.tokens[at:][:r.Seq], t.targets[at:][:r.Seq]); err != nil {
			return err
		}
	}
	for _, y := range t.targets {
		if y >= 0 {
			bytes += t.data.bytes[y]
		}
	}
	nats := t.gradients()
	t.rate = p.Schedule.factor(p.Tokens, int64(r.Batch))
	p.Step++
	t.norm = t.opt.step(t.workers, *r, t.rate, p.Step)
	p.Tokens += int64(r.Batch)
	p.Order = t.windows.at
	if math.IsNaN(nats) || math.IsInf(nats, 0) {
		return fmt.Errorf("train: the loss of step %d is not a number: lower the rates and resume", p.Step)
	}
	t.loss = nats / float64(r.Batch)
	bits := nats / math.Ln2 / max(1, bytes)
	p.TrainEMA += max(0.02, 1/float64(p.Step)) * (bits - p.TrainEMA)
	now := time.Now()
	p.Trained += now.Sub(t.last)
	t.sessionTime += now.Sub(t.last)
	t.sessionTokens += int64(r.Batch)
	t.last = now
	return nil
}

// gradients runs the batch through the workers, each a fixed part of it, and
// returns the sum of the code lengths in nats.
func (t *trainer) gradients() float64 {
	r, n := &t.Recipe, len(t.workers)
	seqs := r.Batch / r.Seq
	sums := make([]float64, n)
	parallel(n, n, func(_, i int) {
		w := t.workers[i]
		clear(w.grad)
		end := seqs * (i + 1) / n * r.Seq
		for at := seqs * i / n * r.Seq; at < end; {
			rows := min(len(w.tokens), end-at)
			copy(w.tokens, t.tokens[at:][:rows])
			copy(w.targets, t.targets[at:][:rows])
			w.forward(rows)
			sums[i] += w.loss(rows, 1/float32(r.Batch))
			w.backward(rows)
			at += rows
		}
	})
	var sum float64
	for _, x := range sums {
		sum += x
	}
	return sum
}

// measure computes the held-out bits per byte over windows in order.
func (t *trainer) measure() {
	seq := t.Recipe.Seq
	per := len(t.workers[0].tokens) / seq
	n := (len(t.data.held) - 1) / seq
	jobs := (n + per - 1) / per
	nats, bytes := make([]float64, jobs), make([]float64, jobs)
	parallel(len(t.workers), jobs, func(worker, i int) {
		w := t.workers[worker]
		rows := min(per, n-i*per) * seq
		fill(w.tokens[:rows], w.targets[:rows], t.data.held[i*per*seq:][:rows+1])
		w.forward(rows)
		nats[i] = w.loss(rows, 0)
		for _, y := range w.targets[:rows] {
			if y >= 0 {
				bytes[i] += t.data.bytes[y]
			}
		}
	})
	var sum, length float64
	for i := range nats {
		sum += nats[i]
		length += bytes[i]
	}
	t.Progress.Held = sum / math.Ln2 / max(1, length)
}

// report emits events and saves when their time has come.
func (t *trainer) report() error {
	p := &t.Progress
	if p.Step <= 3 || time.Since(t.logged) >= t.o.Log {
		t.emit(t.event(Step))
		t.logged, t.loggedTokens = time.Now(), p.Tokens
	}
	if t.o.Eval > 0 && p.Tokens >= t.nextEval {
		t.nextEval += t.o.Eval
		t.pause(func() { t.measure() })
		t.emit(t.event(Measured))
	}
	if t.o.Save > 0 && time.Since(t.saved) >= t.o.Save {
		var err error
		t.pause(func() { err = t.save() })
		return err
	}
	return nil
}

// pause runs f outside the clocks of training speed.
func (t *trainer) pause(f func()) {
	begun := time.Now()
	f()
	spent := time.Since(begun)
	t.logged, t.last = t.logged.Add(spent), t.last.Add(spent)
}

// save writes the checkpoint.
func (t *trainer) save() error {
	if err := t.state.save(t.o.Dir, checkpointFile, previousFile); err != nil {
		return err
	}
	t.saved = time.Now()
	t.emit(t.event(Saved))
	return nil
}

func (t *trainer) event(k Kind) Event {
	p := &t.Progress
	e := Event{Kind: k, Step: p.Step, Tokens: p.Tokens, Loss: t.loss, Bits: p.TrainEMA, Held: p.Held, Rate: t.rate, Norm: t.norm,
		Epoch: float64(p.Order.Epoch) + float64(p.Order.Next)/float64(len(t.windows.perm)), Elapsed: p.Trained}
	if s := time.Since(t.logged).Seconds(); p.Tokens > t.loggedTokens && s > 0 {
		e.TokensPerSecond = float64(p.Tokens-t.loggedTokens) / s
		e.GFLOPS = e.TokensPerSecond * t.flops / 1e9
	}
	rate := float64(t.sessionTokens) / max(1e-9, t.sessionTime.Seconds())
	switch left := t.o.Tokens - p.Tokens; {
	case p.Schedule.decaying():
		e.Left = seconds(float64(p.Schedule.Start+p.Schedule.Length-p.Tokens) / rate)
	case t.o.Tokens > 0:
		e.Left = seconds(float64(left) / rate)
	case t.o.Time > 0:
		e.Left = t.o.Time - time.Since(t.begun)
	}
	e.Left = max(0, e.Left)
	return e
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
