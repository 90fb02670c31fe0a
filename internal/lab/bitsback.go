package lab

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"

	"kolm/internal/chart"
	"kolm/internal/mdl"
	"kolm/internal/mdl/bitsback"
	"kolm/internal/source"
)

var bitsBack = Experiment{
	Name:      "bitsback",
	Question:  "is -ELBO the length of anything that decodes?",
	Criterion: "expected net length of the coded stack equals -ELBO to 0.05 bit for every choice Q; data and stack come back from all random stacks",
	run:       runBitsBack,
}

func runBitsBack(r *run) error {
	class, err := mdl.Orders(2, mdl.Halves(5), nil)
	if err != nil {
		return err
	}
	s := source.Order2()
	x := s.Sample(r.Seed, 400)
	r.input("400 symbols of the order 2 source", s.Text(x))
	zero, half, one, fifth := new(big.Rat), big.NewRat(1, 2), big.NewRat(1, 1), big.NewRat(1, 5)
	best := mdl.Weigh(class, x).MAP()
	certain := []*big.Rat{zero, zero, zero, zero, zero}
	certain[best] = one
	fixed := func(q ...*big.Rat) bitsback.Choose { return func([]int) []*big.Rat { return q } }
	stacks := r.choose(300, 60)
	t := r.table(fmt.Sprintf("400 symbols, orders 0 to 4; net is what a stack grows by, decoded; mean over %d random stacks.", stacks),
		"choice Q", "-ELBO computed", "expected net", "mean net", "gross: without bits back", "round trips")
	r.steps(4)
	for _, c := range []struct {
		name string
		q    bitsback.Choose
	}{
		{"posterior", bitsback.Posterior(class)},
		{"best member (two-part)", fixed(certain...)},
		{"orders 1 and 2, half and half", fixed(zero, half, half, zero, zero)},
		{"uniform", fixed(fifth, fifth, fifth, fifth, fifth)},
	} {
		codec, err := bitsback.New(class, c.q)
		if err != nil {
			return err
		}
		trial := stackTrial{r: rand.New(rand.NewPCG(r.Seed, 1)), codec: codec, x: x}
		elbo, choice, gross := trial.formula(class, c.q(x))
		expected, err := trial.expectation(choice)
		if err != nil {
			return err
		}
		mean, back, _, err := trial.sample(class, c.q(x), stacks)
		if err != nil {
			return err
		}
		t.row(c.name, elbo, expected, mean, gross, fmt.Sprintf("%d of %d", back, stacks))
		r.near(c.name+": expected net bits", expected, elbo, .05)
		r.count(c.name+": stacks that came back", back, stacks)
		r.step()
	}
	c := chart.Chart{Name: "net", Title: "400 symbols by bits back, for four choices of a model", X: "bits", Parts: []string{"net: -ELBO", "read from bits before it, and given back"}}
	for _, row := range t.Rows {
		elbo := figure(row[1])
		c.Bars = append(c.Bars, chart.Bar{Name: row[0].(string), Parts: []float64{elbo, max(0, figure(row[4])-elbo)}})
	}
	r.Plots = append(r.Plots, c)
	if err := r.otherClasses(); err != nil {
		return err
	}
	r.note("Gross is what a single message costs that has no earlier bits to take its choice from: expected bits of naming the member and of the data.")
	return nil
}

// otherClasses codes a sequence with context trees and automata, chosen by their
// posterior and alike.
func (r *run) otherClasses() error {
	trees, automata, err := treesAndAutomata(3, 2)
	if err != nil {
		return err
	}
	x := source.Even().Sample(r.Seed, 120)
	r.input("120 symbols of the even process", source.Even().Text(x))
	t := r.table("120 symbols of the even process, other classes: every member in turn.", "class", "members", "choice Q", "-ELBO computed", "expected net", "members that came back")
	for _, c := range []*mdl.Class{trees, automata} {
		n := len(c.Members)
		alike := make([]*big.Rat, n)
		for i := range alike {
			alike[i] = big.NewRat(1, int64(n))
		}
		for _, q := range []struct {
			name string
			q    bitsback.Choose
		}{{"posterior", bitsback.Posterior(c)}, {"uniform", func([]int) []*big.Rat { return alike }}} {
			codec, err := bitsback.New(c, q.q)
			if err != nil {
				return err
			}
			trial := stackTrial{r: rand.New(rand.NewPCG(r.Seed, 5)), codec: codec, x: x}
			elbo, weights, _ := trial.formula(c, q.q(x))
			expected, err := trial.expectation(weights)
			if err != nil {
				return err
			}
			t.row(c.Name, n, q.name, elbo, expected, n)
			r.near(c.Name+", "+q.name+": expected net bits", expected, elbo, .05)
		}
	}
	return nil
}

type stackTrial struct {
	r     *rand.Rand
	codec *bitsback.Codec
	x     []int
}

func (s stackTrial) stack() *bitsback.Stack {
	words := make([]uint32, 40)
	for i := range words {
		words[i] = s.r.Uint32()
	}
	return bitsback.NewStack(words)
}

// encode codes x onto the stack and decodes it again.
func (s stackTrial) encode(stack *bitsback.Stack) (net float64, member int, same bool, err error) {
	before := stack.Clone()
	if member, err = s.codec.Encode(stack, s.x); err != nil {
		return 0, 0, false, err
	}
	net = stack.Bits() - before.Bits()
	back, err := s.codec.Decode(stack, len(s.x))
	return net, member, slices.Equal(back, s.x) && stack.Equal(before), err
}

// formula is what the choice q costs on paper.
func (s stackTrial) formula(class *mdl.Class, q []*big.Rat) (elbo float64, weights []float64, gross float64) {
	w := mdl.Weigh(class, s.x)
	weights = make([]float64, len(q))
	for m := range q {
		weights[m], _ = q[m].Float64()
		gross += weights[m] * w.TwoPart(m)
	}
	return w.NegELBO(weights), weights, gross
}

// expectation takes the mean over choices exactly, by making a stack choose
// each member in turn.
func (s stackTrial) expectation(weights []float64) (net float64, err error) {
	for m, p := range weights {
		if p == 0 {
			continue
		}
		stack, err := s.codec.Force(s.stack(), s.x, m)
		if err != nil {
			return 0, err
		}
		bits, _, same, err := s.encode(stack)
		if err == nil && !same {
			err = fmt.Errorf("member %d: other data or another stack came back", m)
		}
		if err != nil {
			return 0, err
		}
		net += p * bits
	}
	return net, nil
}

// sample codes x onto random stacks, counts those that came back, and holds each
// net length against log2 Q - log2 w - log2 p of the member that was chosen.
func (s stackTrial) sample(class *mdl.Class, q []*big.Rat, n int) (mean float64, back int, worst float64, err error) {
	w := mdl.Weigh(class, s.x)
	for range n {
		net, member, same, err := s.encode(s.stack())
		if err != nil {
			return 0, 0, 0, err
		}
		mean += net / float64(n)
		if same {
			back++
		}
		p, _ := q[member].Float64()
		worst = max(worst, math.Abs(net-w.TwoPart(member)-math.Log2(p)))
	}
	return mean, back, worst, nil
}
