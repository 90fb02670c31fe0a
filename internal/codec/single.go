package codec

import (
	"sync"

	"kolm/internal/kernel"
	"kolm/internal/learn"
	"kolm/internal/model"
)

// A block that is coded as one stream is smaller, since everything that adapts
// then learns the text in its order, and since no stream but one begins with
// nothing read; it keeps little more than one core busy. The output head learns
// faster there, and from rows of less probability.
const (
	singleRate      = 3.0 / 64
	singleThreshold = 1 << 20
)

// The body learns from so many tokens at a time, no more than the window, by
// this rate of Adam. Rates of 1e-3 harm from the first step, rates of 6e-4 after
// a few tens of KB of program text.
const (
	learnTokens = 192
	learnRate   = 2.0 / 10000
)

// singleCoder codes blocks as one stream, with a body that learns, if that is
// asked for, from what was coded.
type singleCoder struct {
	c        *modelCoder // its predictor, its adapted head and its coders
	learns   bool        // in the block at hand
	frozen   reader      // the model
	static   outlook
	adapted  outlook
	learning *learning // nil until a block needs it
}

// reader is a body at work on a stream.
type reader struct {
	body   *model.Model
	state  *model.State
	hidden []float32 // (Dim)
}

// outlook is what an output head makes of a final state.
type outlook struct {
	head         *model.AdaptiveHead
	logits       []float32 // (rows)
	weights, cum []uint32  // (rows), (rows+1) prefix sums
}

// learning is a body that learns and what that takes: about 40 bytes a weight.
type learning struct {
	reader
	outlook
	learner *learn.Learner
	table   []float32 // (Vocab, Dim) output table as far as the head has learned
	tokens  []int32   // those that the next step learns from, and one before
	length  int       // tokens a step
}

func newSingleCoder(c *modelCoder) *singleCoder {
	return &singleCoder{c: c, frozen: newReader(c.lm.Model), static: newOutlook(c.lm.head.Share()), adapted: newOutlook(c.adapted)}
}

func newReader(m *model.Model) reader {
	return reader{m, m.NewState(1), make([]float32, m.Config().Dim)}
}

func newOutlook(head *model.AdaptiveHead) outlook {
	n := head.Rows()
	return outlook{head, make([]float32, n), make([]uint32, n), make([]uint32, n+1)}
}

func newLearning(lm *LM, workers int) (*learning, error) {
	length := min(learnTokens, lm.Model.Config().Window)
	l, err := learn.New(lm.Model.Config(), lm.Model.Weights(), learn.Options{
		Length: length, Sequences: 1, Threads: workers,
		Rate: learn.Rate{Matrix: learnRate, Gain: learnRate, Input: learnRate},
	})
	if err != nil {
		return nil, err
	}
	return &learning{reader: newReader(lm.Model), outlook: newOutlook(lm.head.Clone()), learner: l, length: length}, nil
}

// encode appends the payload of plain to dst.
func (s *singleCoder) encode(dst, plain []byte, learns bool) ([]byte, error) {
	c := s.c
	c.enc.Reset(dst)
	text := encodeLines(&c.enc, plain)
	rich := structured(plain)
	codeRich(&c.enc, rich)
	codeChoice(&c.enc, learns)
	st, err := s.start(text, &c.enc, rich, learns)
	if err != nil {
		return nil, err
	}
	st.ids = c.lm.Tok.Encode(nil, text)
	if err := s.run(st); err != nil {
		return nil, err
	}
	return c.enc.Flush(), nil
}

// decode fills dst from its payload.
func (s *singleCoder) decode(dst, payload []byte) error {
	c := s.c
	c.dec.Reset(payload)
	return decodeLines(&c.dec, dst, func(text []byte) error {
		rich := codeRich(&c.dec, false)
		st, err := s.start(text, &c.dec, rich, codeChoice(&c.dec, false))
		if err != nil {
			return err
		}
		return s.run(st)
	})
}

// start forgets everything and returns the stream of a block.
func (s *singleCoder) start(block []byte, bits bitCoder, rich, learns bool) (*stream, error) {
	c := s.c
	c.bits = bits
	c.pred.Reset(len(block), Mode{LM: true, Rich: rich})
	s.learns = learns
	s.frozen.state.Reset(0)
	s.adapted.head.Reset()
	st := &stream{bytes: block, last: c.lm.separator()}
	c.pred.Start(&st.cur, 0)
	if !learns {
		return st, nil
	}
	if s.learning == nil {
		var err error
		if s.learning, err = newLearning(c.lm, max(1, c.workers)); err != nil {
			return nil, err
		}
	}
	s.learning.start(c.lm)
	return st, nil
}

// start makes the body and its head those of the model.
func (l *learning) start(lm *LM) {
	l.body = lm.Model.Copy()
	l.learner.Reset()
	l.learner.Export(l.body)
	l.state.Reset(0)
	l.head.Reset()
	l.table = lm.Model.Weights().Output.Floats()
	l.tokens = append(l.tokens[:0], lm.separator())
}

// run codes the block.
func (s *singleCoder) run(st *stream) error {
	c := s.c
	defer func() { c.frozen = nil }()
	for !st.finished() {
		s.read(st.last)
		heard := s.adapted.cum
		if s.learns {
			heard, c.frozen = s.learning.cum, s.adapted.cum
		}
		rank, err := c.token(st, s.static.cum, heard)
		if err != nil {
			return err
		}
		s.adapted.learn(s.frozen.hidden, int(rank))
		if s.learns {
			s.learning.learn(s.learning.hidden, int(rank))
			if !st.finished() {
				s.learning.note(st.last)
			}
		}
	}
	return nil
}

// read has the bodies read a token and the heads look at what they make of it.
func (s *singleCoder) read(token int32) {
	var done sync.WaitGroup
	if s.learns {
		ahead := func() {
			s.learning.read(token)
			s.learning.look(s.learning.hidden)
		}
		if s.c.workers > 1 {
			done.Go(ahead)
		} else {
			ahead()
		}
	}
	s.frozen.read(token)
	s.static.look(s.frozen.hidden)
	s.adapted.look(s.frozen.hidden)
	done.Wait()
}

func (r *reader) read(token int32) {
	r.body.Forward(r.state, []model.Row{{Token: token}}, r.hidden)
}

func (o *outlook) look(hidden []float32) {
	o.head.Logits(o.logits, hidden, 1)
	kernel.Weights(o.weights, o.logits)
	kernel.PrefixSum(o.cum, o.weights)
}

// learn has the head learn that the token of a rank followed a final state.
func (o *outlook) learn(hidden []float32, rank int) {
	if o.weights[rank] < headSure {
		o.head.Update(hidden, rank, o.cum, singleRate, singleThreshold)
	}
}

// note has the body learn, whenever there are tokens enough that it did not.
func (l *learning) note(token int32) {
	l.tokens = append(l.tokens, token)
	if len(l.tokens) <= l.length {
		return
	}
	l.head.Table(l.table)
	l.learner.SetOutput(l.table)
	l.learner.Step([]learn.Sequence{{Tokens: l.tokens[:l.length], Targets: l.tokens[1:]}})
	l.learner.Export(l.body)
	l.tokens = append(l.tokens[:0], token)
}
