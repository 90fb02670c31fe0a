package model

import "kolm/internal/kernel"

// State is what a model remembers of a number of streams, and the memory that
// Forward works in. One goroutine at a time may use it.
//
// Each stream counts its tokens from position 0 and keeps the keys and values
// of the last Window of them in a ring: position p is in slot p mod Window. A
// stream that reaches position 2^20 starts again, empty, at position 0.
type State struct {
	m     *Model
	pos   []int  // by stream: tokens so far
	kv    []int8 // keys and values of all rings
	rings []ring // by (layer, stream, key/value head), as they are read
	buf   buffers
}

// ring holds the keys and values of one head, quantised per position.
type ring struct {
	k  *kernel.I8 // (Window, HeadDim): keys as rows, with their scales
	v  []int8     // panels of 16 dimensions: [dim/16][slot/4][dim%16][slot%4]
	vs []float32  // (Window) scales of the values
}

// buffers is the working memory of one Forward, for n rows where it says so.
type buffers struct {
	pos      []int     // (n)
	cos, sin []float32 // (n, HeadDim/2)
	x        []float32 // (n, Dim) residual stream
	t        []float32 // (n, Dim) what a block adds to it; normalised rows
	y        []float32 // (n, qkv or gate|up width)
	a        []float32 // (n, heads' width) attention output
	q        []uint8   // (n, longest row) quantised input of a matrix
	qs       []float32 // (n) its scales

	// attention of one row and one key/value head, for the rep query heads
	// that share it
	head   []uint8   // (rep, HeadDim) quantised queries
	scale  []float32 // (rep)
	scores []float32 // (rep, Window)
	probs  []uint8   // (rep, Window)
	out    []float32 // (rep, 16)
	new    []int8    // (HeadDim) key or value to be stored
	view   kernel.I8 // part of a ring as a matrix
	ones   []float32 // (HeadDim) scales and sums of values: a value's scale is
	zeros  []int32   // in its probability
}

// NewState returns the state of a number of streams, all empty.
func (m *Model) NewState(streams int) *State {
	c := m.c
	s := &State{m: m, pos: make([]int, streams), rings: make([]ring, streams*c.Layers*c.KVHeads)}
	// Keys and values lie in the order in which they are read, so that they can be
	// fetched ahead.
	n := c.Window * c.HeadDim
	s.kv = make([]int8, 2*n*len(s.rings))
	scales, sums := make([]float32, 2*c.Window*len(s.rings)), make([]int32, c.Window*len(s.rings))
	for i := range s.rings {
		kv, scales := s.kv[2*i*n:], scales[2*i*c.Window:]
		s.rings[i] = ring{
			k:  &kernel.I8{Rows: c.Window, Cols: c.HeadDim, Data: kv[:n], Scale: scales[:c.Window], Sum: sums[i*c.Window:][:c.Window]},
			v:  kv[n:][:n],
			vs: scales[c.Window:][:c.Window],
		}
	}
	s.buf = newBuffers(&c)
	return s
}

// Share returns a State of the streams of s with working memory of its own: two
// goroutines may use the two at a time, if for different streams.
func (s *State) Share() *State {
	t := *s
	t.buf = newBuffers(&s.m.c)
	return &t
}

func newBuffers(c *Config) (b buffers) {
	rep := c.Heads / c.KVHeads
	b.head = make([]uint8, rep*c.HeadDim)
	b.scale = make([]float32, rep)
	b.scores = make([]float32, rep*c.Window)
	b.probs = make([]uint8, rep*c.Window)
	b.out = make([]float32, rep*kernel.Panel)
	b.new = make([]int8, c.HeadDim)
	b.ones, b.zeros = make([]float32, c.HeadDim), make([]int32, c.HeadDim)
	for i := range b.ones {
		b.ones[i] = 1
	}
	return b
}

// HugePages is Model.HugePages for the keys and values.
func (s *State) HugePages() { kernel.HugePages(s.kv) }

// Streams returns the number of streams.
func (s *State) Streams() int { return len(s.pos) }

// Reset empties a stream: its next token has position 0 and sees nothing.
func (s *State) Reset(stream int) { s.pos[stream] = 0 }

// ring is where a stream keeps the keys and values of one head of a layer.
func (s *State) ring(stream, layer, head int) *ring {
	c := &s.m.c
	return &s.rings[(layer*len(s.pos)+stream)*c.KVHeads+head]
}

// grow makes the buffers large enough for n rows.
func (b *buffers) grow(c *Config, n int) {
	if len(b.pos) >= n {
		return
	}
	b.pos = make([]int, n)
	b.cos, b.sin = make([]float32, n*c.HeadDim/2), make([]float32, n*c.HeadDim/2)
	b.x, b.t = make([]float32, n*c.Dim), make([]float32, n*c.Dim)
	b.y = make([]float32, n*max(c.qWidth()+2*c.kvWidth(), 2*c.FFN))
	b.a = make([]float32, n*c.qWidth())
	b.q = make([]uint8, n*max(c.Dim, c.qWidth(), c.FFN))
	b.qs = make([]float32, n)
}
