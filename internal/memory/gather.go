package memory

import (
	"context"
	"fmt"
	"math"
	"sync"

	"kolm/internal/lm"
)

// GatherOptions say what an index holds.
type GatherOptions struct {
	Top    int     // triggers a neuron, of each sign
	Active float64 // a neuron is active where |a| ‖v‖ is more than this share of the stream's length
}

// DefaultGather are the options of Geva et al., 2021, with a definition of active
// that serves activations that are never 0.
func DefaultGather() GatherOptions { return GatherOptions{Top: 25, Active: .01} }

// bins of the histogram of coefficients: powers of two from 2^-8 to 2^7 and beyond,
// of negative ones first, largest first.
const (
	bins   = 32
	leastE = -8
)

// bin is the place of a coefficient in the histogram.
func bin(a float32) int {
	b := math.Float32bits(a)
	e := min(max(int(b>>23&0xff)-127-leastE, 0), bins/2-1)
	if b>>31 == 1 {
		return bins/2 - 1 - e
	}
	return bins/2 + e
}

// BinEdge is the lower end of a bin of the histogram by absolute value, with its
// sign; bins 15 and 16 reach to 0.
func BinEdge(bin int) float64 {
	if bin < bins/2 {
		return -math.Ldexp(1, bins/2-1-bin+leastE)
	}
	return math.Ldexp(1, bin-bins/2+leastE)
}

// fixed is the number of binary digits after the point of sums.
const fixed = 20

// trigger is a token that made a neuron fire.
type trigger struct {
	at    *sentence
	start int // byte in the sentence
	token int32
	next  int32
}

// cell gathers one neuron.
type cell struct {
	max, min heap[trigger] // min by negative value
	hist     [bins]uint32
	active   uint32
	sum      uint64 // of |a|, in units of 2^-fixed, so that no order of adding matters
}

// Gather reads a corpus and keeps, for every neuron, what made it fire most.
type Gather struct {
	GatherOptions
	Docs   int   // read whole
	Pieces int   // of the next document that are read
	Tokens int64 // read: positions at which every neuron was seen
	Next   int64 // position in the corpus of the next document's first token
	Bytes  int64

	model   *Model
	group   int
	waiting []*piece // to be read
	end     int64    // position in the corpus after them
	resumed int      // pieces of the first document that were read before
	signed  bool     // keep minima
	norms   [][]float32
	cells   [][]cell // by layer, neuron
	locks   []sync.Mutex
	carry   []float64 // by layer: sum of how many neurons carry 90 %
	looked  int64     // positions at which that was counted
}

// NewGather begins an index of a model.
func NewGather(m *Model, o GatherOptions) (*Gather, error) {
	if o.Top < 1 || !(o.Active >= 0) {
		return nil, fmt.Errorf("%d triggers a neuron, active from a share of %g: want at least 1, and 0 or more", o.Top, o.Active)
	}
	c := &m.LM.Config
	g := &Gather{GatherOptions: o, model: m, group: group(m.Threads), locks: make([]sync.Mutex, c.Layers), carry: make([]float64, c.Layers)}
	for l := range c.Layers {
		norms, err := m.valueNorms(l)
		if err != nil {
			return nil, err
		}
		g.norms = append(g.norms, norms)
		g.cells = append(g.cells, make([]cell, c.FFN))
	}
	g.signed = m.LM.Weights.Layers[0].Gate.Matrix != nil
	return g, nil
}

// group is how many pieces are read together by so many threads between two chances
// to stop and to show progress. They may be of several documents. What is kept does
// not depend on it.
func group(threads int) int { return max(16, 8*threads) }

// Add reads the next document, together with others. It calls pause after every
// group of pieces, when the state is whole and may be saved; what pause returns ends
// the reading. Flush reads what is left.
func (g *Gather) Add(ctx context.Context, name string, text []byte, pause func(bytes int) error) error {
	pieces, err := g.model.pieces(name, text, g.end)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, p := range pieces {
		g.end += int64(len(p.tokens) - p.skip)
	}
	pieces, g.resumed = pieces[min(g.resumed, len(pieces)):], 0
	switch n := len(g.waiting); {
	case len(pieces) > 0:
		pieces[len(pieces)-1].ends = 1
		pieces[len(pieces)-1].after = g.end
	case n > 0: // a document without tokens ends with the one before it
		g.waiting[n-1].ends++
	default:
		g.Docs++
	}
	g.waiting = append(g.waiting, pieces...)
	for len(g.waiting) >= g.group {
		if err := g.read(ctx, g.group, pause); err != nil {
			return err
		}
	}
	return nil
}

// Flush reads what Add has left waiting.
func (g *Gather) Flush(ctx context.Context, pause func(bytes int) error) error {
	if len(g.waiting) == 0 {
		return nil
	}
	return g.read(ctx, len(g.waiting), pause)
}

// read reads the next n pieces.
func (g *Gather) read(ctx context.Context, n int, pause func(bytes int) error) error {
	part := g.waiting[:n]
	if err := g.readAll(part); err != nil {
		return fmt.Errorf("%s: %w", part[0].doc, err)
	}
	g.waiting = g.waiting[n:]
	bytes := 0
	for _, p := range part {
		g.Tokens += int64(len(p.tokens) - p.skip)
		bytes += p.bytes
		g.Pieces++
		if p.ends > 0 {
			g.Docs, g.Pieces, g.Next = g.Docs+p.ends, 0, p.after
		}
	}
	g.Bytes += int64(bytes)
	if err := pause(bytes); err != nil {
		return err
	}
	return ctx.Err()
}

// readAll reads pieces in parallel. What is kept does not depend on the order.
func (g *Gather) readAll(pieces []*piece) error {
	work, errs := make(chan *piece), make(chan error, g.model.Threads)
	room := 0 // tokens of the longest: pieces may be far shorter than the context
	for _, p := range pieces {
		room = max(room, len(p.tokens))
	}
	var wait sync.WaitGroup
	for range min(g.model.Threads, len(pieces)) {
		wait.Go(func() {
			r, err := g.newReader(room)
			for p := range work {
				if err == nil {
					err = r.read(p)
				}
			}
			if err == nil {
				r.merge()
			}
			errs <- err
		})
	}
	for _, p := range pieces {
		work <- p
	}
	close(work)
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// reader is one goroutine's part of a Gather.
type reader struct {
	g        *Gather
	session  *lm.Session
	piece    *piece
	hist     [][]uint32 // by layer: (FFN, bins)
	active   [][]uint32
	sum      [][]uint64
	carry    []float64
	looked   int64
	length   []float32 // of the stream before the feed-forward part, by token
	max, min []float32 // of a sentence, by neuron
	atMax    []int32
	atMin    []int32
}

// newReader returns a reader of pieces of up to room tokens.
func (g *Gather) newReader(room int) (*reader, error) {
	c := &g.model.LM.Config
	s, err := g.model.LM.NewSessionIn(c.Context, room)
	if err != nil {
		return nil, err
	}
	r := &reader{g: g, session: s, carry: make([]float64, c.Layers)}
	for range c.Layers {
		r.hist, r.active = append(r.hist, make([]uint32, c.FFN*bins)), append(r.active, make([]uint32, c.FFN))
		r.sum = append(r.sum, make([]uint64, c.FFN))
	}
	r.max, r.min = make([]float32, c.FFN), make([]float32, c.FFN)
	r.atMax, r.atMin = make([]int32, c.FFN), make([]int32, c.FFN)
	s.Threads, s.Batch, s.Tap = 1, room, r.tap
	return r, nil
}

func (r *reader) read(p *piece) error {
	r.piece = p
	r.session.Truncate(0)
	return r.session.Feed(p.tokens, nil)
}

// lookEvery is how far apart the positions are at which the neurons that carry 90 %
// of the work are counted: it takes sorting.
const lookEvery = 61

// tap looks at the coefficients of a whole piece, sentence by sentence.
func (r *reader) tap(site lm.Site, rows []float32) {
	if site.Point == lm.Middle {
		r.measure(rows, site.Width)
	}
	if site.Point != lm.Coefficients {
		return
	}
	p, l, n := r.piece, site.Layer, site.Width
	for from := p.skip; from < len(p.tokens); {
		to := from + 1
		for to < len(p.tokens) && p.of[to] == p.of[from] {
			to++
		}
		copy(r.max, rows[from*n:][:n])
		copy(r.min, rows[from*n:][:n])
		for i := range n {
			r.atMax[i], r.atMin[i] = int32(from), int32(from)
		}
		for t := from; t < to; t++ {
			row := rows[t*n:][:n]
			r.extremes(row, int32(t))
			r.count(l, row, r.length[t])
			if (p.positions+int64(t))%lookEvery == 0 {
				r.carry[l] += float64(carry(row, r.g.norms[l], .9))
				if l == 0 {
					r.looked++
				}
			}
		}
		r.offer(l, n)
		from = to
	}
}

func (r *reader) extremes(row []float32, t int32) {
	top, low := r.max[:len(row)], r.min[:len(row)]
	for i, a := range row {
		if a > top[i] {
			top[i], r.atMax[i] = a, t
		}
		if a < low[i] {
			low[i], r.atMin[i] = a, t
		}
	}
}

// measure finds the lengths of the stream's rows.
func (r *reader) measure(rows []float32, width int) {
	r.length = r.length[:0]
	for ; len(rows) > 0; rows = rows[width:] {
		squares := 0.0
		for _, v := range rows[:width] {
			squares += float64(v) * float64(v)
		}
		r.length = append(r.length, float32(math.Sqrt(squares)))
	}
}

// count adds a position to the statistics; length is that of the stream. Much of
// the time goes here: no branch depends on a coefficient.
func (r *reader) count(l int, row []float32, length float32) {
	n := len(row)
	norms, sums, active, hist := r.g.norms[l][:n], r.sum[l][:n], r.active[l][:n], r.hist[l]
	least := math.Float32bits(float32(r.g.Active) * length)
	for i, a := range row {
		hist[i*bins+bin(a)]++
		a = math.Float32frombits(math.Float32bits(a) &^ (1 << 31))
		sums[i] += uint64(int64(a * (1 << fixed)))
		// Numbers that are not negative are in the order of their bits.
		active[i] += (least - math.Float32bits(a*norms[i])) >> 31
	}
}

// offer gives the extremes of a sentence to the heaps of a layer.
func (r *reader) offer(l, n int) {
	g, p := r.g, r.piece
	g.locks[l].Lock()
	defer g.locks[l].Unlock()
	give := func(h *heap[trigger], value float32, t int32) {
		if len(*h) < g.Top || float64(value) >= (*h)[0].value {
			at := p.positions + int64(t) - int64(p.skip)
			h.offer(entry[trigger]{float64(value), at, trigger{p.of[t], p.starts[t], p.tokens[t], p.next[t]}}, g.Top)
		}
	}
	for i := range n {
		c := &g.cells[l][i]
		if r.max[i] > 0 {
			give(&c.max, r.max[i], r.atMax[i])
		}
		if g.signed && r.min[i] < 0 {
			give(&c.min, -r.min[i], r.atMin[i])
		}
	}
}

// merge adds the counts of a reader.
func (r *reader) merge() {
	g := r.g
	for l := range g.cells {
		g.locks[l].Lock()
		for i := range g.cells[l] {
			c := &g.cells[l][i]
			for b := range bins {
				c.hist[b] += r.hist[l][i*bins+b]
			}
			c.active += r.active[l][i]
			c.sum += r.sum[l][i]
		}
		g.carry[l] += r.carry[l]
		g.locks[l].Unlock()
	}
	g.locks[0].Lock()
	g.looked += r.looked
	g.locks[0].Unlock()
}
