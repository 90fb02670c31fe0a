package memory

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"kolm/internal/lm"
)

// Knowledge is the attribution of an answer's probability to neurons, by integrated
// gradients (D. Dai et al., "Knowledge Neurons in Pretrained Transformers", 2022).
type Knowledge struct {
	Token  string           `json:"token"`
	Prob   float64          `json:"probability"`
	Layers []LayerKnowledge `json:"layers"`
	attr   [][]float64
}

// LayerKnowledge checks the completeness of a layer: the attributions along the
// path from no coefficients to all of them sum to what the layer adds.
type LayerKnowledge struct {
	Layer int     `json:"layer"`
	Sum   float64 `json:"sum"`
	Zero  float64 `json:"probability_without"` // of the token, all coefficients of the layer 0 at the position
	Gap   float64 `json:"completeness_gap"`    // Sum - (P - Zero)
}

// Knowledge attributes the probability of the first token of the answer that
// differs from the foil to the coefficients at the position before it, layer by
// layer: the coefficients of a layer go together from 0 to what they are, in steps
// midpoints. (With one neuron varied alone the integral is what zeroing it costs;
// Bits measures that.)
func (m *Model) Knowledge(q Question, steps int, done func()) (*Knowledge, error) {
	if steps < 1 {
		return nil, fmt.Errorf("%d steps of integration", steps)
	}
	a, err := m.Ask(q)
	if err != nil {
		return nil, err
	}
	tokens, pos, token := a.Tokens[:a.At], a.At-1, a.Tokens[a.At]
	k := &Knowledge{Token: m.Token(token)}
	if k.Prob, err = probability(a.record, pos, token); err != nil {
		return nil, err
	}
	for l := range m.LM.Config.Layers {
		coefs := a.record.Row(lm.Coefficients, l, pos)
		attr, sum := make([]float64, len(coefs)), 0.0
		for s := range steps {
			g, err := m.alongPath(tokens, token, l, coefs, (float64(s)+.5)/float64(steps))
			if err != nil {
				return nil, err
			}
			for i, d := range g {
				attr[i] += d * float64(coefs[i]) / float64(steps)
			}
		}
		for _, v := range attr {
			sum += v
		}
		r, err := m.Run(tokens, Patch(lm.Coefficients, l, pos, make([]float32, len(coefs))))
		if err != nil {
			return nil, err
		}
		zero, err := probability(r, pos, token)
		if err != nil {
			return nil, err
		}
		k.Layers = append(k.Layers, LayerKnowledge{l, sum, zero, sum - (k.Prob - zero)})
		k.attr = append(k.attr, attr)
		if done != nil {
			done()
		}
	}
	return k, nil
}

// alongPath is the gradient of a token's probability after the last position by the
// coefficients of a layer there, which are alpha times coefs.
func (m *Model) alongPath(tokens []int32, token int32, layer int, coefs []float32, alpha float64) ([]float64, error) {
	pos, part := len(tokens)-1, make([]float32, len(coefs))
	for i, v := range coefs {
		part[i] = float32(alpha * float64(v))
	}
	r, err := m.Run(tokens, Patch(lm.Coefficients, layer, pos, part))
	if err != nil {
		return nil, err
	}
	p, err := probability(r, pos, token)
	if err != nil {
		return nil, err
	}
	dh, err := r.lossGradient([]target{{pos: pos, weights: map[int32]float64{token: p}}})
	if err != nil {
		return nil, err
	}
	g, err := r.backward(dh, layer)
	if err != nil {
		return nil, err
	}
	return g.Coefficients[layer][pos*len(coefs):], nil
}

func probability(r *Record, pos int, token int32) (float64, error) {
	logits, err := r.Logits(pos)
	if err != nil {
		return 0, err
	}
	return math.Exp2(-bitsOf(logits, token)), nil
}

// Attributed is a neuron and what it was attributed.
type Attributed struct {
	Neuron Neuron  `json:"neuron"`
	Value  float64 `json:"attribution"`
}

// Above returns the neurons with more than a share of the largest attribution,
// largest first.
func (k *Knowledge) Above(share float64) []Attributed {
	top := 0.0
	for _, row := range k.attr {
		top = max(top, slices.Max(row))
	}
	var list []Attributed
	for l, row := range k.attr {
		for i, v := range row {
			if v > share*top {
				list = append(list, Attributed{Neuron{l, i}, v})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Attributed) int { return cmp.Compare(b.Value, a.Value) })
	return list
}

// Shared returns the neurons that are Above(share) in more than a part of several
// prompts that ask for one fact. The part begins at 0.7 and moves by 0.05 until two
// to five neurons are left, as in the paper; it is returned too.
func Shared(prompts []*Knowledge, share float64) ([]Neuron, float64, error) {
	if len(prompts) == 0 {
		return nil, 0, errors.New("no prompts")
	}
	count := map[Neuron]int{}
	for _, k := range prompts {
		for _, a := range k.Above(share) {
			count[a.Neuron]++
		}
	}
	at := func(part float64) (list []Neuron) {
		for n, c := range count {
			if float64(c) > part*float64(len(prompts))+1e-9 || c == len(prompts) {
				list = append(list, n)
			}
		}
		slices.SortFunc(list, func(a, b Neuron) int { return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Index, b.Index)) })
		return list
	}
	part := .7
	list := at(part)
	for len(list) < 2 && part > .06 {
		part -= .05
		list = at(part)
	}
	for len(list) > 5 && part < .95 {
		part += .05
		list = at(part)
	}
	return list, part, nil
}

// Scale returns a tap that multiplies the coefficients of neurons.
func Scale(by float32, neurons ...Neuron) lm.Tap {
	return func(site lm.Site, rows []float32) {
		if site.Point != lm.Coefficients {
			return
		}
		for _, n := range neurons {
			if n.Layer != site.Layer {
				continue
			}
			for i := range site.Positions {
				rows[i*site.Width+n.Index] *= by
			}
		}
	}
}

// Answer measures the answer of a question under a tap.
func (m *Model) Answer(q Question, tap lm.Tap) (Effect, error) {
	a, err := m.Ask(q)
	if err != nil {
		return Effect{}, err
	}
	return m.effect(a, a.Tokens, tap)
}
