package codec

import (
	"fmt"
	"slices"

	"kolm/internal/coder"
	"kolm/internal/kernel"
	"kolm/internal/model"
)

// bitCoder is the encoder, which codes the bit it is given and returns it, or
// the decoder, which ignores that bit and returns the coded one. p / 2^32 is
// the probability that the bit is 1.
type bitCoder interface {
	code(bit int, p uint32) int
}

type encoder struct{ coder.Encoder }
type decoder struct{ coder.Decoder }

func (e *encoder) code(bit int, p uint32) int { e.Encode(bit, p); return bit }
func (d *decoder) code(_ int, p uint32) int   { return d.Decode(p) }

// The output head learns by this rate from every token, and leaves alone rows
// whose probability is at most headThreshold / 2^31. Both were chosen on
// held-out training text: half the rate costs 0.5 %, a threshold 20 times lower
// gains 0.03 % and makes the learning three times as slow.
const (
	headRate      = 1.0 / 32
	headThreshold = 1 << 22
)

// modelCoder codes blocks with a language model mixed into the contexts.
//
// The work is split so that two goroutines can share it without touching each
// other's state: the body of the transformer is a pure function of the tokens
// and may run in the background for one group of streams, while everything
// that adapts (output head, contexts, mixer, coder) works on the other group.
type modelCoder struct {
	lm      *LM
	workers int
	static  *model.AdaptiveHead // never updated
	adapted *model.AdaptiveHead
	state   *model.State
	pred    *Predictor
	enc     encoder
	dec     decoder
	bits    bitCoder

	groups  []*group
	body    chan *group // to the background worker
	logits  []float32   // (streams of a group, rows of a head) of one head at a time
	opinion Opinion
}

// group is a set of streams that take their steps together.
type group struct {
	streams []*stream // those that are not finished
	rows    []model.Row
	hidden  []float32     // (streams, dim): what the body makes of rows
	ready   chan struct{} // receives when hidden is filled
	static  odds
	adapted odds
}

// odds is what one output head says of the next token of each stream.
type odds struct {
	weights []uint32 // (streams, rows)
	cum     []uint32 // (streams, rows+1) their prefix sums
}

func newModelCoder(lm *LM, workers int) *modelCoder {
	// The separator is the last row: it never occurs, and a table whose rows are
	// a multiple of 16 is fastest.
	order := append(slices.Clone(lm.tree.id), lm.separator())
	return &modelCoder{
		lm:      lm,
		workers: workers,
		static:  lm.Model.NewAdaptiveHead(order),
		adapted: lm.Model.NewAdaptiveHead(order),
		state:   lm.Model.NewState(maxStreams),
		pred:    NewPredictor(),
	}
}

// encode appends the payload of plain to dst.
func (c *modelCoder) encode(dst, plain []byte) []byte {
	c.enc.Reset(dst)
	c.start(encodeLines(&c.enc, plain), &c.enc)
	for _, g := range c.groups {
		for _, s := range g.streams {
			s.ids = c.lm.Tok.Encode(nil, s.bytes)
		}
	}
	if err := c.run(); err != nil {
		panic(err) // an encoder's tokens always fit
	}
	return c.enc.Flush()
}

// decode fills dst from its payload.
func (c *modelCoder) decode(dst, payload []byte) error {
	c.dec.Reset(payload)
	return decodeLines(&c.dec, dst, func(text []byte) error {
		c.start(text, &c.dec)
		return c.run()
	})
}

// start cuts a block into streams, and the streams into two groups where there
// are enough of them.
func (c *modelCoder) start(block []byte, bits bitCoder) {
	c.bits = bits
	c.adapted.Reset()
	c.pred.Reset(len(block), true)
	n := streamCount(len(block))
	c.groups = make([]*group, min(n, 2))
	for i := range c.groups {
		c.groups[i] = &group{ready: make(chan struct{}, 1)}
	}
	for i := range n {
		from, to := cut(len(block), n, i)
		s := &stream{slot: i, bytes: block[from:to], last: c.lm.separator()}
		c.pred.Start(&s.cur, from)
		c.state.Reset(i)
		g := c.groups[i*len(c.groups)/n]
		if len(s.bytes) > 0 {
			g.streams = append(g.streams, s)
		}
	}
}

// run takes the groups in turn until every stream is finished.
func (c *modelCoder) run() error {
	if c.workers > 1 && len(c.groups) > 1 {
		c.body = make(chan *group, len(c.groups))
		defer close(c.body)
		go func(work <-chan *group) {
			for g := range work {
				c.forward(g)
			}
		}(c.body)
	} else {
		c.body = nil
	}
	for _, g := range c.groups {
		c.launch(g)
	}
	for busy := true; busy; {
		busy = false
		for _, g := range c.groups {
			if len(g.streams) == 0 {
				continue
			}
			<-g.ready
			if err := c.step(g); err != nil {
				c.drain(g)
				return err
			}
			c.launch(g)
			busy = true
		}
	}
	return nil
}

// drain waits for what still runs in the background for the other groups.
func (c *modelCoder) drain(failed *group) {
	for _, g := range c.groups {
		if g != failed && len(g.streams) > 0 {
			<-g.ready
		}
	}
}

// launch has the body read the last token of every stream of g that still has
// bytes to come.
func (c *modelCoder) launch(g *group) {
	live := g.streams[:0]
	g.rows = g.rows[:0]
	for _, s := range g.streams {
		if !s.finished() {
			live = append(live, s)
			g.rows = append(g.rows, model.Row{Stream: s.slot, Token: s.last})
		}
	}
	g.streams = live
	switch {
	case len(live) == 0:
	case c.body != nil:
		c.body <- g
	default:
		c.forward(g)
	}
}

func (c *modelCoder) forward(g *group) {
	dim := c.lm.Model.Config().Dim
	if len(g.hidden) < len(g.rows)*dim {
		g.hidden = make([]float32, len(g.rows)*dim)
	}
	c.lm.Model.Forward(c.state, g.rows, g.hidden)
	g.ready <- struct{}{}
}

// step codes one token of every stream of g.
func (c *modelCoder) step(g *group) error {
	c.ask(&g.static, c.static, g)
	c.ask(&g.adapted, c.adapted, g)
	rows, dim := c.static.Rows(), c.lm.Model.Config().Dim
	for i, s := range g.streams {
		rank, err := c.token(s, g.static.cum[i*(rows+1):][:rows+1], g.adapted.cum[i*(rows+1):][:rows+1])
		if err != nil {
			return err
		}
		c.adapted.Update(g.hidden[i*dim:][:dim], int(rank), g.adapted.weights[i*rows:][:rows], headRate, headThreshold)
	}
	return nil
}

// ask fills o with what a head makes of the final states of g.
func (c *modelCoder) ask(o *odds, head *model.AdaptiveHead, g *group) {
	n, rows := len(g.streams), head.Rows()
	if len(o.weights) < n*rows {
		o.weights, o.cum = make([]uint32, n*rows), make([]uint32, n*(rows+1))
	}
	if len(c.logits) < n*rows {
		c.logits = make([]float32, n*rows)
	}
	head.Logits(c.logits, g.hidden, n)
	for i := range n {
		w := o.weights[i*rows:][:rows]
		kernel.Weights(w, c.logits[i*rows:][:rows])
		kernel.PrefixSum(o.cum[i*(rows+1):][:rows+1], w)
	}
}

// token codes the next token of s: a walk from the root of the tree to a leaf.
func (c *modelCoder) token(s *stream, static, adapted []uint32) (rank int32, err error) {
	t, target := c.lm.tree, int32(-1)
	if s.ids != nil {
		target = t.rank[s.ids[s.next]]
		s.next++
	}
	w := walk{c: c, s: s}
	room := len(s.bytes) - s.done
	at := t.root
	for decisions := 0; at >= 0; decisions++ {
		n := &t.nodes[at]
		if n.length() > room {
			return 0, tooLong(n.length(), room)
		}
		w.advance(t.text[n.lo], int(n.depth))
		c.opinion.hear(n, static, adapted, decisions)
		at = n.child[w.decide(n, target)]
	}
	rank = ^at
	text := t.text[rank]
	if len(text) > room {
		return 0, tooLong(len(text), room)
	}
	w.advance(text, len(text))
	w.end(true)
	if s.ids == nil {
		copy(s.bytes[s.done:], text)
	}
	s.done += len(text)
	s.last = t.id[rank]
	return rank, nil
}

func tooLong(length, room int) error {
	return fmt.Errorf("%w: a token of %d bytes or more where %d are left", ErrCorrupt, length, room)
}
