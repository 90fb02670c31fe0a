package codes

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kolm/internal/ledger"
	"kolm/internal/modelfile"
	"kolm/internal/twopart"
)

// trained is a model of the data, made once for all codes that need one.
type trained struct {
	size    Size
	file    *modelfile.File
	seconds float64 // to train
	search  *twopart.Search
}

// own trains the model of the data, if that was not done yet.
func (in *Input) own(ctx context.Context) (*trained, error) {
	if in.trained != nil {
		return in.trained, nil
	}
	t := &trained{size: sizeFor(len(in.Data))}
	start := time.Now()
	var err error
	if t.file, err = fit(ctx, in, t.size, in.Budget, func(done float64) { in.say("training", .6*done) }); err != nil {
		return nil, err
	}
	t.seconds = time.Since(start).Seconds()
	if t.search, err = twopart.FindSteps(ctx, t.file, in.Data, in.Threads, func(done float64) { in.say("precision", .6+.2*done) }); err != nil {
		return nil, err
	}
	in.trained = t
	return t, nil
}

// twoPart writes the model and the data in one file, in four precisions.
func twoPart(ctx context.Context, in *Input) ([]*ledger.Ledger, error) {
	t, err := in.own(ctx)
	if err != nil {
		return nil, err
	}
	var list []*ledger.Ledger
	for _, p := range []twopart.Precision{twopart.Float32, twopart.BFloat16, twopart.Int8, twopart.Coded} {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		in.say("two-part "+p.String(), .8+.05*float64(len(list)))
		f, seconds, err := t.encode(in, p)
		if err != nil {
			return nil, err
		}
		l := &f.Ledger
		l.Code, l.Seconds = "two-part, "+p.String(), seconds+t.seconds
		if p == twopart.Coded {
			best := t.search.Best
			l.Note("a model of %s, trained for %.0f s on the data; %.2f bits a weight; %d settings of the steps were tried, the file names the one chosen", t.size, t.seconds, best.PerWeight, len(t.search.Curve))
			in.Archive, in.Precisions = f.Bytes, t.search.Curve
		}
		list = append(list, l)
	}
	list[0].Note("the codec computes in int8: finer weights cost more and predict alike")
	return list, nil
}

func (t *trained) encode(in *Input, p twopart.Precision) (*twopart.File, float64, error) {
	start := time.Now()
	m, err := twopart.NewModel(t.file, p, t.search.Steps)
	if err != nil {
		return nil, 0, err
	}
	f, err := twopart.Encode(m, in.Data, in.Threads)
	if err != nil {
		return nil, 0, err
	}
	back, err := twopart.Decode(f.Bytes, in.Threads)
	if err == nil && !slices.Equal(back, in.Data) {
		err = fmt.Errorf("other bytes came back: a defect of kolm or of the machine")
	}
	return f, time.Since(start).Seconds(), err
}

// variational accounts for a Gaussian over the weights of the model trained on the
// data, with as much noise as is best of a few.
func variational(ctx context.Context, in *Input) ([]*ledger.Ledger, error) {
	t, err := in.own(ctx)
	if err != nil {
		return nil, err
	}
	var best *ledger.Ledger
	seconds := t.seconds
	for i, factor := range []float64{1, 2, 4, 8} {
		in.say("variational", float64(i)/4)
		var l *ledger.Ledger
		clock := &ledger.Ledger{}
		err := timed(clock, func() (err error) {
			l, err = twopart.NewPosterior(t.file, t.search.Base, factor).Ledger(ctx, in.Data, 2, in.Threads, in.Seed)
			return err
		})
		if err != nil {
			return nil, err
		}
		seconds += clock.Seconds
		l.Note("-ELBO, no file: Gaussian of %v times the deviations that the curvature asks for, mean over 2 draws of the weights", factor)
		if best != nil && l.Total() >= best.Total() {
			break
		}
		best = l
	}
	best.Seconds = seconds
	return []*ledger.Ledger{best}, nil
}
