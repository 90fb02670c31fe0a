package lab

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"kolm/internal/chart"
	"kolm/internal/lm"
	"kolm/internal/memory"
)

var values = Experiment{
	Name:     "values",
	Question: "is a value vector the distribution of the answer?",
	Criterion: "with the scale of the final norm frozen, taking a neuron away divides the odds of two tokens by exp of its contribution to 1e-6; " +
		"the distribution that a value stands for by itself is farther from the answer's, in bits, than the model's is; the share of layer outputs whose vote is no single active memory's is printed, between 0 and 1",
	run: runValues,
}

func runValues(r *run) error {
	b, _, err := r.biographer()
	if err != nil {
		return err
	}
	probe := reader{b.Model, b.LM.Weights.FinalNorm.Gain}
	if err := ratios(r, b, probe); err != nil {
		return err
	}
	return zeroAgreement(r, b, probe)
}

// reader computes in float64 what rows of the residual stream say.
type reader struct {
	*memory.Model
	gain []float32
}

// says returns E (g*x) / scale for x in float64.
func (p reader) says(x []float64, scale float64) ([]float64, error) {
	out := make([]float64, p.LM.Config.Vocab)
	row := make([]float32, p.LM.Config.Dim)
	for t := range out {
		if err := p.LM.Weights.Output.Row(row, t); err != nil {
			return nil, err
		}
		for d, e := range row {
			out[t] += float64(e) * float64(p.gain[d]) * x[d]
		}
		out[t] /= scale
	}
	return out, nil
}

// rms is the scale of the final norm at a row.
func (p reader) rms(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum/float64(len(x)) + float64(p.LM.Config.Eps))
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// ratios takes away one neuron at a time where the model knows an answer.
func ratios(r *run, b *biographer, p reader) error {
	layer := b.LM.Config.Layers - 1
	t := r.table("Where the model answers in which city somebody lives: taking away the neuron of the last layer that speaks most for it. Odds of the city against the next best token.",
		"neuron", "contribution, nats", "odds over odds without, by exp", "by the model, scale frozen", "by the model, scale recomputed", "bits of the city", "of the value's own distribution")
	worst, own, whole, n := 0.0, 0.0, 0.0, 0
	for _, who := range b.people[:r.choose(20, 8)] {
		prompt, err := b.Text(who.name + " lives in")
		if err != nil {
			return err
		}
		rec, err := b.Run(prompt, nil)
		if err != nil {
			return err
		}
		pos := len(prompt) - 1
		x := wide(rec.Stream(layer, pos))
		scale := p.rms(x)
		full, err := p.says(x, scale)
		if err != nil {
			return err
		}
		token, foil := best2(full)
		a, err := rec.Attribute(pos, int32(token), int32(foil))
		if err != nil {
			return err
		}
		strongest := memory.Neuron{Layer: layer}
		for i := range b.LM.Config.FFN {
			v, _ := a.Neuron(memory.Neuron{Layer: layer, Index: i})
			if top, _ := a.Neuron(strongest); v > top {
				strongest.Index = i
			}
		}
		contribution, coefficient := a.Neuron(strongest)
		v, err := b.Value(strongest)
		if err != nil {
			return err
		}
		without := slices.Clone(x)
		alone := make([]float64, len(x))
		for d := range x {
			alone[d] = coefficient * float64(v[d])
			without[d] -= alone[d]
		}
		frozen, err := p.says(without, scale)
		if err != nil {
			return err
		}
		again, err := p.says(without, p.rms(without))
		if err != nil {
			return err
		}
		vote, err := p.says(alone, scale)
		if err != nil {
			return err
		}
		odds := func(l []float64) float64 { return math.Exp(l[token] - l[foil]) }
		got := odds(full) / odds(frozen)
		worst = max(worst, math.Abs(got/math.Exp(contribution)-1))
		answer, self := bitsUnder(full, token), bitsUnder(vote, token)
		whole, own, n = whole+answer, own+self, n+1
		t.row(strongest.String(), contribution, math.Exp(contribution), got, odds(full)/odds(again), answer, self)
	}
	line := func(name string, column int) chart.Line {
		l := t.column(1, column)
		for i, ratio := range l.Y {
			l.Y[i] = math.Log(ratio)
		}
		return chart.Line{Name: name, X: l.X, Y: l.Y}
	}
	slices.SortFunc(t.Rows, func(a, b []any) int { return cmp.Compare(figure(a[1]), figure(b[1])) })
	r.plot("odds", "what a neuron adds to the answer's logit", "its contribution, nats", "log of odds over odds without it, nats", false, line("scale of the norm frozen", 3), line("scale recomputed", 4))
	r.atMost("relative error of the ratio of odds", worst, 1e-6)
	r.atLeast("bits of the answer under the value's own distribution, against the model's", own/float64(n), whole/float64(n))
	r.note("A value multiplies odds: it adds to logits, beside all other values. As a distribution of its own it says little, and with the scale of the norm recomputed even the factor is another.")
	return nil
}

// best2 are the two largest logits.
func best2(l []float64) (first, second int) {
	first, second = -1, -1
	for i, v := range l {
		switch {
		case first < 0 || v > l[first]:
			first, second = i, first
		case second < 0 || v > l[second]:
			second = i
		}
	}
	return first, second
}

// bitsUnder is the code length of a token under logits.
func bitsUnder(l []float64, token int) float64 {
	top, sum := slices.Max(l), 0.0
	for _, v := range l {
		sum += math.Exp(v - top)
	}
	return (top - l[token] + math.Log(sum)) / math.Ln2
}

// zeroAgreement counts layer outputs whose vote no single memory has: neither one
// of those that carry 90 % of the layer's work, nor any at all.
func zeroAgreement(r *run, b *biographer, p reader) error {
	t := r.table("Votes of a layer's whole output that no single memory has.", "layer", "positions", "no memory of those that carry 90 %", "no memory at all", "memories that carry 90 %")
	text := b.lines[:r.choose(40, 12)]
	for l := range b.LM.Config.Layers {
		votes, err := layerVotes(b, l)
		if err != nil {
			return err
		}
		n, active, none, carried := 0, 0, 0, 0
		for _, line := range text {
			tokens, err := b.Text(line)
			if err != nil {
				return err
			}
			rec, err := b.Run(tokens, nil)
			if err != nil {
				return err
			}
			for pos := range tokens {
				out, err := p.says(wide(rec.Row(lm.FFNOutput, l, pos)), 1)
				if err != nil {
					return err
				}
				top, _ := best2(out)
				some, carriers := votes.agree(rec.Row(lm.Coefficients, l, pos), int32(top))
				n, carried = n+1, carried+len(carriers)
				none += one(!some)
				active += one(!slices.Contains(carriers, true))
			}
		}
		k := float64(n)
		t.row(l, n, float64(active)/k, float64(none)/k, float64(carried)/k)
		r.atLeast(fmt.Sprintf("layer %d: share without agreement", l), float64(active)/k, 0)
		r.atMost(fmt.Sprintf("layer %d: share without agreement of any memory, against that of active ones", l), float64(none)/k, float64(active)/k)
	}
	return nil
}

// votesOf are the first votes of a layer's values, of either sign, and their lengths.
type votesOf struct {
	plus, minus []int32
	norm        []float64
}

func layerVotes(b *biographer, layer int) (v votesOf, err error) {
	for i := range b.LM.Config.FFN {
		x, err := b.Votes(memory.Neuron{Layer: layer, Index: i}, 1)
		if err != nil {
			return v, err
		}
		v.plus, v.minus, v.norm = append(v.plus, x.Plus[0].Token), append(v.minus, x.Minus[0].Token), append(v.norm, x.Norm)
	}
	return v, nil
}

// agree says whether any memory votes for the token, and of those that carry 90 %
// of the work, largest first, which do.
func (v votesOf) agree(coefs []float32, token int32) (some bool, carriers []bool) {
	order, total := make([]int, len(coefs)), 0.0
	work := make([]float64, len(coefs))
	for i, a := range coefs {
		order[i] = i
		work[i] = math.Abs(float64(a)) * v.norm[i]
		total += work[i]
	}
	slices.SortFunc(order, func(a, b int) int {
		if work[a] > work[b] {
			return -1
		}
		return one(work[a] < work[b])
	})
	sum := 0.0
	for _, i := range order {
		vote := v.plus[i]
		if coefs[i] < 0 {
			vote = v.minus[i]
		}
		some = some || vote == token
		if sum < .9*total {
			carriers = append(carriers, vote == token)
		}
		sum += work[i]
	}
	return some, carriers
}
