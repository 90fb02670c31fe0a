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
)

var weights = Experiment{
	Name:     "weights",
	Question: "how precisely should weights be written, and what do they cost?",
	Criterion: "of all grids for a two-part code the step sqrt(12/H) is best within a factor 1.25 and wastes .72 ± .05 bit a weight; " +
		"halving the step costs a two-part code one bit a weight, and bits back less than 1 %; the coded stack is -ELBO to 0.05 bit and comes back",
	run: runWeights,
}

// logistic is a regression of labels on inputs that both sides know.
type logistic struct{ inputs [][]float64 }

const dimension = 3

func newLogistic(seed uint64, n int) (l logistic, labels []int) {
	r := rand.New(rand.NewPCG(seed, 2))
	truth := []float64{1, -.7, .4}
	for range n {
		v := make([]float64, dimension)
		for i := range v {
			v[i] = r.NormFloat64()
		}
		l.inputs = append(l.inputs, v)
		label := 0
		if r.Float64() < sigmoid(dot(truth, v)) {
			label = 1
		}
		labels = append(labels, label)
	}
	return l, labels
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// bits is the code length of the labels under weights.
func (l logistic) bits(w []float64, labels []int) float64 {
	sum := 0.0
	for i, v := range l.inputs {
		z := dot(w, v)
		if labels[i] == 0 {
			z = -z
		}
		sum += math.Log1p(math.Exp(-z)) / math.Ln2
	}
	return sum
}

// train finds the best weights by coordinate-wise Newton steps, and the diagonal
// of the curvature there, in nats. It depends on the labels only: a decoder that
// has them repeats it.
func (l logistic) train(labels []int) (w, curvature []float64) {
	w, curvature = make([]float64, dimension), make([]float64, dimension)
	for range 100 {
		for j := range w {
			gradient := 0.0
			curvature[j] = 0
			for i, v := range l.inputs {
				p := sigmoid(dot(w, v))
				gradient += (p - float64(labels[i])) * v[j]
				curvature[j] += p * (1 - p) * v[j] * v[j]
			}
			w[j] -= gradient / curvature[j]
		}
	}
	return w, curvature
}

func runWeights(r *run) error {
	l, labels := newLogistic(r.Seed, 400)
	r.note("The data are 400 labels of a logistic regression with %d weights; both sides know its inputs.", dimension)
	w, curvature := l.train(labels)
	precision(r, l, labels, w, curvature)
	gridCosts(r, w, curvature)
	return codedWeights(r, l, labels)
}

// precision rounds the best weights to grids with random offsets.
func precision(r *run, l logistic, labels []int, w, curvature []float64) {
	source := rand.New(rand.NewPCG(r.Seed, 3))
	trials := r.choose(4000, 1000)
	best := l.bits(w, labels)
	t := r.table("Two-part code: weights rounded to a grid of step c sqrt(12/H). Bits, computed.", "c", "data bits lost a weight", "total, against c = 1")
	line := chart.Line{Name: "total, against c = 1"}
	steps := []float64{.25, .5, .8, 1, 1.25, 2, 4}
	totals, waste := make([]float64, len(steps)), 0.0
	for k, c := range steps {
		lost := 0.0
		for range trials {
			q := make([]float64, dimension)
			for j := range q {
				// With a random offset the rounding error is uniform.
				q[j] = w[j] + (source.Float64()-.5)*c*math.Sqrt(12/curvature[j])
			}
			lost += (l.bits(q, labels) - best) / float64(trials)
		}
		totals[k] = lost - dimension*math.Log2(c) // a step c times as large needs so many bits less
		if c == 1 {
			waste = lost / dimension
		}
	}
	least := 0
	for k, c := range steps {
		t.row(c, (totals[k]+dimension*math.Log2(c))/dimension, totals[k]-totals[3])
		line.Add(c, totals[k]-totals[3])
		if totals[k] < totals[least] {
			least = k
		}
	}
	r.plot("precision", "the best precision of a weight", "step, in sqrt(12/H)", "bits", true, line)
	r.atLeast("best step", steps[least], .8)
	r.atMost("best step", steps[least], 1.25)
	r.near("bits lost a weight at c = 1", waste, .72, .05)
}

// grid is a set of points for one weight with the mass that two Gaussians give
// to the cells around them.
type grid struct {
	points, q, prior []float64
}

// newGrid covers four standard deviations of N(w, sigma^2) in steps; the prior
// is N(0, 1).
func newGrid(w, sigma, step float64) grid {
	var g grid
	first, last := math.Floor((w-4*sigma)/step), math.Ceil((w+4*sigma)/step)
	norm := 0.0
	for k := first; k <= last; k++ {
		x := k * step
		g.points = append(g.points, x)
		g.q = append(g.q, cellMass((x-step/2-w)/sigma, (x+step/2-w)/sigma))
		g.prior = append(g.prior, cellMass(x-step/2, x+step/2))
		norm += g.q[len(g.q)-1]
	}
	for i := range g.q {
		g.q[i] /= norm
	}
	return g
}

// cellMass is the probability of a standard normal variable between two bounds.
func cellMass(low, high float64) float64 {
	return (math.Erf(high/math.Sqrt2) - math.Erf(low/math.Sqrt2)) / 2
}

// divergence is KL(q || prior) in bits; nearest is the cost of naming the point
// nearest to w.
func (g grid) divergence() float64 {
	kl := 0.0
	for i, q := range g.q {
		if q > 0 {
			kl += q * math.Log2(q/g.prior[i])
		}
	}
	return kl
}

func (g grid) nearest(w float64) float64 {
	best := 0
	for i, x := range g.points {
		if math.Abs(x-w) < math.Abs(g.points[best]-w) {
			best = i
		}
	}
	return -math.Log2(g.prior[best])
}

// gridCosts is the decisive difference between naming weights and bits back.
func gridCosts(r *run, w, curvature []float64) {
	t := r.table("What the weights cost on grids of g standard deviations of Q = N(w, 1/H), prior N(0, 1). Bits, computed.", "g", "bits back: KL(Q || prior)", "two-part: name the nearest point")
	lines := []chart.Line{{Name: "bits back"}, {Name: "two-part"}}
	lastKL, lastNamed := 0.0, 0.0
	for _, g := range []float64{2, 1, .5, .25, .125} {
		kl, named := 0.0, 0.0
		for j := range w {
			sigma := 1 / math.Sqrt(curvature[j])
			grid := newGrid(w[j], sigma, g*sigma)
			kl += grid.divergence()
			named += grid.nearest(w[j])
		}
		t.row(g, kl, named)
		lines[0].Add(g, kl)
		lines[1].Add(g, named)
		if g <= .25 {
			r.near(fmt.Sprintf("g=%v: bits back, over that of twice the step", g), kl/lastKL, 1, .01)
		}
		if g <= .5 {
			r.near(fmt.Sprintf("g=%v: two-part, above that of twice the step", g), named-lastNamed, dimension, .25)
		}
		lastKL, lastNamed = kl, named
	}
	r.plot("grids", "a finer grid costs a two-part code, not bits back", "step in standard deviations", "bits for three weights", true, lines...)
}

// labelModel predicts labels by fixed weights, in parts of 2^24.
type labelModel struct {
	logistic
	w  []float64
	at int
}

func (m *labelModel) Next(symbol int) (num, den uint64) {
	const one = 1 << 24
	p := min(max(uint64(one*sigmoid(dot(m.w, m.inputs[m.at]))), 1), one-1)
	if symbol == 0 {
		p = one - p
	}
	return p, one
}

func (m *labelModel) Update(int) { m.at++ }

// Grid of codedWeights: 21 values of each weight, agreed on before any label is seen.
const (
	gridStep = .15
	gridHalf = 10
)

// codedWeights puts the labels on a stack with weights that it chose. The
// decoder trains again on the labels to give back the bits of the choice.
func codedWeights(r *run, l logistic, labels []int) error {
	standard := make([]float64, dimension)
	points, prior := gaussianGrid(standard, []float64{1, 1, 1})
	var members []mdl.Member
	for i, p := range points {
		members = append(members, mdl.Member{Name: fmt.Sprint(p), Prior: rational(prior[i]), New: func() mdl.Predictor { return &labelModel{logistic: l, w: p} }})
	}
	class, err := mdl.NewClass("weights on a grid", 2, members)
	if err != nil {
		return err
	}
	choose := func(labels []int) []*big.Rat {
		w, curvature := l.train(labels)
		sigma := make([]float64, dimension)
		for j, h := range curvature {
			sigma[j] = 1 / math.Sqrt(h)
		}
		_, q := gaussianGrid(w, sigma)
		all := make([]*big.Rat, len(q))
		for i := range q {
			all[i] = rational(q[i])
		}
		return all
	}
	codec, err := bitsback.New(class, choose)
	if err != nil {
		return err
	}
	stacks := r.choose(200, 40)
	trial := stackTrial{r: rand.New(rand.NewPCG(r.Seed, 4)), codec: codec, x: labels}
	q := choose(labels)
	elbo, _, gross := trial.formula(class, q)
	mean, back, worst, err := trial.sample(class, q, stacks)
	if err != nil {
		return err
	}
	t := r.table(fmt.Sprintf("400 labels with one of %d weight vectors that the stack chose; the decoder trains again. %d random stacks.", len(members), stacks),
		"-ELBO computed", "mean net", "greatest error of a net length", "gross", "round trips")
	t.row(elbo, mean, worst, gross, fmt.Sprintf("%d of %d", back, stacks))
	r.count("stacks that came back", back, stacks)
	r.atMost("net length of a stack, against log2 Q - log2 w - log2 p", worst, .05)
	return nil
}

// rational is a probability a hair below p, so that rounding can not lift a sum above one.
func rational(p float64) *big.Rat { return new(big.Rat).SetFloat64(p * (1 - 1e-12)) }

// gaussianGrid makes all vectors of the grid and the masses that independent
// Gaussians give them, which sum to one.
func gaussianGrid(mean, sigma []float64) (vectors [][]float64, mass []float64) {
	vectors, mass = [][]float64{nil}, []float64{1}
	for j := range mean {
		var nextVectors [][]float64
		var nextMass []float64
		norm := cellMass((-(gridHalf+.5)*gridStep-mean[j])/sigma[j], ((gridHalf+.5)*gridStep-mean[j])/sigma[j])
		for i, v := range vectors {
			for k := -gridHalf; k <= gridHalf; k++ {
				x := float64(k) * gridStep
				m := cellMass((x-gridStep/2-mean[j])/sigma[j], (x+gridStep/2-mean[j])/sigma[j]) / norm
				nextVectors = append(nextVectors, append(slices.Clone(v), x))
				nextMass = append(nextMass, mass[i]*m)
			}
		}
		vectors, mass = nextVectors, nextMass
	}
	return vectors, mass
}
