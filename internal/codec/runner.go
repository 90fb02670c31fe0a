package codec

import (
	"kolm/internal/kernel"
	"kolm/internal/model"
)

// runner is what a goroutine needs to have the body read tokens. How groups are
// put together changes no bit.
type runner struct {
	body   *model.Model
	state  *model.State
	head   *model.AdaptiveHead // never updated
	groups []*group            // at hand
	rows   []model.Row
	hidden []float32 // (rows, dim)
	logits []float32 // (rows, rows of the head)
}

func newRunner(lm *LM, s *model.State) *runner {
	return &runner{body: lm.Model, state: s, head: lm.head.Share()}
}

// work runs the groups that come in.
func (r *runner) work(in <-chan *group) {
	for g := range in {
		r.run(g, in, 1)
	}
}

// gather makes groups of g and those that wait behind it, at most n in all.
func (r *runner) gather(g *group, in <-chan *group, n int) {
	r.groups = append(r.groups[:0], g)
	for len(r.groups) < n {
		select {
		case g, open := <-in:
			if !open {
				return
			}
			r.groups = append(r.groups, g)
		default:
			return
		}
	}
}

// run has the body read the last token of every stream of g, and of groups that
// wait behind it, up to together in all, and its own output head look at what it
// makes of them.
func (r *runner) run(g *group, in <-chan *group, together int) {
	r.gather(g, in, together)
	dim, rows := r.body.Config().Dim, r.head.Rows()
	r.rows = r.rows[:0]
	for _, g := range r.groups {
		for _, s := range g.streams {
			r.rows = append(r.rows, model.Row{Stream: s.slot, Token: s.last})
		}
	}
	n := len(r.rows)
	r.hidden, r.logits = atLeast(r.hidden, n*dim), atLeast(r.logits, n*rows)
	r.body.Forward(r.state, r.rows, r.hidden)
	r.head.Logits(r.logits, r.hidden, n)
	at := 0
	for _, g := range r.groups {
		n := len(g.streams)
		g.hidden = atLeast(g.hidden, n*dim)
		copy(g.hidden, r.hidden[at*dim:][:n*dim])
		g.static.fill(r.logits[at*rows:], n, rows)
		at += n
	}
	for _, g := range r.groups {
		g.ready <- struct{}{}
	}
}

// odds is what one output head says of the next token of each stream.
type odds struct {
	weights []uint32 // (streams, rows)
	cum     []uint32 // (streams, rows+1) their prefix sums
}

// fill makes odds of the logits (n, rows) of n streams.
func (o *odds) fill(logits []float32, n, rows int) {
	o.weights, o.cum = atLeast(o.weights, n*rows), atLeast(o.cum, n*(rows+1))
	for i := range n {
		w := o.weights[i*rows:][:rows]
		kernel.Weights(w, logits[i*rows:][:rows])
		kernel.PrefixSum(o.cum[i*(rows+1):][:rows+1], w)
	}
}

// atLeast returns s, or a longer slice if it has fewer than n elements.
func atLeast[T any](s []T, n int) []T {
	if len(s) < n {
		return make([]T, n)
	}
	return s
}
