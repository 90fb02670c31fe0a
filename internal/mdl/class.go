package mdl

import (
	"fmt"
	"math"
	"math/big"
)

// Member is a model of a class.
type Member struct {
	Name  string
	Prior *big.Rat         // w(m), in (0, 1]
	New   func() Predictor // the model before the first symbol
}

// Class is a finite set of models of sequences over one alphabet.
type Class struct {
	Name     string
	Alphabet int
	Members  []Member
	prior    []float64 // -log2 w(m)
}

// NewClass checks the prior: weights are positive and obey Kraft's inequality
// exactly. A sum below one is allowed; it wastes code space, no more.
func NewClass(name string, alphabet int, members []Member) (*Class, error) {
	if len(members) == 0 {
		return nil, fmt.Errorf("class %s: has no members", name)
	}
	c := &Class{Name: name, Alphabet: alphabet, Members: members}
	for _, m := range members {
		if m.Prior.Sign() <= 0 {
			return nil, fmt.Errorf("class %s: member %s: weight %v, must be positive", name, m.Name, m.Prior)
		}
		c.prior = append(c.prior, ratBits(m.Prior))
	}
	if sum := c.Mass(); sum.Cmp(big.NewRat(1, 1)) > 0 {
		return nil, fmt.Errorf("class %s: weights sum to %v, more than 1: no code has such lengths (Kraft)", name, sum)
	}
	return c, nil
}

// Mass is the sum of the weights.
func (c *Class) Mass() *big.Rat {
	sum := new(big.Rat)
	for _, m := range c.Members {
		sum.Add(sum, m.Prior)
	}
	return sum
}

// Length is the code length of x under p, from its beginning, in bits.
func Length(p Predictor, x []int) float64 {
	bits := 0.0
	for _, s := range x {
		num, den := p.Next(s)
		bits -= math.Log2(float64(num) / float64(den))
		p.Update(s)
	}
	return bits
}

// Prob is the probability of x under p, exactly.
func Prob(p Predictor, x []int) *big.Rat {
	num, den := big.NewInt(1), big.NewInt(1)
	var f big.Int
	for _, s := range x {
		a, b := p.Next(s)
		num.Mul(num, f.SetUint64(a))
		den.Mul(den, f.SetUint64(b))
		p.Update(s)
	}
	return new(big.Rat).SetFrac(num, den)
}

// Weighing is one sequence in the light of a class. Lengths are in bits.
type Weighing struct {
	Class *Class
	Prior []float64 // -log2 w(m), shared with the class
	Data  []float64 // -log2 p_m(x)
}

// Weigh evaluates every member of the class on x.
func Weigh(c *Class, x []int) *Weighing {
	w := &Weighing{c, c.prior, make([]float64, len(c.Members))}
	for i, m := range c.Members {
		w.Data[i] = Length(m.New(), x)
	}
	return w
}

// ratBits is -log2 of a positive rational, also of one far below the range of float64.
func ratBits(r *big.Rat) float64 { return intBits(r.Denom()) - intBits(r.Num()) }

func intBits(n *big.Int) float64 {
	var m big.Float
	exp := m.SetInt(n).MantExp(&m)
	f, _ := m.Float64()
	return float64(exp) + math.Log2(f)
}

// Evidence is -log2 sum_m w(m) p_m(x).
func (w *Weighing) Evidence() float64 {
	v := make([]float64, len(w.Data))
	for m := range v {
		v[m] = -w.TwoPart(m)
	}
	return -logSum(v)
}

// TwoPart is the length of naming member m and coding the data with it.
func (w *Weighing) TwoPart(m int) float64 { return w.Prior[m] + w.Data[m] }

// MAP is the member with the shortest two-part code.
func (w *Weighing) MAP() int {
	best := 0
	for m := range w.Data {
		if w.TwoPart(m) < w.TwoPart(best) {
			best = m
		}
	}
	return best
}

// logPosterior is log2 w(m|x): in logarithms nothing underflows.
func (w *Weighing) logPosterior() []float64 {
	evidence := w.Evidence()
	q := make([]float64, len(w.Data))
	for m := range q {
		q[m] = evidence - w.TwoPart(m)
	}
	return q
}

// Posterior is w(m|x).
func (w *Weighing) Posterior() []float64 {
	q := w.logPosterior()
	for m := range q {
		q[m] = math.Exp2(q[m])
	}
	return q
}

// NegELBO is -ELBO of the code-posterior q, which sums to one.
func (w *Weighing) NegELBO(q []float64) float64 {
	sum := 0.0
	for m, p := range q {
		if p > 0 {
			sum += p * (w.TwoPart(m) + math.Log2(p))
		}
	}
	return sum
}

// GapA is KL(q || posterior), the price of not using the posterior.
func (w *Weighing) GapA(q []float64) float64 {
	post, sum := w.logPosterior(), 0.0
	for m, p := range q {
		if p > 0 {
			sum += p * (math.Log2(p) - post[m])
		}
	}
	return sum
}

// Point is the code-posterior that is certain of member m of n.
func Point(n, m int) []float64 {
	q := make([]float64, n)
	q[m] = 1
	return q
}

// Uniform is the code-posterior that gives each of n members the same.
func Uniform(n int) []float64 {
	q := make([]float64, n)
	for m := range q {
		q[m] = 1 / float64(n)
	}
	return q
}

// ExactPosterior is w(m|x) and the evidence sum_m w(m) p_m(x) as rationals.
func ExactPosterior(c *Class, x []int) (post []*big.Rat, evidence *big.Rat) {
	evidence = new(big.Rat)
	for _, m := range c.Members {
		joint := Prob(m.New(), x)
		joint.Mul(joint, m.Prior)
		evidence.Add(evidence, joint)
		post = append(post, joint)
	}
	for _, p := range post {
		p.Quo(p, evidence)
	}
	return post, evidence
}

// Sequences calls f with every sequence of n symbols, in counting order. f must
// not keep it.
func Sequences(alphabet, n int, f func(x []int)) {
	x := make([]int, n)
	for {
		f(x)
		i := n - 1
		for ; i >= 0 && x[i] == alphabet-1; i-- {
			x[i] = 0
		}
		if i < 0 {
			return
		}
		x[i]++
	}
}

// ClassComplexity is log2 of the sum over all sequences of n symbols of
// max_m p_m(x): what the NML code of the class pays above its best member. It
// visits alphabet^n sequences; ok is false where those are more than a million.
func ClassComplexity(c *Class, n int) (bits float64, ok bool) {
	if float64(n)*math.Log2(float64(c.Alphabet)) > 20 {
		return 0, false
	}
	sum := 0.0
	Sequences(c.Alphabet, n, func(x []int) { sum += math.Exp2(-Weigh(c, x).Best()) })
	return math.Log2(sum), true
}

// Best is the shortest code length that a member gives, its name not counted.
func (w *Weighing) Best() float64 {
	best := math.Inf(1)
	for _, d := range w.Data {
		best = min(best, d)
	}
	return best
}

// NML is the length of the class's normalised maximum likelihood code; ok is
// false where its normaliser is out of reach ([ClassComplexity]).
func (w *Weighing) NML(n int) (bits float64, ok bool) {
	comp, ok := ClassComplexity(w.Class, n)
	return w.Best() + comp, ok
}
