package memory

import (
	"errors"
	"fmt"
	"slices"

	"kolm/internal/lm"
)

// Question is a prompt and how it may go on.
type Question struct {
	Prompt string
	Answer string // "": the token that the model holds most likely
	Foil   string // what the answer is held against; "": the most likely other token
}

// Asked is a question in tokens.
type Asked struct {
	Tokens []int32 // start token, prompt, answer
	From   int     // the first token of the answer
	At     int     // the first token at which answer and foil differ
	Foil   int32   // instead of Tokens[At]
	record *Record
}

// Ask puts a question into tokens and runs it. Prompt and answer are encoded
// apart, so a space between them belongs to one of them.
func (m *Model) Ask(q Question) (*Asked, error) {
	prompt, err := m.Text(q.Prompt)
	if err != nil {
		return nil, fmt.Errorf("prompt: %w", err)
	}
	answer, err := m.Vocab.Continue([]byte(q.Answer))
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	foil, err := m.Vocab.Continue([]byte(q.Foil))
	if err != nil {
		return nil, fmt.Errorf("foil: %w", err)
	}
	if len(answer) == 0 {
		first, err := m.next(prompt)
		if err != nil {
			return nil, err
		}
		answer = []int32{first}
	}
	a := &Asked{Tokens: append(slices.Clone(prompt), answer...), From: len(prompt), At: len(prompt)}
	if a.record, err = m.Run(a.Tokens, nil); err != nil {
		return nil, err
	}
	if len(foil) > 0 {
		return a, a.hold(foil)
	}
	logits, err := a.record.Logits(a.At - 1)
	if err != nil {
		return nil, err
	}
	for _, v := range m.top(logits, 1, 2) {
		if v.Token != a.Tokens[a.At] {
			a.Foil = v.Token
			break
		}
	}
	return a, nil
}

// hold finds where the foil leaves the answer.
func (a *Asked) hold(foil []int32) error {
	for _, t := range foil {
		switch {
		case a.At == len(a.Tokens):
			return errors.New("the foil begins with the whole answer: nothing to hold against each other")
		case t != a.Tokens[a.At]:
			a.Foil = t
			return nil
		}
		a.At++
	}
	return errors.New("the answer begins with the whole foil: nothing to hold against each other")
}

// next is the most likely next token.
func (m *Model) next(tokens []int32) (int32, error) {
	r, err := m.Run(tokens, nil)
	if err != nil {
		return 0, err
	}
	logits, err := r.Logits(len(tokens) - 1)
	if err != nil {
		return 0, err
	}
	return m.top(logits, 1, 1)[0].Token, nil
}

// Explanation goes from key to answer.
type Explanation struct {
	Tokens      []string     `json:"tokens"` // start token, prompt, answer
	Answer      []string     `json:"answer"` // tokens
	Bits        float64      `json:"answer_bits"`
	Lens        []LensRow    `json:"lens"` // of the token in question; bits of the whole answer
	Attribution *Attribution `json:"attribution"`
	Memories    []Fired      `json:"memories"` // strongest contribution first
	Active      []Active     `json:"active"`
}

// Fired is a memory that spoke for or against the answer.
type Fired struct {
	Neuron       Neuron  `json:"neuron"`
	Coefficient  float64 `json:"coefficient"`
	Contribution float64 `json:"contribution"` // to the difference of the logits
	Votes        []Vote  `json:"votes"`        // of the value with the sign of the coefficient
	Contexts     []Hit   `json:"contexts,omitempty"`
}

// Active says how many memories did the work of a layer at the position.
type Active struct {
	Layer int `json:"layer"`
	// Carry is how many neurons, largest first, carry 90 % of the sum of |a| ‖v‖.
	Carry int `json:"neurons_for_90_percent"`
	// Output is what the feed-forward output as a whole votes for: often nothing
	// that one memory does.
	Output Vote `json:"output_vote"`
}

// Explain answers how the model comes to its answer: k memories, votes tokens
// each. Contexts are those of an index; nil: none.
func (m *Model) Explain(q Question, k, votes int, index *Index) (*Explanation, error) {
	a, err := m.Ask(q)
	if err != nil {
		return nil, err
	}
	r, pos := a.record, a.At-1
	e := &Explanation{Tokens: m.tokenTexts(a.Tokens), Answer: m.tokenTexts(a.Tokens[a.From:])}
	if e.Lens, err = r.Lens(a.From, a.At, votes); err != nil {
		return nil, err
	}
	e.Bits = e.Lens[len(e.Lens)-1].Bits
	if e.Attribution, err = r.Attribute(pos, a.Tokens[a.At], a.Foil); err != nil {
		return nil, err
	}
	for _, n := range e.Attribution.Strongest(k) {
		f := Fired{Neuron: n}
		f.Contribution, f.Coefficient = e.Attribution.Neuron(n)
		v, err := m.Votes(n, votes)
		if err != nil {
			return nil, err
		}
		f.Votes = v.Plus
		if f.Coefficient < 0 {
			f.Votes = v.Minus
		}
		if index != nil {
			if f.Contexts, err = index.Contexts(n, f.Coefficient < 0, 3); err != nil {
				return nil, err
			}
		}
		e.Memories = append(e.Memories, f)
	}
	e.Active, err = r.active(pos)
	return e, err
}

// active says how the work of each layer is divided at a position.
func (r *Record) active(pos int) ([]Active, error) {
	var list []Active
	for l := range r.model.LM.Config.Layers {
		norms, err := r.model.valueNorms(l)
		if err != nil {
			return nil, err
		}
		logits, err := r.model.directLogits(r.Row(lm.FFNOutput, l, pos))
		if err != nil {
			return nil, err
		}
		list = append(list, Active{l, carry(r.Row(lm.Coefficients, l, pos), norms, .9), r.model.top(logits, 1, 1)[0]})
	}
	return list, nil
}

// carry is how many of the largest |coefs|*norms make up a share of their sum.
func carry(coefs []float32, norms []float32, share float64) int {
	work, total := make([]float64, len(coefs)), 0.0
	for i, a := range coefs {
		work[i] = float64(abs(a) * norms[i])
		total += work[i]
	}
	slices.Sort(work)
	part := 0.0
	for i := len(work) - 1; i >= 0; i-- {
		if part += work[i]; part >= share*total {
			return len(work) - i
		}
	}
	return len(work)
}

func abs(x float32) float32 { return max(x, -x) }

// Continuation is what the model holds most likely after a prompt, some tokens of it.
func (m *Model) Continuation(prompt string, n int) (string, error) {
	tokens, err := m.Text(prompt)
	if err != nil {
		return "", err
	}
	from := len(tokens)
	for range n {
		next, err := m.next(tokens)
		if err != nil {
			return "", err
		}
		tokens = append(tokens, next)
	}
	text := ""
	for _, t := range tokens[from:] {
		text += m.Token(t)
	}
	return text, nil
}
