package prequential

import (
	"fmt"

	"kolm/internal/kernel"
	"kolm/internal/learn"
	"kolm/internal/model"
)

// separator is the token that the text begins with; the others are its bytes.
const separator = 256

// Size is the size of the model, and how it learns.
type Size struct {
	Layers, Dim, FFN int
	Length, Every    int     // bytes that a step learns from, bytes between steps
	Replay           int     // of these, earlier places that it learns from too
	Rate, HeadRate   float32 // of Adam for the body, of descent for the output table
}

// SizeFor is the size for a text of n bytes. On 100 KB of books a single layer and
// half the steps were worse; width 96 was better by 1 %, at twice the time.
func SizeFor(n int) Size {
	s := Size{Layers: 2, Dim: 64, FFN: 128, Length: 128, Every: 32, Replay: 3, Rate: 0x1p-8, HeadRate: 0x1p-8}
	switch {
	case n < 20_000:
		s.Layers, s.Dim, s.FFN = 1, 32, 64
	case n >= 1_000_000:
		s.Dim, s.FFN, s.Every = 96, 192, 64
	}
	return s
}

func (s Size) String() string {
	return fmt.Sprintf("%d layers of %d over bytes", s.Layers, s.Dim)
}

func (s Size) config() model.Config {
	return model.Config{
		Vocab: separator + 1, Dim: s.Dim, Layers: s.Layers, Heads: s.Dim / headDim, KVHeads: s.Dim / headDim, HeadDim: headDim,
		FFN: s.FFN, Window: 2 * s.Length, RopeBase: 10000, Eps: 0x1p-20,
	}
}

const headDim = 32

// random is the generator splitmix64 (Steele, Lea, Flood 2014).
type random uint64

func (r *random) next() uint64 {
	*r += 0x9E3779B97F4A7C15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// below is a number below n, which is small.
func (r *random) below(n int) int { return int(r.next() >> 32 * uint64(n) >> 32) }

// matrix is (rows, cols) of multiples of 2^-23 times a power of two, evenly
// spread, with a variance of about 1/cols.
func (r *random) matrix(rows, cols int) model.Matrix {
	half := float32(2)
	for half*half*float32(cols) > 4 {
		half /= 2
	}
	m := model.Matrix{Rows: rows, Cols: cols, F: make([]float32, rows*cols)}
	for i := range m.F {
		m.F[i] = float32(int32(r.next()>>40)-1<<23) * 0x1p-23 * half
	}
	return m
}

// weights are those that a model begins with.
func weights(c model.Config) *model.Weights {
	r := new(random)
	q := c.Heads * c.HeadDim
	w := &model.Weights{Embed: r.matrix(c.Vocab, c.Dim), OutputNorm: ones(c.Dim), Output: r.matrix(c.Vocab, c.Dim)}
	for range c.Layers {
		w.Layers = append(w.Layers, model.Layer{
			AttnNorm: ones(c.Dim), Q: r.matrix(q, c.Dim), K: r.matrix(q, c.Dim), V: r.matrix(q, c.Dim),
			QNorm: ones(c.HeadDim), KNorm: ones(c.HeadDim), O: r.matrix(c.Dim, q),
			FFNNorm: ones(c.Dim), Gate: r.matrix(c.FFN, c.Dim), Up: r.matrix(c.FFN, c.Dim), Down: r.matrix(c.Dim, c.FFN),
		})
	}
	return w
}

func ones(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

// net is a model that predicts a text byte by byte, and learns it.
type net struct {
	size    Size
	body    *model.Model
	state   *model.State
	head    *model.AdaptiveHead
	learner *learn.Learner
	random  random

	tokens  []int32 // read so far
	hidden  []float32
	logits  []float32
	weights []uint32
	cum     []uint32
	table   []float32
}

func newNet(s Size, threads int) (*net, error) {
	c := s.config()
	w := weights(c)
	first, err := model.New(c, w)
	if err != nil {
		return nil, err
	}
	l, err := learn.New(c, w, learn.Options{
		Length: s.Length, Sequences: 1 + s.Replay, Threads: threads,
		Rate: learn.Rate{Matrix: s.Rate, Gain: s.Rate, Input: s.Rate},
	})
	if err != nil {
		return nil, err
	}
	n := &net{
		size: s, body: first.Copy(), state: first.NewState(1), head: first.NewAdaptiveHead(nil), learner: l,
		hidden: make([]float32, c.Dim), logits: make([]float32, c.Vocab),
		weights: make([]uint32, c.Vocab), cum: make([]uint32, c.Vocab+1), table: w.Output.Floats(),
	}
	l.Export(n.body)
	n.read(separator)
	return n, nil
}

// read has the model read a token: weights and cum are then those of the next.
func (n *net) read(token int32) {
	n.tokens = append(n.tokens, token)
	n.body.Forward(n.state, []model.Row{{Token: token}}, n.hidden)
	n.head.Logits(n.logits, n.hidden, 1)
	kernel.Weights(n.weights, n.logits)
	kernel.PrefixSum(n.cum, n.weights)
}

// learn tells the byte that follows.
func (n *net) learn(b byte) {
	n.head.Update(n.hidden, int(b), n.cum, n.size.HeadRate, headThreshold)
	if len(n.tokens)%n.size.Every == 0 {
		n.step(int32(b))
	}
	n.read(int32(b))
}

// headThreshold / 2^31 is the probability up to which bytes that did not occur are
// left alone.
const headThreshold = 1 << 16

// step has the body learn from the last bytes, next being the newest, and from
// places before them.
func (n *net) step(next int32) {
	n.head.Table(n.table)
	n.learner.SetOutput(n.table)
	text, length := append(n.tokens, next), n.size.Length
	from := max(0, len(text)-1-length)
	seqs := []learn.Sequence{{Tokens: text[from : len(text)-1], Targets: text[from+1:]}}
	for range n.size.Replay {
		if from == 0 {
			break
		}
		at := n.random.below(from)
		seqs = append(seqs, learn.Sequence{Tokens: text[at : at+length], Targets: text[at+1:][:length]})
	}
	n.learner.Step(seqs)
	n.learner.Export(n.body)
	n.again()
}

// again has the model as it is now read the text before the newest byte, as far
// as it learns from, so that nothing is left of what older weights made of it.
func (n *net) again() {
	n.state.Reset(0)
	text := n.tokens[max(0, len(n.tokens)-(n.size.Length-n.size.Every)):]
	rows := make([]model.Row, len(text))
	for i, t := range text {
		rows[i].Token = t
	}
	n.body.Forward(n.state, rows, make([]float32, len(rows)*len(n.hidden)))
}
