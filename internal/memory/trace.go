package memory

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"kolm/internal/lm"
)

// TraceOptions say how causal tracing corrupts and restores (K. Meng et al.,
// "Locating and Editing Factual Associations in GPT", 2022).
type TraceOptions struct {
	Subject string  // part of the prompt that is corrupted
	Replace string  // put in its place, as many tokens; "": noise
	Noise   float64 // standard deviations of the embeddings; 3 in the paper
	Draws   int     // of noise; at least 10 for figures
	Point   string  // restored: state, ffn or attention
	Window  int     // layers restored together, for ffn and attention; 10 in the paper
	Seed    uint64
}

// Trace says where the model keeps what it needs of a subject.
type Trace struct {
	Tokens    []string    `json:"tokens"`
	Subject   [2]int      `json:"subject"` // its tokens, from and to
	Answer    string      `json:"answer"`
	Foil      string      `json:"foil"`
	Clean     Effect      `json:"clean"`
	Corrupted Effect      `json:"corrupted"` // mean over draws
	Total     Effect      `json:"total_effect"`
	Indirect  [][]Effect  `json:"indirect_effect"` // by layer and token, mean over draws
	Error     [][]float64 `json:"standard_error"`  // of the probability's; 0 with one draw
}

// Effect is a probability, or a difference of two: of the whole answer, and the
// logit of its first differing token less that of the foil.
type Effect struct {
	Probability float64 `json:"probability"`
	Logit       float64 `json:"logit"`
}

func (e Effect) less(f Effect) Effect {
	return Effect{e.Probability - f.Probability, e.Logit - f.Logit}
}

func (e *Effect) add(f Effect, k float64) {
	e.Probability += k * f.Probability
	e.Logit += k * f.Logit
}

// corruption is one way to spoil the subject.
type corruption struct {
	tokens []int32
	tap    lm.Tap
}

// Trace corrupts the subject and restores the clean state at one layer and token at
// a time. done, unless nil, is called after each layer of each draw.
func (m *Model) Trace(q Question, o TraceOptions, done func()) (*Trace, error) {
	a, err := m.Ask(q)
	if err != nil {
		return nil, err
	}
	from, to, err := m.find(a.Tokens[:a.From], q.Prompt, o.Subject)
	if err != nil {
		return nil, err
	}
	points, err := restored(o)
	if err != nil {
		return nil, err
	}
	ways, err := m.corruptions(a, from, to, o)
	if err != nil {
		return nil, err
	}
	t := &Trace{Tokens: m.tokenTexts(a.Tokens[:a.From]), Subject: [2]int{from, to}, Answer: m.Token(a.Tokens[a.At]), Foil: m.Token(a.Foil)}
	if t.Clean, err = m.effect(a, a.Tokens, nil); err != nil {
		return nil, err
	}
	// Patching clean into clean must do nothing.
	if same, err := m.effect(a, a.Tokens, restore(a.record, points, 0, to-1, o.Window)); err != nil || same != t.Clean {
		return nil, errors.Join(errors.New("self-check failed: patching a text with itself changed it"), err)
	}
	layers, n := m.LM.Config.Layers, a.From
	squares := make([][]float64, layers)
	for l := range layers {
		t.Indirect = append(t.Indirect, make([]Effect, n))
		t.Error = append(t.Error, make([]float64, n))
		squares[l] = make([]float64, n)
	}
	k := 1 / float64(len(ways))
	for _, w := range ways {
		bad, err := m.effect(a, w.tokens, w.tap)
		if err != nil {
			return nil, err
		}
		t.Corrupted.add(bad, k)
		for l := range layers {
			for pos := range n {
				if pos < from { // nothing there was corrupted
					continue
				}
				e, err := m.effect(a, w.tokens, Chain(w.tap, restore(a.record, points, l, pos, o.Window)))
				if err != nil {
					return nil, err
				}
				e = e.less(bad)
				t.Indirect[l][pos].add(e, k)
				squares[l][pos] += k * e.Probability * e.Probability
			}
			if done != nil {
				done()
			}
		}
	}
	t.Total = t.Clean.less(t.Corrupted)
	for l := range squares {
		for i, s := range squares[l] {
			if mean := t.Indirect[l][i].Probability; len(ways) > 1 {
				t.Error[l][i] = math.Sqrt(max(0, s-mean*mean) / float64(len(ways)-1))
			}
		}
	}
	return t, nil
}

// find returns the tokens of the prompt that have bytes of the subject, which is
// looked for from the end.
func (m *Model) find(tokens []int32, prompt, subject string) (from, to int, err error) {
	at := bytes.LastIndex([]byte(prompt), []byte(subject))
	if subject == "" || at < 0 {
		return 0, 0, fmt.Errorf("subject %q is not in the prompt %q", subject, prompt)
	}
	end, pos := at+len(subject), len(prompt)
	for _, t := range tokens { // some tokenizers put a space in front
		pos -= len(m.Vocab.Bytes(t))
	}
	from = -1
	for i, t := range tokens {
		n := len(m.Vocab.Bytes(t))
		if n > 0 && pos+n > at && pos < end {
			if from < 0 {
				from = i
			}
			to = i + 1
		}
		pos += n
	}
	if from < 0 {
		return 0, 0, fmt.Errorf("no token of the prompt spells the subject %q", subject)
	}
	return from, to, nil
}

// restored lists the points that TraceOptions name.
func restored(o TraceOptions) ([]lm.Point, error) {
	switch o.Point {
	case "state":
		return []lm.Point{lm.Residual}, nil
	case "ffn":
		return []lm.Point{lm.FFNOutput}, nil
	case "attention":
		return []lm.Point{lm.AttnOutput}, nil
	}
	return nil, fmt.Errorf("cannot restore %q: want state, ffn or attention", o.Point)
}

// restore is a tap that writes the rows of a record at a position: those of a layer
// or, for outputs of blocks, of a window of layers around it.
func restore(r *Record, points []lm.Point, layer, pos, window int) lm.Tap {
	var taps []lm.Tap
	for _, p := range points {
		from, to := layer, layer+1
		if p != lm.Residual && window > 1 {
			from = max(0, layer-window/2)
			to = min(r.model.LM.Config.Layers, layer-window/2+window)
		}
		for l := from; l < to; l++ {
			taps = append(taps, Patch(p, l, pos, r.Row(p, l, pos)))
		}
	}
	return Chain(taps...)
}

// corruptions lists the ways to spoil the subject.
func (m *Model) corruptions(a *Asked, from, to int, o TraceOptions) ([]corruption, error) {
	if o.Replace != "" {
		other, err := m.replacement(a.Tokens, from, o.Replace)
		if err != nil {
			return nil, err
		}
		if len(other) != to-from {
			return nil, fmt.Errorf("%q is %d tokens, the subject is %d (%q): a replacement must have as many", o.Replace, len(other), to-from, m.tokenTexts(a.Tokens[from:to]))
		}
		return []corruption{{slices.Concat(a.Tokens[:from], other, a.Tokens[to:]), nil}}, nil
	}
	if o.Draws < 1 || !(o.Noise > 0) {
		return nil, fmt.Errorf("%d draws of noise %g: want at least one, and more than no noise", o.Draws, o.Noise)
	}
	sd, err := m.embeddingSpread()
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 0x7ace))
	var list []corruption
	for range o.Draws {
		noise := make([]float32, (to-from)*m.LM.Config.Dim)
		for i := range noise {
			noise[i] = float32(o.Noise * sd * rng.NormFloat64())
		}
		list = append(list, corruption{a.Tokens, func(site lm.Site, rows []float32) {
			if site.Point != lm.Embedding {
				return
			}
			for i, pos := range site.Positions {
				if pos >= from && pos < to {
					for d := range site.Width {
						rows[i*site.Width+d] += noise[(pos-from)*site.Width+d]
					}
				}
			}
		}})
	}
	return list, nil
}

// replacement encodes what comes in place of tokens from from on.
func (m *Model) replacement(tokens []int32, from int, text string) ([]int32, error) {
	if from == 0 || from == 1 && tokens[0] == m.Vocab.Start() {
		return m.Vocab.Encode([]byte(text))
	}
	if b := m.Vocab.Bytes(tokens[from]); len(b) > 0 && b[0] == ' ' && text[0] != ' ' {
		text = " " + text // as the subject has it in its first token
	}
	return m.Vocab.Continue([]byte(text))
}

// embeddingSpread is the standard deviation of the numbers of the input table, as
// the model sees them.
func (m *Model) embeddingSpread() (float64, error) {
	e, row := m.LM.Weights.Embed, make([]float32, m.LM.Config.Dim)
	sum, squares, n := 0.0, 0.0, float64(e.Rows)*float64(e.Cols)
	for r := range e.Rows {
		if err := e.Row(row, r); err != nil {
			return 0, err
		}
		for _, v := range row {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
	}
	return float64(m.LM.Config.EmbedScale) * math.Sqrt(max(0, squares/n-sum/n*(sum/n))), nil
}

// effect measures the answer of a question when other tokens, under a tap, stand
// in its place.
func (m *Model) effect(a *Asked, tokens []int32, tap lm.Tap) (Effect, error) {
	var e Effect
	hidden, err := m.feed(tokens[:len(tokens)-1], tap)
	if err != nil {
		return e, err
	}
	c, bits := &m.LM.Config, 0.0
	logits := make([]float32, c.Vocab)
	for i := a.From; i < len(a.Tokens); i++ {
		if err := m.LM.Logits(logits, hidden[(i-1)*c.Dim:][:c.Dim], 1, m.Threads); err != nil {
			return e, err
		}
		bits += bitsOf(logits, a.Tokens[i])
		if i == a.At {
			e.Logit = float64(logits[a.Tokens[i]]) - float64(logits[a.Foil])
		}
	}
	e.Probability = math.Exp2(-bits)
	return e, nil
}
