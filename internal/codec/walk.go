package codec

// walk keeps the predictor in step with one walk down the tree: it tells it of
// every byte that is decided, and whether the token ends after it.
type walk struct {
	c     *modelCoder
	s     *stream
	depth int  // bytes decided
	open  bool // the predictor has begun the byte at depth
	ended bool // the mark after the last byte is given
}

// advance tells the predictor of the bytes of text up to depth.
func (w *walk) advance(text []byte, depth int) {
	for w.depth < depth {
		w.begin()
		w.c.pred.End(&w.s.cur, text[w.depth])
		w.depth++
		w.open, w.ended = false, false
	}
}

// begin turns the predictor to the byte at depth.
func (w *walk) begin() {
	if w.open {
		return
	}
	if w.depth > 0 {
		w.end(false)
	}
	w.c.pred.Begin(&w.s.cur)
	w.open = true
}

// end marks the last byte decided.
func (w *walk) end(ends bool) {
	if !w.ended {
		w.c.pred.Mark(&w.s.cur, ends)
		w.ended = true
	}
}

// decide codes the decision at n and returns the side it takes. The encoder's
// side is that of the target rank.
func (w *walk) decide(n *node, target int32) int {
	side := 0
	if target >= n.mid {
		side = 1
	}
	p := w.c.pred
	if n.flag() {
		bit := w.c.bits.code(1-side, p.PEnd(&w.s.cur, &w.c.opinion))
		p.UpdateEnd(bit)
		w.end(bit == 1)
		return 1 - bit
	}
	w.begin()
	bit := w.c.bits.code(side, p.P(int(n.partial), &w.c.opinion))
	p.Update(bit)
	return bit
}
