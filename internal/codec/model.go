package codec

import (
	"fmt"
	"slices"

	"kolm/internal/model"
)

// The output head learns by this rate from every token, and leaves alone rows
// whose probability is at most headThreshold / 2^31. Both were chosen on
// held-out training text: half the rate costs 0.5 %, half the threshold gains
// 0.1 % and takes 5 % more time.
const (
	headRate      = 1.0 / 32
	headThreshold = 1 << 23
	// headSure is the weight of a token, of 2^31, from which nothing is learned
	// from it. That costs nothing and saves much on text that repeats.
	headSure = 6 << 28
)

// modelCoder codes blocks with a language model mixed into the contexts.
//
// The work is split so that two goroutines can share it without touching each
// other's state: what the body of the transformer and its own output head make
// of the tokens is a function of these alone and may run in the background for
// some groups of streams, while everything that adapts (output head, contexts,
// mixer, coder) works on another. When a group's turn comes and its body is not
// done, both goroutines share what is left. That all that adapts stays with one
// of them keeps it in the caches of one CPU.
type modelCoder struct {
	lm      *LM
	workers int
	adapted *model.AdaptiveHead
	logits  []float32 // (streams of a group, rows) of the adapted head
	state   *model.State
	here    *runner // of the goroutine that codes
	ahead   *runner // of the one in the background
	pred    *Predictor
	enc     encoder
	dec     decoder
	bits    bitCoder
	gate    *gate  // of the encoder; nil: the model is sure to pay
	meter   *meter // may be nil

	groups []*group
	body   chan *group // waiting for whoever is free
	// together is how many groups the body reads at a time. Products of sixteen rows
	// are faster than of four, but where another goroutine reads ahead, what waits for
	// so many waits longer than that gains.
	together int
	kept     []*group // from block to block
	huge     bool     // hugePages was called
	opinion  Opinion
	frozen   []uint32 // prefix sums of a third opinion, if there is one
}

// group is a set of streams that take their steps together.
type group struct {
	streams []*stream     // those that are not finished
	hidden  []float32     // (streams, dim): what the body makes of their last tokens
	ready   chan struct{} // receives when hidden and static are
	static  odds
	adapted odds
}

func newModelCoder(lm *LM, workers int) *modelCoder {
	return &modelCoder{
		lm:      lm,
		workers: workers,
		adapted: lm.head.Clone(),
		pred:    NewPredictor(),
	}
}

// encode appends the payload of plain to dst. It gives up, and returns dst and
// false, if the model does not seem to pay: where the block without the model
// takes alone bytes, if that is not 0.
func (c *modelCoder) encode(dst, plain []byte, alone int) ([]byte, bool) {
	return c.encodeAs(dst, plain, structured(plain), alone)
}

func (c *modelCoder) encodeAs(dst, plain []byte, rich bool, alone int) ([]byte, bool) {
	c.enc.Reset(dst)
	text := encodeLines(&c.enc, plain)
	codeRich(&c.enc, rich)
	c.gate = newGate(c.pred, text, rich, alone)
	c.start(text, &c.enc, rich)
	for _, g := range c.groups {
		for _, s := range g.streams {
			s.ids = c.lm.Tok.Encode(nil, s.bytes)
		}
	}
	err := c.run()
	if err == errIdle {
		return dst, false
	}
	if err != nil {
		panic(err) // an encoder's tokens always fit
	}
	return c.enc.Flush(), true
}

// decode fills dst from its payload.
func (c *modelCoder) decode(dst, payload []byte) error {
	c.dec.Reset(payload)
	c.gate = nil
	return decodeLines(&c.dec, dst, func(text []byte) error {
		c.start(text, &c.dec, codeRich(&c.dec, false))
		return c.run()
	})
}

// start cuts a block into streams and the streams into groups.
func (c *modelCoder) start(block []byte, bits bitCoder, rich bool) {
	c.bits = bits
	c.adapted.Reset()
	c.pred.Reset(len(block), Mode{LM: true, Rich: rich})
	n := streamCount(len(block))
	groups := groupCount(n)
	for len(c.kept) < groups {
		c.kept = append(c.kept, &group{ready: make(chan struct{}, 1)})
	}
	c.groups = c.kept[:groups]
	c.hold(n)
	if n == maxStreams {
		c.hugePages()
	}
	for i, g := range c.groups {
		g.streams = g.streams[:0]
		for slot := range n / groups {
			slot += i * n / groups
			from, to := cut(len(block), n, slot)
			s := &stream{slot: slot, from: from, bytes: block[from:to], last: c.lm.separator()}
			c.pred.Start(&s.cur, from)
			c.state.Reset(s.slot)
			g.streams = append(g.streams, s)
		}
	}
}

// hold has a state for n streams.
func (c *modelCoder) hold(n int) {
	if c.state != nil && c.state.Streams() >= n {
		return
	}
	c.state, c.huge = c.lm.Model.NewState(n), false
	c.here = newRunner(c.lm, c.state)
	c.ahead = newRunner(c.lm, c.state.Share())
}

// hugePages asks for large pages under all that long blocks read again and again.
func (c *modelCoder) hugePages() {
	if c.huge {
		return
	}
	c.huge = true
	c.lm.Model.HugePages()
	c.lm.head.Share().HugePages() // others use the head itself, not only its rows
	c.adapted.HugePages()
	c.state.HugePages()
}

// run takes the groups in turn until every stream is finished.
func (c *modelCoder) run() error {
	c.body = make(chan *group, maxGroups)
	defer close(c.body)
	c.together = maxGroups
	if c.workers > 1 && len(c.groups) > 1 {
		c.together = 1
		go c.ahead.work(c.body)
	}
	for _, g := range c.groups {
		c.launch(g)
	}
	for busy := true; busy; {
		busy = false
		for i, g := range c.groups {
			if len(g.streams) == 0 {
				continue
			}
			c.await(g)
			if err := c.step(g); err != nil {
				c.settle(i)
				return err
			}
			c.launch(g)
			busy = true
		}
	}
	return nil
}

// settle waits for all groups but one, whose body is not at work.
func (c *modelCoder) settle(but int) {
	for i, g := range c.groups {
		if i != but && len(g.streams) > 0 {
			c.await(g)
		}
	}
}

// launch has the body read the last token of every stream of g that still has
// bytes to come.
func (c *modelCoder) launch(g *group) {
	g.streams = slices.DeleteFunc(g.streams, (*stream).finished)
	if len(g.streams) > 0 {
		c.body <- g
	}
}

// await returns when the body of g is done, and works on that of groups that
// nobody has begun meanwhile.
func (c *modelCoder) await(g *group) {
	for {
		select {
		case <-g.ready:
			return
		default:
		}
		select {
		case <-g.ready:
			return
		case other := <-c.body:
			c.here.run(other, c.body, c.together)
		}
	}
}

// step codes one token of every stream of g.
func (c *modelCoder) step(g *group) error {
	n, rows, dim := len(g.streams), c.adapted.Rows(), c.lm.Model.Config().Dim
	c.logits = atLeast(c.logits, n*rows)
	c.adapted.Logits(c.logits, g.hidden, n)
	g.adapted.fill(c.logits, n, rows)
	for i, s := range g.streams {
		spent := c.enc.spent
		cum := g.adapted.cum[i*(rows+1):][:rows+1]
		rank, err := c.token(s, g.static.cum[i*(rows+1):][:rows+1], cum)
		if err != nil {
			return err
		}
		if cum[rank+1]-cum[rank] < headSure {
			c.adapted.Update(g.hidden[i*dim:][:dim], int(rank), cum, headRate, headThreshold)
		}
		if c.gate != nil {
			c.gate.note(s, c.enc.spent-spent)
		}
	}
	if c.gate != nil && c.gate.idle() {
		return errIdle
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
	if s.ids == nil && c.dec.Overrun() > 8 { // nothing is left to learn what follows from
		return 0, checkEnd(&c.dec.Decoder)
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
		c.opinion.hearFrozen(n, c.frozen)
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
