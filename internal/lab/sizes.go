package lab

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"kolm/internal/chart"
	"kolm/internal/mdl"
	"kolm/internal/memory"
	"kolm/internal/source"
	"kolm/internal/weightcode"
)

var sizes = Experiment{
	Name:     "sizes",
	Question: "does gradient descent by itself find the shortest description?",
	Criterion: "of networks of growing size, trained by gradient descent on one sequence, cross-entropy on it is least for the largest; " +
		"the two-part file, weights and data, is shortest at a size in between, on every source, in the mean over a few sequences; all files decode",
	run: runSizes,
}

const (
	sizeContext = 10 // symbols that a network sees
	sizeInputs  = 1 << sizeContext
)

// contextKey is a context as the input of a network.
func contextKey(c int) []float64 {
	key := make([]float64, sizeContext)
	for i := range key {
		key[i] = float64(2*(c>>i&1)-1) / math.Sqrt(sizeContext)
	}
	return key
}

// contextPairs counts what follows each context, zeros being before the first symbol.
func contextPairs(x []int) []memory.Pair {
	var n [sizeInputs][2]float64
	c := 0
	for _, s := range x {
		n[c][s]++
		c = (2*c + s) % sizeInputs
	}
	var pairs []memory.Pair
	for c, k := range n {
		for s, times := range k {
			if times > 0 {
				pairs = append(pairs, memory.Pair{Key: contextKey(c), Label: s, Weight: times})
			}
		}
	}
	return pairs
}

// tableOf is what a network says in all contexts.
func tableOf(net *memory.Learned) tableModel {
	m := tableModel{sizeContext, make([]float64, sizeInputs)}
	for c := range m.one {
		m.one[c] = net.Predict(contextKey(c))[1]
	}
	return m
}

// described is a sequence with a network, in four codes. Bits.
type described struct {
	weights     int
	entropy     float64 // -log2 p of the data alone, by the network trained on it
	twoPart     float64 // file
	prequential float64
	variational float64
	decodes     bool
}

// sizing describes one sequence with networks of growing size.
type sizing struct {
	options memory.CapacityOptions
	x       []int
}

func (s sizing) learn(x []int, hidden int) (*memory.Learned, error) {
	o := s.options
	o.Hidden = hidden
	return memory.Learn(o, contextPairs(x), nil)
}

// describe with no hidden neurons is a coin: KT in place of all but the two-part code.
func (s sizing) describe(hidden int) (d described, err error) {
	if hidden == 0 {
		return s.coin(), nil
	}
	net, err := s.learn(s.x, hidden)
	if err != nil {
		return d, err
	}
	d.weights = len(net.Params())
	d.entropy = mdl.Length(tableOf(net).predictor(), s.x)
	d.twoPart, d.decodes, err = s.shortest(net)
	if err != nil {
		return d, err
	}
	d.variational = s.negELBO(net)
	d.prequential, err = s.blocks(hidden)
	return d, err
}

// coin is the model of one weight, whose two-part code names a point of a grid.
func (s sizing) coin() described {
	ones := 0
	for _, v := range s.x {
		ones += v
	}
	n := len(s.x)
	_, bits := gridRegret(n, ones) // a byte says how many, then they name the point
	p := tableModel{0, []float64{bestPoint(n, ones, bits)}}
	file := encode(s.x, p.predictor())
	kt := mdl.KTLength(n-ones, ones)
	return described{weights: 1, entropy: float64(n) * mdl.BinaryEntropy(float64(ones)/float64(n)), twoPart: float64(8 * (1 + (bits+7)/8 + len(file))),
		prequential: kt, variational: kt, decodes: slices.Equal(decode(file, n, p.predictor()), s.x)}
}

// roundings are the steps of the grid that weights are rounded to: a byte of the
// file says which.
var roundings = []float64{.0625, .125, .25, .5, 1, 2}

// shortest is the two-part file of a network: step, weights, data; in bits.
func (s sizing) shortest(net *memory.Learned) (bits float64, decodes bool, err error) {
	params, best := net.Params(), math.Inf(1)
	wide := make([]float32, len(params))
	for i, v := range params {
		wide[i] = float32(v)
	}
	for _, step := range roundings {
		e := weightcode.NewEncoder(nil)
		e.Matrix(weightcode.Quantize(wide, step, weightcode.Most), len(wide))
		weights := e.Flush()
		read, err := readWeights(weights, len(wide), step)
		if err != nil {
			return 0, false, err
		}
		p := tableOf(net.With(read))
		file := encode(s.x, p.predictor())
		if n := float64(8 * (1 + len(weights) + len(file))); n < best {
			best, decodes = n, slices.Equal(decode(file, len(s.x), p.predictor()), s.x)
		}
	}
	return best, decodes, nil
}

func readWeights(file []byte, n int, step float64) ([]float64, error) {
	q, w := make([]int32, n), make([]float64, n)
	d := weightcode.NewDecoder(file)
	if err := d.Matrix(q, n); err != nil {
		return nil, err
	}
	for i, v := range q {
		w[i] = float64(v) * step
	}
	return w, d.End()
}

// negELBO is that of a Gaussian around the weights, all with one deviation, under a
// Gaussian prior around zero as wide as they are; the best of six deviations. The
// data's expected length is a mean over draws.
func (s sizing) negELBO(net *memory.Learned) float64 {
	params, best, draws := net.Params(), math.Inf(1), 8
	squares := 0.0
	for _, v := range params {
		squares += v * v / float64(len(params))
	}
	for _, share := range []float64{.01, .02, .05, .1, .2, .4} {
		rng := rand.New(rand.NewPCG(s.options.Seed, 15))
		sigma := share * math.Sqrt(squares)
		prior := math.Sqrt(squares + sigma*sigma)
		total := math.Log2(6)
		for _, v := range params {
			total += mdl.GaussianKL(v, sigma, prior)
		}
		noisy := make([]float64, len(params))
		for range draws {
			for i, v := range params {
				noisy[i] = v + sigma*rng.NormFloat64()
			}
			total += mdl.Length(tableOf(net.With(noisy)).predictor(), s.x) / float64(draws)
		}
		best = min(best, total)
	}
	return best
}

// blocks is the prequential code: blocks twice as long each time, each coded with a
// network trained on all before it; the first as it is.
func (s sizing) blocks(hidden int) (float64, error) {
	const first = 64
	bits := float64(min(first, len(s.x)))
	for from := first; from < len(s.x); from *= 2 {
		net, err := s.learn(s.x[:from], hidden)
		if err != nil {
			return 0, err
		}
		m, to := tableOf(net), min(2*from, len(s.x))
		bits += mdl.Length(m.predictor(), s.x[:to]) - mdl.Length(m.predictor(), s.x[:from])
	}
	return bits, nil
}

// add sums what networks of one size make of several sequences.
func (d described) add(e described) described {
	return described{e.weights, d.entropy + e.entropy, d.twoPart + e.twoPart, d.prequential + e.prequential, d.variational + e.variational, d.decodes && e.decodes}
}

func runSizes(r *run) error {
	o := memory.CapacityOptions{Dim: sizeContext, Labels: 2, Steps: r.choose(600, 250), Rate: .03, Seed: r.Seed}
	hidden := []int{0, 1, 2, 4, 8, 16, 32, 64}
	sources := []source.Source{source.Order2(), source.Tree(), source.Even()}
	if r.Quick {
		sources, hidden = sources[:2], []int{0, 1, 2, 4, 8, 16}
	}
	n, draws := r.choose(10000, 3000), r.choose(3, 1)
	r.steps(len(sources) * len(hidden) * draws)
	t := r.table(fmt.Sprintf("%d symbols, mean of %d sequences; networks with one hidden layer that see %d symbols, trained by gradient descent. Bits; two-part: a file with weights, decoded; the rest computed. Without neurons: a coin.", n, draws, sizeContext),
		"source", "neurons", "weights", "-log2 P of the source", "cross-entropy alone", "two-part", "prequential, doubling blocks", "-ELBO, Gaussian")
	for _, src := range sources {
		all, truth := make([]described, len(hidden)), 0.0
		for i := range all {
			all[i].decodes = true
		}
		for draw := range draws {
			x := src.Sample(r.Seed+uint64(draw), n)
			r.input(fmt.Sprintf("%d symbols of %s", n, src.Name()), src.Text(x))
			truth += src.Bits(x)
			for i, h := range hidden {
				d, err := sizing{o, x}.describe(h)
				if err != nil {
					return err
				}
				all[i] = all[i].add(d)
				r.step()
			}
		}
		// A coin has no place on the picture's axis, and no part in its range.
		lines := []chart.Line{{Name: "cross-entropy alone"}, {Name: "two-part"}, {Name: "prequential"}, {Name: "-ELBO"}}
		k := float64(draws)
		for i, d := range all {
			figures := []float64{d.entropy / k, d.twoPart / k, d.prequential / k, d.variational / k}
			t.row(src.Name(), hidden[i], d.weights, truth/k, figures[0], figures[1], figures[2], figures[3])
			for j, v := range figures {
				if hidden[i] > 0 {
					lines[j].Add(float64(hidden[i]), v)
				}
			}
		}
		r.plot(fileName(src.Name()), "the same networks in four codes: "+src.Name(), "neurons", "bits", true, lines...)
		judgeSizes(r, src.Name(), all)
	}
	r.note("Nothing in the loss of training charges for weights. A description that counts them has its best size; the prequential code, which never writes them, pays for a size that it does not need by predicting worse at first.")
	return nil
}

func judgeSizes(r *run, name string, all []described) {
	least := func(of func(described) float64) int {
		best := 0
		for i, d := range all {
			if of(d) < of(all[best]) {
				best = i
			}
		}
		return best
	}
	short := least(func(d described) float64 { return d.twoPart })
	r.count(name+": size that cross-entropy on the data chooses", least(func(d described) float64 { return d.entropy }), len(all)-1)
	r.atLeast(name+": size with the shortest two-part file", float64(short), 1)
	r.atMost(name+": size with the shortest two-part file", float64(short), float64(len(all)-2))
	lost := 0
	for _, d := range all {
		lost += one(!d.decodes)
	}
	r.count(name+": files that did not come back", lost, 0)
}
