package codes

import (
	"context"
	"math"
	"time"

	"kolm"
	"kolm/internal/ledger"
	"kolm/internal/twopart"
)

// Rung is a size of model and the shortest two-part file with it. The first rung
// of a ladder has no model: its file is that of contexts alone.
type Rung struct {
	Size    Size // zero: no model
	Weights int
	Model   int // bytes; 0 without a model
	Data    int // bytes
	Seconds float64
	Best    twopart.Point
	Curve   []twopart.Point // all precisions that were tried
}

// Total is the length of the file in bytes.
func (r Rung) Total() int { return r.Model + r.Data }

// MostSizes is how many sizes Sweep has.
const MostSizes = 6

// ladder lists sizes, each with about three times the weights of the one before.
var ladder = [MostSizes]Size{{1, 32, 288}, {1, 64, 512}, {2, 96, 512}, {3, 160, 1024}, {4, 256, 2048}, {6, 384, 4096}}

// Sweep trains models of growing size on the data, up to MostSizes, all for equally
// long, within
// the budget as far as training goes, and finds the precision at which each makes
// the shortest file. see is called for every rung. Every file is decoded.
func Sweep(ctx context.Context, in *Input, rungs int, see func(Rung)) error {
	start := time.Now()
	l, err := packed("contexts", in, nil, kolm.WithLevel(1))
	if err != nil {
		return err
	}
	none := twopart.Point{Data: int(l.Total() / ledger.Bytes(1))}
	see(Rung{Data: none.Data, Seconds: time.Since(start).Seconds(), Curve: []twopart.Point{none}})
	rungs = min(rungs, len(ladder))
	each := in.Budget / time.Duration(rungs)
	for i, size := range ladder[:rungs] {
		start := time.Now()
		share := func(part, of float64) func(float64) {
			return func(done float64) { in.say(size.String(), (float64(i)+part+of*done)/float64(rungs)) }
		}
		f, err := fit(ctx, in, size, each, share(0, .7))
		if err != nil {
			return err
		}
		s, err := twopart.FindSteps(ctx, f, in.Data, in.Threads, share(.7, .25))
		if err != nil {
			return err
		}
		m, err := twopart.NewModel(f, twopart.Coded, s.Steps)
		if err != nil {
			return err
		}
		file, err := twopart.Encode(m, in.Data, in.Threads)
		if err != nil {
			return err
		}
		see(Rung{Size: size, Weights: twopart.Weights(f), Model: m.Size(), Data: len(file.Bytes) - m.Size(),
			Seconds: time.Since(start).Seconds(), Best: s.Best, Curve: s.Curve})
	}
	return nil
}

// BreakEven is the least length of data in bytes at which some precision of the
// larger model makes a shorter file than every precision of the smaller ones, if
// the bytes of models and the bytes of data per byte stay what they were for n
// bytes; 0 if there is none.
func BreakEven(smaller []Rung, larger Rung, n int) float64 {
	best := math.Inf(1)
	for _, l := range larger.Curve {
		from, to := 1.0, math.Inf(1)
		for _, r := range smaller {
			for _, s := range r.Curve {
				more, gain := float64(l.Model-s.Model), float64(s.Data-l.Data)/float64(n)
				switch { // of more < gain * length
				case gain > 0:
					from = max(from, more/gain)
				case gain < 0:
					to = min(to, more/gain)
				case more >= 0:
					to = 0
				}
			}
		}
		if from < to {
			best = min(best, from)
		}
	}
	if math.IsInf(best, 1) {
		return 0
	}
	return best
}
