package memory

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"

	"kolm/internal/lm"
)

// Vocab is the tokenizer of a model.
type Vocab interface {
	// Encode returns the tokens of a text, without a start token. It is an error
	// if some character has no token.
	Encode(text []byte) ([]int32, error)
	// Continue is Encode of a text that follows another: without the space that
	// some tokenizers put before every text.
	Continue(text []byte) ([]int32, error)
	// Bytes returns what a token stands for: nothing for control tokens.
	Bytes(token int32) []byte
	// Start is the token that the model wants before every text; -1: none.
	Start() int32
}

// Model is a language model whose memories are read.
type Model struct {
	LM      *lm.Model
	Vocab   Vocab
	Threads int // goroutines; no result depends on it
}

// ErrExperts is the error of models whose feed-forward part is a mixture.
var ErrExperts = errors.New("the model has experts: their memories are not read, only those of dense feed-forward parts")

// New returns a model to read. It is ErrExperts if its feed-forward parts are
// mixtures of experts.
func New(m *lm.Model, v Vocab) (*Model, error) {
	if m.Config.Experts > 0 {
		return nil, ErrExperts
	}
	return &Model{LM: m, Vocab: v, Threads: runtime.GOMAXPROCS(0)}, nil
}

// Neuron is a memory: a key and its value.
type Neuron struct{ Layer, Index int }

func (n Neuron) String() string { return fmt.Sprintf("%d.%d", n.Layer, n.Index) }

// MarshalText makes a neuron a text in JSON.
func (n Neuron) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (n *Neuron) UnmarshalText(text []byte) error {
	layer, index, ok := strings.Cut(string(text), ".")
	var err [2]error
	n.Layer, err[0] = strconv.Atoi(layer)
	n.Index, err[1] = strconv.Atoi(index)
	if !ok || err[0] != nil || err[1] != nil {
		return fmt.Errorf("neuron %q is not LAYER.NUMBER, such as 3.120", text)
	}
	return nil
}

// Check reports a neuron that the model does not have.
func (m *Model) Check(n Neuron) error {
	c := &m.LM.Config
	if n.Layer < 0 || n.Layer >= c.Layers || n.Index < 0 || n.Index >= c.FFN {
		return fmt.Errorf("no neuron %v: the model has %d layers of %d, counted from 0", n, c.Layers, c.FFN)
	}
	return nil
}

// Text is a text as the tokens that the model sees, a start token in front if it
// wants one.
func (m *Model) Text(text string) ([]int32, error) {
	tokens, err := m.Vocab.Encode([]byte(text))
	if err != nil {
		return nil, err
	}
	if s := m.Vocab.Start(); s >= 0 {
		tokens = append([]int32{s}, tokens...)
	}
	if len(tokens) == 0 {
		return nil, errors.New("the text is empty: nothing to read")
	}
	return tokens, m.fits(len(tokens))
}

func (m *Model) fits(n int) error {
	if c := m.LM.Config.Context; n > c {
		return fmt.Errorf("a text of %d tokens is longer than the model's context of %d", n, c)
	}
	return nil
}

// Token spells a token for people: its text, or its number if it has none.
func (m *Model) Token(t int32) string {
	if b := m.Vocab.Bytes(t); len(b) > 0 {
		return string(b)
	}
	return fmt.Sprintf("<%d>", t)
}

// tokenTexts spells tokens.
func (m *Model) tokenTexts(tokens []int32) []string {
	list := make([]string, len(tokens))
	for i, t := range tokens {
		list[i] = m.Token(t)
	}
	return list
}

// Parameters counts the numbers of the weights, shared ones once.
func (m *Model) Parameters() int64 {
	c, w := &m.LM.Config, m.LM.Weights
	n := int64(w.Embed.Rows) * int64(c.Dim)
	if w.Output != w.Embed {
		n *= 2
	}
	linear := func(l lm.Linear) {
		if l.Matrix != nil {
			n += int64(l.Rows)*int64(l.Cols) + int64(len(l.Bias))
		}
	}
	norm := func(x lm.Norm) { n += int64(len(x.Gain) + len(x.Bias)) }
	if w.Positions != nil {
		n += int64(w.Positions.Rows) * int64(c.Dim)
	}
	norm(w.FinalNorm)
	for i := range w.Layers {
		l := &w.Layers[i]
		for _, x := range []lm.Linear{l.Q, l.K, l.V, l.O, l.Gate, l.Up, l.Down} {
			linear(x)
		}
		for _, x := range []lm.Norm{l.AttnNorm, l.AttnPost, l.FFNNorm, l.FFNPost} {
			norm(x)
		}
		n += int64(len(l.QNorm) + len(l.KNorm))
	}
	return n
}

// bitsOf is -log2 of the probability of a token under logits.
func bitsOf(logits []float32, token int32) float64 {
	return (logSum(logits) - float64(logits[token])) / math.Ln2
}

// logSum is the natural logarithm of the sum of exp(logits).
func logSum(logits []float32) float64 {
	top := math.Inf(-1)
	for _, v := range logits {
		top = max(top, float64(v))
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}
