package memory

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"kolm/internal/lm"
)

// Passage is a piece of text as tokens, of which those from From on count.
type Passage struct {
	Tokens []int32
	From   int // at least 1
}

// Passages cuts a text into pieces that fit the context, each with the start token
// of the model. Every token counts, but for the first of each piece where the model
// has no start token.
func (m *Model) Passages(text []byte) ([]Passage, error) {
	tokens, err := m.Vocab.Encode(text)
	if err != nil {
		return nil, err
	}
	var list []Passage
	room, start := m.LM.Config.Context, m.Vocab.Start()
	if start >= 0 {
		room--
	}
	if room < 1 {
		return nil, errNoRoom
	}
	for len(tokens) > 0 {
		n := min(room, len(tokens))
		p := Passage{From: 1}
		if start >= 0 {
			p.Tokens = append(p.Tokens, start)
		}
		p.Tokens = append(p.Tokens, tokens[:n]...)
		tokens = tokens[n:]
		if len(p.Tokens) > 1 {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("the text has no token that can be predicted: it is empty or too short")
	}
	return list, nil
}

// Length is the bits of passages under a tap.
func (m *Model) Length(text []Passage, tap lm.Tap) (float64, error) {
	total := 0.0
	for _, p := range text {
		bits, err := m.Costs(p.Tokens, p.From, tap)
		if err != nil {
			return 0, err
		}
		total += sum(bits)
	}
	return total, nil
}

// Group is neurons that are ablated together.
type Group []Neuron

// Worth says what groups are worth on a text: L(D | ablated) - L(D | model).
type Worth struct {
	Base float64   `json:"bits"` // of the text
	Cost []float64 `json:"cost"` // by group: bits more without it; negative if it did harm
}

// Bits measures groups by ablating one after the other. It is not additive: two
// copies of one memory cost little each, and much together. done, unless nil, is
// called after each group.
func (m *Model) Bits(text []Passage, groups []Group, done func()) (*Worth, error) {
	base, err := m.Length(text, nil)
	if err != nil {
		return nil, err
	}
	w := &Worth{Base: base}
	for _, g := range groups {
		for _, n := range g {
			if err := m.Check(n); err != nil {
				return nil, err
			}
		}
		bits, err := m.Length(text, Ablate(g...))
		if err != nil {
			return nil, err
		}
		w.Cost = append(w.Cost, bits-base)
		if done != nil {
			done()
		}
	}
	return w, nil
}

// LayerGroup is all neurons of a layer.
func (m *Model) LayerGroup(layer int) Group {
	g := make(Group, m.LM.Config.FFN)
	for i := range g {
		g[i] = Neuron{layer, i}
	}
	return g
}

// Shapley is the Shapley value of a player, by sampled orders.
type Shapley struct {
	Value float64 `json:"value"`
	Error float64 `json:"standard_error"`
}

// maxPlayers bounds the players of Shapley values: sets of them are the bits of a
// number.
const maxPlayers = 62

// ShapleyBits divides the bits that all groups are worth together among them: the
// mean, over random orders, of what ablating a group costs after those before it in
// the order (L. S. Shapley, 1953). The values sum to the cost of all. done is called
// after each order.
func (m *Model) ShapleyBits(text []Passage, groups []Group, orders int, seed uint64, done func()) ([]Shapley, error) {
	n := len(groups)
	if n < 1 || n > maxPlayers || orders < 2 {
		return nil, fmt.Errorf("%d players and %d orders: want 1 to %d players and at least 2 orders", n, orders, maxPlayers)
	}
	known := map[uint64]float64{}
	length := func(set uint64) (float64, error) {
		if bits, ok := known[set]; ok {
			return bits, nil
		}
		var out []Neuron
		for i, g := range groups {
			if set>>i&1 == 1 {
				out = append(out, g...)
			}
		}
		bits, err := m.Length(text, Ablate(out...))
		known[set] = bits
		return bits, err
	}
	rng := rand.New(rand.NewPCG(seed, 0x5a9))
	sums, squares := make([]float64, n), make([]float64, n)
	for range orders {
		set := uint64(0)
		before, err := length(0)
		if err != nil {
			return nil, err
		}
		for _, i := range rng.Perm(n) {
			set |= 1 << i
			after, err := length(set)
			if err != nil {
				return nil, err
			}
			sums[i] += after - before
			squares[i] += (after - before) * (after - before)
			before = after
		}
		if done != nil {
			done()
		}
	}
	list, k := make([]Shapley, n), float64(orders)
	for i := range list {
		mean := sums[i] / k
		list[i] = Shapley{mean, math.Sqrt(max(0, squares[i]/k-mean*mean) / (k - 1))}
	}
	return list, nil
}
