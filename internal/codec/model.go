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
// What is left of the body when the other group is coded, both goroutines share.
type modelCoder struct {
	lm      *LM
	workers int
	static  *model.AdaptiveHead // never updated
	adapted *model.AdaptiveHead
	pred    *Predictor
	enc     encoder
	dec     decoder
	bits    bitCoder
	meter   *meter // may be nil

	groups  []*group
	body    chan *part // waiting for whoever is free; nil: nobody else is
	parts   []*part    // kept from block to block
	logits  []float32  // (streams of a group, rows of a head) of one head at a time
	opinion Opinion
}

// group is a set of streams that take their steps together.
type group struct {
	parts   []*part
	streams []*stream     // those that are not finished, part by part
	hidden  []float32     // (streams, dim): what the body makes of their last tokens
	ready   chan struct{} // receives for every part that is done
	waiting int           // parts that are not received
	static  odds
	adapted odds
}

// part is the streams of a group that one goroutine runs through the body.
type part struct {
	group   *group
	state   *model.State
	streams []*stream
	rows    []model.Row
	hidden  []float32 // of the group's
}

// odds is what one output head says of the next token of each stream.
type odds struct {
	weights []uint32 // (streams, rows)
	cum     []uint32 // (streams, rows+1) their prefix sums
}

func newModelCoder(lm *LM, workers int) *modelCoder {
	return &modelCoder{
		lm:      lm,
		workers: workers,
		static:  lm.head.Share(),
		adapted: lm.head.Clone(),
		pred:    NewPredictor(),
	}
}

// encode appends the payload of plain to dst.
func (c *modelCoder) encode(dst, plain []byte) []byte {
	c.enc.Reset(dst)
	c.start(encodeLines(&c.enc, plain), &c.enc)
	for _, g := range c.groups {
		for _, p := range g.parts {
			for _, s := range p.streams {
				s.ids = c.lm.Tok.Encode(nil, s.bytes)
			}
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

const (
	maxGroups = 2
	maxParts  = 2 // of a group
	// partStreams is the least that a part should hold: with fewer rows a
	// matrix product takes longer to read the weights than to use them.
	partStreams = 4
)

// start cuts a block into streams, the streams into two groups where there are
// enough of them, and the groups into parts.
func (c *modelCoder) start(block []byte, bits bitCoder) {
	c.bits = bits
	c.adapted.Reset()
	c.pred.Reset(len(block), true)
	n := streamCount(len(block))
	groups := min(n, maxGroups)
	parts := groups * max(1, min(maxParts, n/groups/partStreams))
	for len(c.parts) < parts {
		c.parts = append(c.parts, &part{state: c.lm.Model.NewState(maxStreams / maxGroups)})
	}
	c.groups = c.groups[:0]
	for i := range groups {
		g := &group{parts: c.parts[i*parts/groups : (i+1)*parts/groups], ready: make(chan struct{}, maxParts)}
		for _, p := range g.parts {
			p.group, p.streams = g, p.streams[:0]
		}
		c.groups = append(c.groups, g)
	}
	for i := range n {
		from, to := cut(len(block), n, i)
		p := c.parts[i*parts/n]
		s := &stream{slot: i - i*parts/n*n/parts, bytes: block[from:to], last: c.lm.separator()}
		c.pred.Start(&s.cur, from)
		p.state.Reset(s.slot)
		p.streams = append(p.streams, s)
	}
}

// run takes the groups in turn until every stream is finished.
func (c *modelCoder) run() error {
	c.body = nil
	if c.workers > 1 && len(c.groups) > 1 {
		c.body = make(chan *part, maxGroups*maxParts)
		defer close(c.body)
		go func(work <-chan *part) {
			for p := range work {
				c.forward(p)
			}
		}(c.body)
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
			c.await(g)
			if err := c.step(g); err != nil {
				for _, g := range c.groups {
					c.await(g)
				}
				return err
			}
			c.launch(g)
			busy = true
		}
	}
	return nil
}

// launch has the body read the last token of every stream of g that still has
// bytes to come.
func (c *modelCoder) launch(g *group) {
	dim := c.lm.Model.Config().Dim
	g.streams = g.streams[:0]
	for _, p := range g.parts {
		p.streams = slices.DeleteFunc(p.streams, (*stream).finished)
		p.rows = p.rows[:0]
		for _, s := range p.streams {
			p.rows = append(p.rows, model.Row{Stream: s.slot, Token: s.last})
		}
		g.streams = append(g.streams, p.streams...)
	}
	if len(g.hidden) < len(g.streams)*dim {
		g.hidden = make([]float32, len(g.streams)*dim)
	}
	at := 0
	for _, p := range g.parts {
		p.hidden = g.hidden[at*dim:]
		at += len(p.rows)
		if len(p.rows) == 0 {
			continue
		}
		g.waiting++
		if c.body != nil {
			c.body <- p
		} else {
			c.forward(p)
		}
	}
}

func (c *modelCoder) forward(p *part) {
	c.lm.Model.Forward(p.state, p.rows, p.hidden)
	p.group.ready <- struct{}{}
}

// await returns when all parts of g are done, and works on those of any group
// that nobody has begun meanwhile.
func (c *modelCoder) await(g *group) {
	for g.waiting > 0 {
		select {
		case <-g.ready:
			g.waiting--
		case p := <-c.body:
			c.forward(p)
		}
	}
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
	c.meter.add(len(text))
	s.last = t.id[rank]
	return rank, nil
}

func tooLong(length, room int) error {
	return fmt.Errorf("%w: a token of %d bytes or more where %d are left", ErrCorrupt, length, room)
}
