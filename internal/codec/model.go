package codec

import (
	"fmt"

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
// whose probability is at most headThreshold / 2^31.
const (
	headRate      = 0x1.99999ap-6 // 0.025 as a float32
	headThreshold = 1 << 31 / 10000
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
	logits  []float32   // (streams of a group, ranks) of one head at a time
	weights []uint32    // (ranks) adapted weights of one stream
	opinion Opinion
}

// group is a set of streams that take their steps together.
type group struct {
	streams []*stream // those that are not finished
	rows    []model.Row
	hidden  []float32     // (streams, dim): what the body makes of rows
	ready   chan struct{} // receives when hidden is filled
	cum     [2][]uint32   // (streams, ranks+1) sums of the static and adapted weights
}

func newModelCoder(lm *LM, workers int) *modelCoder {
	order := lm.tree.id
	return &modelCoder{
		lm:      lm,
		workers: workers,
		static:  lm.Model.NewAdaptiveHead(order),
		adapted: lm.Model.NewAdaptiveHead(order),
		state:   lm.Model.NewState(maxStreams),
		pred:    NewPredictor(),
		weights: make([]uint32, len(order)),
	}
}

// encode appends the payload of plain to dst.
func (c *modelCoder) encode(dst, plain []byte) []byte {
	c.enc.Reset(dst)
	c.start(plain, &c.enc)
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
	c.start(dst, &c.dec)
	if err := c.run(); err != nil {
		return err
	}
	return checkEnd(&c.dec.Decoder)
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
	n, ranks, dim := len(g.streams), c.static.Rows(), c.lm.Model.Config().Dim
	if len(c.logits) < n*ranks {
		c.logits = make([]float32, n*ranks)
	}
	for k, head := range []*model.AdaptiveHead{c.static, c.adapted} {
		if len(g.cum[k]) < n*(ranks+1) {
			g.cum[k] = make([]uint32, n*(ranks+1))
		}
		head.Logits(c.logits, g.hidden, n)
		for i := range n {
			kernel.Weights(c.weights, c.logits[i*ranks:][:ranks])
			kernel.PrefixSum(g.cum[k][i*(ranks+1):][:ranks+1], c.weights)
		}
	}
	for i, s := range g.streams {
		static, adapted := g.cum[0][i*(ranks+1):][:ranks+1], g.cum[1][i*(ranks+1):][:ranks+1]
		rank, err := c.token(s, static, adapted)
		if err != nil {
			return err
		}
		for r := range c.weights {
			c.weights[r] = adapted[r+1] - adapted[r]
		}
		c.adapted.Update(g.hidden[i*dim:][:dim], int(rank), c.weights, headRate, headThreshold)
	}
	return nil
}

// token codes the next token of s: a walk from the root of the tree to a leaf.
func (c *modelCoder) token(s *stream, static, adapted []uint32) (rank int32, err error) {
	t, target := c.lm.tree, int32(-1)
	if s.ids != nil {
		target = t.rank[s.ids[s.next]]
		s.next++
	}
	w := walk{c: c, s: s}
	at := t.root
	for decisions := 0; at >= 0; decisions++ {
		n := &t.nodes[at]
		w.advance(t.text[n.lo], int(n.depth))
		c.opinion.hear(n, static, adapted, decisions)
		at = n.child[w.decide(n, target)]
	}
	rank = ^at
	text := t.text[rank]
	if len(text) > len(s.bytes)-s.done {
		return 0, fmt.Errorf("%w: a token of %d bytes where %d are left", ErrCorrupt, len(text), len(s.bytes)-s.done)
	}
	w.advance(text, len(text))
	w.end(true)
	copy(s.bytes[s.done:], text)
	s.done += len(text)
	s.last = t.id[rank]
	return rank, nil
}
