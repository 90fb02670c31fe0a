package codes

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"kolm/internal/modelfile"
	"kolm/internal/token"
	"kolm/internal/train"
)

// leastData is how many bytes a model is worth training on: shorter data does not
// even fill the sequences of a batch.
const leastData = 20_000

// Size is a size of model for data of this kind of length.
type Size struct {
	Layers, Dim, Vocab int
}

func (s Size) String() string { return fmt.Sprintf("%dx%d, %d tokens", s.Layers, s.Dim, s.Vocab) }

// shape is that of a model of the size, of which vocab tokens were learned.
func (s Size) shape(vocab int) train.Shape {
	h := train.DefaultOptions().Shape
	h.Vocab, h.Window = vocab, 128
	h.Layers, h.Dim, h.FFN = s.Layers, s.Dim, 2*s.Dim
	h.HeadDim = min(32, s.Dim)
	h.Heads = s.Dim / h.HeadDim
	h.KVHeads = max(1, h.Heads/2)
	for h.Heads%h.KVHeads != 0 { // five heads share one
		h.KVHeads--
	}
	return h
}

// sizeFor is a size that data of n bytes may pay for, if any is.
func sizeFor(n int) Size {
	switch {
	case n < 300_000:
		return Size{1, 32, 288}
	case n < 3_000_000:
		return Size{1, 64, 512}
	case n < 30_000_000:
		return Size{2, 128, 1024}
	}
	return Size{4, 256, 4096}
}

// fit trains a model on the data for about so long and returns it with float32
// weights.
func fit(ctx context.Context, in *Input, size Size, budget time.Duration, report func(done float64)) (*modelfile.File, error) {
	if len(in.Data) < leastData {
		return nil, fmt.Errorf("%w: %d bytes are too few to train a model on, %d are needed", ErrUnfit, len(in.Data), leastData)
	}
	dir, err := os.MkdirTemp("", "kolm-weigh-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	o := train.DefaultOptions()
	if o.Corpus, err = cut(filepath.Join(dir, "data"), in.Data); err != nil {
		return nil, err
	}
	o.Held, o.HeldBytes = o.Corpus[:1], 1<<15 // the trainer wants to measure something; nobody looks
	o.Dir = filepath.Join(dir, "run")
	if o.Merges, err = merges(in.Data, size.Vocab); err != nil {
		return nil, err
	}
	o.Shape = size.shape(token.FirstMerge + len(o.Merges))
	o.Recipe.Seq, o.Recipe.Batch, o.Recipe.Warmup = 128, 2048, 20_000
	o.Recipe.Seed, o.Threads = in.Seed, in.Threads
	o.Time, o.Save, o.Eval = budget, 0, 0
	if in.Tokens > 0 {
		o.Tokens, o.Time = in.Tokens, 0
	}
	o.Log = time.Second
	var f *modelfile.File
	o.Export = func(s *train.Snapshot) (err error) {
		f, err = s.File("two-part", true)
		return err
	}
	start := time.Now()
	err = train.Run(ctx, o, func(train.Event) { report(min(1, time.Since(start).Seconds()/max(budget.Seconds(), 1e-9))) })
	return f, err
}

// merges learns a vocabulary of the data: of the size asked for, or a smaller one
// where the data has no more pairs that repeat. Tables have a multiple of 32 rows.
func merges(data []byte, vocab int) ([][2]int32, error) {
	list, err := token.Train(slices.Values([][]byte{data[:min(len(data), 1<<24)]}), vocab, nil)
	if err != nil {
		return nil, err
	}
	n := (token.FirstMerge + len(list)) / 32 * 32
	if n < token.FirstMerge {
		return nil, fmt.Errorf("%w: it repeats too little to learn a vocabulary from", ErrUnfit)
	}
	return list[:n-token.FirstMerge], nil
}

// cut writes data as documents that the trainer reads one after the other: it
// learns nothing across their ends, so they are long. A first one is short,
// because what is measured is part of it.
func cut(dir string, data []byte) ([]string, error) {
	if err := os.Mkdir(dir, 0o777); err != nil {
		return nil, err
	}
	var names []string
	for at := 0; at < len(data); {
		n := min(len(data)-at, 1<<24)
		if at == 0 {
			n = min(len(data), leastData)
		}
		name := filepath.Join(dir, fmt.Sprintf("%06d.txt", len(names)))
		// A byte before keeps data that looks like an archive from being opened as one.
		if err := os.WriteFile(name, append([]byte{'\n'}, data[at:at+n]...), 0o666); err != nil {
			return nil, err
		}
		names = append(names, name)
		at += n
	}
	return names, nil
}
