package memory

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Recalled is a fact and what a model has kept of it.
type Recalled struct {
	Prompt string  `json:"prompt"`
	Answer string  `json:"answer"`
	Count  int     `json:"occurrences"` // of prompt and answer together in the text that was looked through
	Bits   float64 `json:"bits"`        // of the answer after the prompt
	Rank   int     `json:"rank"`        // of its first token, from 1
	Recall bool    `json:"recalled"`    // each token of the answer is the first choice
	Said   string  `json:"said"`        // the first choice of the model, as many tokens
}

// Recall asks a model for facts, of which each has a prompt and an answer. done,
// unless nil, is called after each.
func (m *Model) Recall(facts []Recalled, done func()) error {
	for i := range facts {
		f := &facts[i]
		if err := m.recall(f); err != nil {
			return fmt.Errorf("fact %d: %w", i+1, err)
		}
		if done != nil {
			done()
		}
	}
	return nil
}

func (m *Model) recall(f *Recalled) error {
	if f.Answer == "" {
		return fmt.Errorf("no answer to %q", f.Prompt)
	}
	a, err := m.Ask(Question{Prompt: f.Prompt, Answer: f.Answer})
	if err != nil {
		return err
	}
	f.Recall = true
	var said strings.Builder
	for i := a.From; i < len(a.Tokens); i++ {
		logits, err := a.record.Logits(i - 1)
		if err != nil {
			return err
		}
		f.Bits += bitsOf(logits, a.Tokens[i])
		r := rank(logits, a.Tokens[i])
		if i == a.From {
			f.Rank = r
		}
		if f.Recall { // beyond the first error the truth is not what the model would go on from
			said.WriteString(m.Token(m.top(logits, 1, 1)[0].Token))
		}
		f.Recall = f.Recall && r == 1
	}
	f.Said = said.String()
	return nil
}

// CountFacts adds to each fact how often a text has its prompt and answer together.
func CountFacts(facts []Recalled, text []byte) {
	for i := range facts {
		facts[i].Count += bytes.Count(text, []byte(facts[i].Prompt+facts[i].Answer))
	}
}

// RecallGroup sums up the facts that occur about as often.
type RecallGroup struct {
	From   int     `json:"from"` // occurrences
	To     int     `json:"to"`
	Facts  int     `json:"facts"`
	Recall float64 `json:"recall"`
	Bits   float64 `json:"bits_per_fact"`
}

// GroupRecall puts facts together by occurrences: 0, 1, 2-3, 4-7, and so on.
func GroupRecall(facts []Recalled) []RecallGroup {
	by := map[int]*RecallGroup{}
	for _, f := range facts {
		k := 0
		for f.Count>>k > 0 {
			k++
		}
		g := by[k]
		if g == nil {
			g = &RecallGroup{From: 1 << k >> 1, To: max(0, 1<<k-1)}
			by[k] = g
		}
		g.Facts++
		g.Bits += f.Bits
		if f.Recall {
			g.Recall++
		}
	}
	var list []RecallGroup
	for _, g := range by {
		g.Recall /= float64(g.Facts)
		g.Bits /= float64(g.Facts)
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b RecallGroup) int { return cmp.Compare(a.From, b.From) })
	return list
}

// Spearman is the rank correlation of two lists, ties at their mean rank; NaN if one
// of them has no order.
func Spearman(x, y []float64) float64 {
	a, b := ranks(x), ranks(y)
	mean := float64(len(x)+1) / 2
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - mean) * (b[i] - mean)
		aa += (a[i] - mean) * (a[i] - mean)
		bb += (b[i] - mean) * (b[i] - mean)
	}
	return ab / math.Sqrt(aa*bb)
}

func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
	out := make([]float64, len(x))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && x[order[to]] == x[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+to+1) / 2
		}
		from = to
	}
	return out
}
