package memory

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Recalled is a fact and what a model has kept of it.
type Recalled struct {
	Prompt   string `json:"prompt"`
	Answer   string `json:"answer"`
	Subject  string `json:"subject,omitempty"`
	Kind     string `json:"kind,omitempty"` // facts of a kind have answers of a kind
	Count    int    `json:"occurrences"`    // of prompt and answer, word for word, in the text that was looked through
	Together int    `json:"sentences"`      // there with both subject and answer
	// What the model says.
	Bits    float64 `json:"bits"`     // of the answer after the prompt
	Rank    int     `json:"rank"`     // of its first token, from 1
	Recall  bool    `json:"recalled"` // each token of the answer is the first choice
	Said    string  `json:"said"`     // the first choice of the model, as many tokens
	Choice  int     `json:"choice"`   // place of the answer among the answers of its kind, by bits, from 1
	Choices int     `json:"choices"`  // different answers of its kind
	Gain    float64 `json:"gain"`     // bits that the answer costs more after the prompts of other facts of its kind, on average
	answer  int     // of a FactCounter: its term
}

// Seen is how often the fact stands in the text: in sentences with subject and
// answer if the subject is known, else word for word.
func (f *Recalled) Seen() int {
	if f.Subject != "" {
		return f.Together
	}
	return f.Count
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

// Choose finds how far the model tells the facts of a kind apart: the place of each
// fact's answer among all answers of its kind after the prompt, and what the prompt
// is worth for it. (Common answers are likely after any prompt; the gain is free of
// that.) done, unless nil, is called after each fact.
func (m *Model) Choose(facts []Recalled, done func()) error {
	answers, places := map[string][]string{}, make([]int, len(facts))
	for i, f := range facts {
		places[i] = slices.Index(answers[f.Kind], f.Answer)
		if places[i] < 0 {
			places[i] = len(answers[f.Kind])
			answers[f.Kind] = append(answers[f.Kind], f.Answer)
		}
	}
	bits := make([][]float64, len(facts)) // by fact: of each answer of its kind after its prompt
	for i := range facts {
		f := &facts[i]
		var err error
		if bits[i], err = m.after(f.Prompt, answers[f.Kind]); err != nil {
			return fmt.Errorf("fact %d: %w", i+1, err)
		}
		f.Choice, f.Choices = 1, len(bits[i])
		for _, b := range bits[i] {
			if b < bits[i][places[i]] {
				f.Choice++
			}
		}
		if done != nil {
			done()
		}
	}
	for i := range facts {
		others, n := 0.0, 0.0
		for j := range facts {
			if facts[j].Kind == facts[i].Kind && places[j] != places[i] {
				others += bits[j][places[i]]
				n++
			}
		}
		facts[i].Gain = 0
		if n > 0 {
			facts[i].Gain = others/n - bits[i][places[i]]
		}
	}
	return nil
}

// after returns the bits of each of several continuations of a prompt, which is read
// once.
func (m *Model) after(prompt string, answers []string) ([]float64, error) {
	tokens, err := m.Text(prompt)
	if err != nil {
		return nil, err
	}
	d, n, longest := m.LM.Config.Dim, len(tokens), 0
	encoded := make([][]int32, len(answers))
	for i, a := range answers {
		if encoded[i], err = m.Vocab.Continue([]byte(a)); err != nil {
			return nil, err
		}
		longest = max(longest, len(encoded[i]))
	}
	if err := m.fits(n + longest); err != nil {
		return nil, err
	}
	s, err := m.LM.NewSessionIn(m.LM.Config.Context, n+longest)
	if err != nil {
		return nil, err
	}
	s.Threads = m.Threads
	hidden, logits := make([]float32, max(n, longest)*d), make([]float32, m.LM.Config.Vocab)
	if err := s.Feed(tokens, hidden); err != nil {
		return nil, err
	}
	last := slices.Clone(hidden[(n-1)*d : n*d])
	var list []float64
	for _, answer := range encoded {
		s.Truncate(n)
		copy(hidden, last)
		if len(answer) > 1 {
			if err := s.Feed(answer[:len(answer)-1], hidden[d:]); err != nil {
				return nil, err
			}
		}
		bits := 0.0
		for i, t := range answer {
			if err := m.LM.Logits(logits, hidden[i*d:][:d], 1, m.Threads); err != nil {
				return nil, err
			}
			bits += bitsOf(logits, t)
		}
		list = append(list, bits)
	}
	return list, nil
}

// RecallKind sums up the facts of a kind.
type RecallKind struct {
	Kind     string  `json:"kind"`
	Facts    int     `json:"facts"`
	Recall   float64 `json:"recall"`
	Bits     float64 `json:"bits_per_fact"`
	First    float64 `json:"first_among_kind"` // share of facts whose answer is the likeliest of all of its kind
	Exposure float64 `json:"exposure"`         // mean; of a model that knows nothing about 1.44
	Most     float64 `json:"exposure_most"`    // log2 of the answers
	Gain     float64 `json:"gain"`             // mean; of a model that knows nothing about 0
}

// KindRecall puts facts together by kind, in the order of the table, once Choose has
// seen them.
func KindRecall(facts []Recalled) []RecallKind {
	var list []RecallKind
	for _, f := range facts {
		i := slices.IndexFunc(list, func(k RecallKind) bool { return k.Kind == f.Kind })
		if i < 0 {
			i = len(list)
			list = append(list, RecallKind{Kind: f.Kind, Most: math.Log2(float64(f.Choices))})
		}
		k := &list[i]
		k.Facts++
		k.Bits += f.Bits
		k.Exposure += Exposure(f.Choice, f.Choices)
		k.Gain += f.Gain
		if f.Recall {
			k.Recall++
		}
		if f.Choice == 1 {
			k.First++
		}
	}
	for i := range list {
		k := &list[i]
		n := float64(k.Facts)
		k.Bits, k.Exposure, k.Gain, k.Recall, k.First = k.Bits/n, k.Exposure/n, k.Gain/n, k.Recall/n, k.First/n
	}
	return list
}

// RecallGroup sums up the facts that occur about as often.
type RecallGroup struct {
	From     int     `json:"from"` // times seen
	To       int     `json:"to"`
	Facts    int     `json:"facts"`
	Recall   float64 `json:"recall"`
	Bits     float64 `json:"bits_per_fact"`
	Exposure float64 `json:"exposure"` // mean; 0 unless Choose has seen the facts
	Gain     float64 `json:"gain"`     // the same
}

// GroupRecall puts facts together by how often they were seen: 0, 1, 2-3, 4-7, and so
// on.
func GroupRecall(facts []Recalled) []RecallGroup {
	by := map[int]*RecallGroup{}
	for _, f := range facts {
		k := 0
		for f.Seen()>>k > 0 {
			k++
		}
		g := by[k]
		if g == nil {
			g = &RecallGroup{From: 1 << k >> 1, To: max(0, 1<<k-1)}
			by[k] = g
		}
		g.Facts++
		g.Bits += f.Bits
		if f.Choices > 0 {
			g.Exposure += Exposure(f.Choice, f.Choices)
			g.Gain += f.Gain
		}
		if f.Recall {
			g.Recall++
		}
	}
	var list []RecallGroup
	for _, g := range by {
		g.Recall /= float64(g.Facts)
		g.Bits /= float64(g.Facts)
		g.Exposure /= float64(g.Facts)
		g.Gain /= float64(g.Facts)
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b RecallGroup) int { return cmp.Compare(a.From, b.From) })
	return list
}

// Spearman is the rank correlation of two lists, ties at their mean rank; NaN if one
// of them has no order, or they are not of one length.
func Spearman(x, y []float64) float64 {
	if len(x) != len(y) {
		return math.NaN()
	}
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
