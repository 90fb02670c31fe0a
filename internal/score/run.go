package score

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"kolm/internal/lm"
	"kolm/internal/vocab"
)

// Text is a text and its tokens.
type Text struct {
	Bytes  int
	IDs    []int32
	prefix int // bytes that the tokenizer put before it
	tok    *vocab.Tokenizer
}

// Encode encodes a text. It is an error if the tokens do not decode to the text,
// byte for byte.
func Encode(t *vocab.Tokenizer, text []byte) (*Text, error) {
	ids, err := t.EncodeExact(text)
	return &Text{Bytes: len(text), IDs: ids, prefix: len(t.Prefix()), tok: t}, err
}

// Token is a scored token.
type Token struct {
	Index   int // among the tokens of the text
	Offset  int // of its first byte in the text
	Bytes   int // how many there are
	ID      int32
	Bits    float64
	Entropy float64 // in bits
	Rank    int
	Top     int32 // the likeliest token

	// With a second model:
	OtherBits float64
	OtherTop  int32
	KL        float64 // of the second model's distribution from the first one's, in bits
}

// Run says how to score.
type Run struct {
	Rule    *Rule
	Model   *lm.Model
	Other   *lm.Model // a second model with the same tokenizer, or nil
	Threads int       // 0: one a processor
	Batch   int       // tokens that go through a layer together; 0: lm.DefaultBatch

	Each     func(Token) error // called for every scored token in order, if not nil
	Progress func(bytes int)   // called with the bytes of the text that are done, if not nil
}

// keyMemory bounds the keys and values of all windows that are computed at once.
const keyMemory = 1 << 30

// Score weighs a text. The result does not depend on Threads and Batch.
func (r *Run) Score(text *Text) (*Result, error) {
	if n := r.Model.Config.Vocab; text.tok.Vocab() > n {
		return nil, fmt.Errorf("the tokenizer has %d tokens and the model %d: they do not belong together", text.tok.Vocab(), n)
	}
	if r.Other != nil && r.Other.Config.Vocab != r.Model.Config.Vocab {
		return nil, fmt.Errorf("the models have %d and %d tokens: their distributions can not be compared", r.Model.Config.Vocab, r.Other.Config.Vocab)
	}
	windows := r.Rule.Windows(len(text.IDs))
	room := 1 // tokens of the longest window: a text may be far shorter than the context
	for i := range windows {
		room = max(room, windows[i].fed())
	}
	sum := newSums(text, r)
	workers := r.workers(len(windows), room)
	jobs := make(chan *job, workers)
	queue := make(chan *job, 2*workers) // in the order of the text
	stop := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		defer close(jobs)
		defer close(queue)
		for i := range windows {
			j := &job{window: &windows[i], done: make(chan struct{})}
			select {
			case queue <- j:
			case <-stop:
				return
			}
			jobs <- j
		}
	})
	for range workers {
		wait.Go(func() {
			w := &worker{run: r, text: text, room: room, threads: max(1, r.threads()/workers)}
			for j := range jobs {
				select {
				case <-stop:
				default:
					j.tokens, j.err = w.score(j.window)
				}
				close(j.done)
			}
		})
	}
	var err error
	for j := range queue {
		<-j.done
		if err == nil {
			if err = j.err; err == nil {
				err = sum.window(j.window, j.tokens)
			}
			if err != nil {
				close(stop)
			}
		}
	}
	wait.Wait()
	if err != nil {
		return nil, err
	}
	return sum.result(len(windows)), nil
}

// job is a window on its way.
type job struct {
	window *Window
	tokens []Token
	err    error
	done   chan struct{}
}

func (r *Run) threads() int {
	if r.Threads > 0 {
		return r.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// workers is how many windows, of up to room tokens, are computed at once.
func (r *Run) workers(windows, room int) int {
	n := 0
	for _, m := range []*lm.Model{r.Model, r.Other} {
		if m != nil {
			c := &m.Config
			n += 8 * c.Layers * c.KVHeads * c.HeadDim * room
		}
	}
	return max(1, min(r.threads(), windows, keyMemory/n))
}

// worker scores one window after the other.
type worker struct {
	run     *Run
	text    *Text
	room    int // tokens of the longest window
	threads int
	sides   [2]side
	input   []int32
}

// side is one of the models at work.
type side struct {
	session *lm.Session
	model   *lm.Model
	hidden  []float32 // (rows, Dim)
	logits  []float32 // (rows, Vocab)
}

// logitNumbers is about how many logits are held at once.
const logitNumbers = 1 << 21

func (w *worker) score(win *Window) ([]Token, error) {
	w.input = w.input[:0]
	if win.Start {
		w.input = append(w.input, w.run.Rule.Start)
	}
	w.input = append(w.input, w.text.IDs[win.From:win.End-1]...)
	tokens := make([]Token, 0, win.End-win.Score)
	first := win.Score // the first target that has a token before it
	if first == win.From && !win.Start {
		tokens = append(tokens, w.unguessed(first))
		first++
	}
	if first == win.End {
		return tokens, nil
	}
	skip := len(w.input) - (win.End - first) // positions whose logits are not asked for
	rows := max(1, min(logitNumbers/w.run.Model.Config.Vocab, 256))
	for i, m := range []*lm.Model{w.run.Model, w.run.Other} {
		if m == nil {
			continue
		}
		if err := w.sides[i].begin(w, m, rows, w.input[:skip]); err != nil {
			return nil, err
		}
	}
	for at := skip; at < len(w.input); at += rows {
		fed := w.input[at:min(len(w.input), at+rows)]
		for i := range w.sides {
			if err := w.sides[i].feed(fed, w.threads); err != nil {
				return nil, err
			}
		}
		for i := range fed {
			t := w.token(first+at-skip+i, i)
			if bits := t.Bits + t.OtherBits; math.IsNaN(bits) || math.IsInf(bits, 0) {
				return nil, fmt.Errorf("the logits for token %d of the text are not finite: the weights are damaged", t.Index)
			}
			tokens = append(tokens, t)
		}
	}
	return tokens, nil
}

// unguessed is the first token of a text of which nothing can be known.
func (w *worker) unguessed(index int) Token {
	bits := math.Log2(float64(w.run.Model.Config.Vocab))
	return Token{Index: index, ID: w.text.IDs[index], Bits: bits, Entropy: bits, Rank: 1, Top: vocab.None, OtherBits: bits, OtherTop: vocab.None}
}

// token judges target index by row i of the logits.
func (w *worker) token(index, i int) Token {
	v := w.run.Model.Config.Vocab
	id := w.text.IDs[index]
	a := w.sides[0].logits[i*v:][:v]
	g := judge(a, id)
	t := Token{Index: index, ID: id, Bits: g.Nats / math.Ln2, Top: g.Top}
	if w.run.Each != nil {
		rank, entropy := g.details(a, id)
		t.Rank, t.Entropy = rank, entropy/math.Ln2
	}
	if w.run.Other != nil {
		b := w.sides[1].logits[i*v:][:v]
		o := judge(b, id)
		t.OtherBits, t.OtherTop = o.Nats/math.Ln2, o.Top
		t.KL = divergence(a, b, g.log, o.log) / math.Ln2
	}
	return t
}

// begin readies a model for a window, with room for the logits of so many rows, and
// feeds it the tokens whose logits are not asked for.
func (s *side) begin(w *worker, m *lm.Model, rows int, context []int32) error {
	if s.session == nil {
		session, err := m.NewSessionIn(w.run.Rule.Context, w.room)
		if err != nil {
			return err
		}
		session.Threads = w.threads
		if w.run.Batch > 0 {
			session.Batch = w.run.Batch
		}
		*s = side{session, m, make([]float32, rows*m.Config.Dim), make([]float32, rows*m.Config.Vocab)}
	}
	s.session.Truncate(0)
	return s.session.Feed(context, nil)
}

// feed gets the logits after each of the tokens.
func (s *side) feed(tokens []int32, threads int) error {
	if s.session == nil {
		return nil
	}
	if err := s.session.Feed(tokens, s.hidden[:len(tokens)*s.model.Config.Dim]); err != nil {
		return err
	}
	return s.model.Logits(s.logits, s.hidden[:len(tokens)*s.model.Config.Dim], len(tokens), threads)
}
