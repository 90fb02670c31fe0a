package codes

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"slices"

	"kolm/internal/ledger"
	"kolm/internal/mdl"
	"kolm/internal/mdl/bitsback"
)

// A model small enough for bits back with a Gaussian over its weights: every bit
// of the data is predicted by a logistic regression on what estimators in two
// contexts say of it. The weights are points of a grid.
const (
	bitsBackWeights = 2
	bitsBackBytes   = 1 << 20 // the longest data: every bit of it takes some tens of bytes
	gridValues      = 193     // of a weight, from 0 on
	gridStep        = 1.0 / 128
)

// bitsBackOrders are the lengths of the contexts in bytes.
var bitsBackOrders = [bitsBackWeights]int{1, 3}

// regression is the model and the inputs of one sequence of bits.
type regression struct {
	weights []float64
	past    estimators2
}

// estimators2 predicts each bit in the contexts.
type estimators2 struct {
	counts [bitsBackWeights]map[uint32]*[2]float64
	bytes  uint32 // the last ones
	node   uint32
	input  [bitsBackWeights]float64
}

func (e *estimators2) at(k int) *[2]float64 {
	if e.counts[k] == nil {
		e.counts[k] = map[uint32]*[2]float64{}
	}
	key := (e.bytes&(1<<(8*bitsBackOrders[k])-1))<<8 | e.node
	n := e.counts[k][key]
	if n == nil {
		n = &[2]float64{.4, .4}
		e.counts[k][key] = n
	}
	return n
}

// inputs are the log odds of a one by each order.
func (e *estimators2) inputs() [bitsBackWeights]float64 {
	e.node = max(e.node, 1)
	for k := range bitsBackWeights {
		n := e.at(k)
		e.input[k] = math.Log(n[1] / n[0])
	}
	return e.input
}

func (e *estimators2) update(bit int) {
	for k := range bitsBackWeights {
		e.at(k)[bit]++
	}
	if e.node = e.node<<1 | uint32(bit); e.node >= 256 {
		e.bytes, e.node = e.bytes<<8|e.node&255, 1
	}
}

// parts of the total of a prediction.
const oddsTotal = 1 << 24

// Next implements mdl.Predictor.
func (r *regression) Next(symbol int) (num, den uint64) {
	z := 0.0
	for k, x := range r.past.inputs() {
		z += r.weights[k] * x
	}
	p := min(max(uint64(oddsTotal/(1+math.Exp(-z))), 1), oddsTotal-1)
	if symbol == 0 {
		p = oddsTotal - p
	}
	return p, oddsTotal
}

func (r *regression) Update(bit int) { r.past.update(bit) }

// fitRegression finds the best weights by Newton steps and their deviations, from
// the diagonal of the curvature. It depends on the bits alone: the decoder, who
// has them then, repeats it.
func fitRegression(bits []int) (w, sigma [bitsBackWeights]float64) {
	inputs := make([][bitsBackWeights]float32, len(bits))
	var past estimators2
	for i, b := range bits {
		for k, x := range past.inputs() {
			inputs[i][k] = float32(x)
		}
		past.update(b)
	}
	w[bitsBackWeights-1] = 1
	for range 12 {
		for k := range w {
			gradient, curvature := 0.0, 1.0 // the prior is N(0, 1)
			gradient += w[k]
			for i, b := range bits {
				z := 0.0
				for j, x := range inputs[i] {
					z += w[j] * float64(x)
				}
				p, x := 1/(1+math.Exp(-z)), float64(inputs[i][k])
				gradient += (p - float64(b)) * x
				curvature += p * (1 - p) * x * x
			}
			w[k] -= gradient / curvature
			sigma[k] = 1 / math.Sqrt(curvature)
		}
	}
	return w, sigma
}

// masses are what a Gaussian gives to the values of one weight.
func masses(mean, sigma float64) []float64 {
	list := make([]float64, gridValues)
	sum := 0.0
	for i := range list {
		x := float64(i) * gridStep
		list[i] = math.Erf((x+gridStep/2-mean)/(sigma*math.Sqrt2)) - math.Erf((x-gridStep/2-mean)/(sigma*math.Sqrt2))
		sum += list[i]
	}
	for i := range list {
		list[i] /= sum
	}
	return list
}

// points are the masses of all vectors of weights, the first weight slowest.
func points(mean, sigma [bitsBackWeights]float64) []*big.Rat {
	all := []float64{1}
	for k := range mean {
		var next []float64
		for _, a := range all {
			for _, m := range masses(mean[k], sigma[k]) {
				next = append(next, a*m)
			}
		}
		all = next
	}
	list := make([]*big.Rat, len(all))
	for i, p := range all {
		list[i] = new(big.Rat).SetFloat64(p * (1 - 1e-12)) // so that rounding lifts no sum above one
	}
	return list
}

// regressions is the class of all vectors of weights with the prior N(0, 1).
func regressions() (*mdl.Class, error) {
	prior := points([bitsBackWeights]float64{}, [bitsBackWeights]float64{1, 1})
	var members []mdl.Member
	for i := range prior {
		w := make([]float64, bitsBackWeights)
		for k, rest := bitsBackWeights-1, i; k >= 0; k, rest = k-1, rest/gridValues {
			w[k] = float64(rest%gridValues) * gridStep
		}
		members = append(members, mdl.Member{Name: fmt.Sprint(w), Prior: prior[i], New: func() mdl.Predictor { return &regression{weights: w} }})
	}
	return mdl.NewClass("regressions on a grid", 2, members)
}

// bitsBack codes the data with weights that bits already on the stack choose,
// decodes it and finds these bits again; beside it, -ELBO by its formula.
func bitsBack(ctx context.Context, in *Input) ([]*ledger.Ledger, error) {
	if len(in.Data) > bitsBackBytes {
		return nil, fmt.Errorf("%w: the small model is trained on at most %d bytes", ErrUnfit, bitsBackBytes)
	}
	bits := make([]int, 0, 8*len(in.Data))
	for _, b := range in.Data {
		for i := 7; i >= 0; i-- {
			bits = append(bits, int(b>>i&1))
		}
	}
	class, err := regressions()
	if err != nil {
		return nil, err
	}
	choose := func(bits []int) []*big.Rat { return points(fitRegression(bits)) }
	codec, err := bitsback.New(class, choose)
	if err != nil {
		return nil, err
	}
	l := &ledger.Ledger{Code: "bits back, 2 weights"}
	before := bitsback.NewStack([]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}) // what was to be sent before: digits of pi
	stack := before.Clone()
	var back []int
	var member int
	err = timed(l, func() (err error) {
		if member, err = codec.Encode(stack, bits); err != nil {
			return err
		}
		sent := stack.Clone()
		back, err = codec.Decode(sent, len(bits))
		if err == nil && !sent.Equal(before) {
			err = fmt.Errorf("other bits came back: a defect of kolm or of the machine")
		}
		return err
	})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if !slices.Equal(back, bits) {
		return nil, fmt.Errorf("other data came back: a defect of kolm or of the machine")
	}
	l.Decoded, l.Net = true, true
	q := choose(bits)
	weight, _ := class.Members[member].Prior.Float64()
	chosen, _ := q[member].Float64()
	net := stack.Bits() - before.Bits()
	told := -math.Log2(weight) + math.Log2(chosen)
	data := mdl.CodeLength(mdl.Float(class.Members[member].New()), bits)
	l.Add(ledger.Model, "weights, net", ledger.Ideal(told))
	l.Add(ledger.Data, "data", ledger.Ideal(data))
	l.Add(ledger.Data, "coder overhead", ledger.Ideal(net)-ledger.Ideal(told)-ledger.Ideal(data))
	l.Note("the net length of a stack that gave back the data and the bits before it: without bits back, or on an empty stack, it is %.1f bits longer", -math.Log2(chosen))
	return []*ledger.Ledger{l}, nil
}
