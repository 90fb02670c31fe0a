package main

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"kolm/internal/corpus"
	"kolm/internal/modelfile"
	"kolm/internal/train"
)

// options makes the run's inputs of the flags.
func (c *trainCmd) options() (train.Options, error) {
	o := train.DefaultOptions()
	o.Corpus, o.Held, o.HoldOut = c.Corpus, c.Held, c.HoldOut
	o.Dir, o.Resume = c.Folder, c.Resume
	if o.Dir == "" {
		o.Dir = c.Output + ".run"
	}
	for _, set := range []func(*train.Options) error{c.values, c.begin, c.shape, c.recipe, c.apart} {
		if err := set(&o); err != nil {
			return o, err
		}
	}
	if o.Threads = c.Threads; o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	return o, nil
}

// mostBatch bounds the tokens of a step.
const mostBatch = 1 << 24

// values sets what flags say of budgets, and refuses numbers that no run can mean.
func (c *trainCmd) values(o *train.Options) error {
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
	o.Tokens, o.Time, o.Save = c.Tokens, time.Duration(c.Minutes*float64(time.Minute)), c.Save
	return nil
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
	if !c.Resume {
		return nil
	}
	s, err := train.Open(o.Dir)
	if err != nil {
		return err
	}
	o.Shape, o.Recipe = s.Shape, s.Recipe
	return nil
}

// shape sets what flags say of the shape.
func (c *trainCmd) shape(o *train.Options) error {
	if c.From != "" && !c.Resume {
		return nil
	}
	s := &o.Shape
	if c.Size != "" {
		layers, dim, err := c.layersAndDim()
		if err != nil {
			return err
		}
		if layers != s.Layers || dim != s.Dim { // else the heads are those of the run
			resize(s, layers, dim)
		}
	}
	if c.Vocab != nil {
		s.Vocab = *c.Vocab
	}
	if c.Window != nil {
		s.Window = *c.Window
	}
	if s.Window <= 0 || s.Window > 1<<16 || s.Window%16 != 0 {
		return usage("", "--window=%d is not a multiple of 16 in 16..%d", s.Window, 1<<16)
	}
	if err := s.Check(); err != nil {
		return usage("", "%v", err)
	}
	return nil
}

// resize gives a shape another size, with heads of the same width.
func resize(s *train.Shape, layers, dim int) {
	s.Layers, s.Dim, s.FFN = layers, dim, 3*dim
	s.Heads = dim / s.HeadDim
	s.KVHeads = max(1, s.Heads/2)
	if s.Heads%s.KVHeads != 0 {
		s.KVHeads = 1
	}
}

// layersAndDim parses --size.
func (c *trainCmd) layersAndDim() (layers, dim int, err error) {
	left, right, _ := strings.Cut(c.Size, "x")
	l, err := strconv.ParseUint(left, 10, 16)
	d, err2 := strconv.ParseUint(right, 10, 17)
	switch {
	case err != nil || err2 != nil || l == 0:
		return 0, 0, usage("for example --size 6x256", "size %q is not LAYERSxWIDTH", c.Size)
	case d < 64 || d%64 != 0:
		return 0, 0, usage("heads are 64 wide", "width %d is not a multiple of 64", d)
	}
	return int(l), int(d), nil
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
	if !c.Resume {
		r.Seq = 2 * o.Shape.Window
	}
	if c.Batch != nil {
		r.Warmup = r.Warmup * int64(*c.Batch) / int64(r.Batch)
		r.Batch = *c.Batch
	}
	switch {
	case r.Batch <= 0 || r.Batch > mostBatch:
		return usage("all tokens of a step are in memory, and more of them than some ten thousands only make fewer steps", "--batch=%d is not in 1..%d", r.Batch, mostBatch)
	case r.Batch%r.Seq != 0:
		return usage("a step is whole sequences of that many tokens", "--batch=%d is not a multiple of %d, twice the window", r.Batch, r.Seq)
	}
	return nil
}

// apart refuses documents to measure on that are trained on too.
func (c *trainCmd) apart(*train.Options) error {
	held := map[int64][]fs.FileInfo{} // by size
	err := eachFile(c.Held, func(_ string, i fs.FileInfo) error {
		held[i.Size()] = append(held[i.Size()], i)
		return nil
	})
	if err != nil || len(held) == 0 {
		return err
	}
	return eachFile(c.Corpus, func(name string, i fs.FileInfo) error {
		if slices.ContainsFunc(held[i.Size()], func(h fs.FileInfo) bool { return os.SameFile(h, i) }) {
			return usage("what is measured on must not be trained on: name a corpus without it", "%s is in the corpus and in --held", name)
		}
		return nil
	})
}

// eachFile sees the files under paths.
func eachFile(paths []string, see func(name string, info fs.FileInfo) error) error {
	for _, path := range paths {
		err := corpus.Files(path, func(name string) error {
			info, err := os.Stat(name)
			if err != nil {
				return err
			}
			return see(name, info)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
