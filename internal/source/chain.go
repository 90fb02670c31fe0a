package source

import (
	"fmt"
	"math"
)

// Edge is a way out of a state: its probability, the symbol it emits and the
// next state.
type Edge struct {
	P            float64
	Symbol, Next int
}

// Chain is a hidden Markov source that emits symbols on the edges between its
// states, begun in its stationary distribution. Memoryless sources, Markov
// chains of any order and tree sources are chains.
type Chain struct {
	name     string
	alphabet int
	edges    [][]Edge // by state
	start    []float64
}

// NewChain makes a chain of the edges out of each state, whose probabilities sum to one.
func NewChain(name string, alphabet int, edges [][]Edge) *Chain {
	c := &Chain{name, alphabet, edges, make([]float64, len(edges))}
	for i := range c.start {
		c.start[i] = 1 / float64(len(edges))
	}
	// Staying put half of the time changes nothing about the stationary
	// distribution and keeps a periodic chain from oscillating.
	for change := 1.; change > 1e-17; {
		next := make([]float64, len(edges))
		for s, p := range c.start {
			next[s] += p / 2
			for _, e := range edges[s] {
				next[e.Next] += p / 2 * e.P
			}
		}
		change = 0
		for s := range next {
			change = max(change, math.Abs(next[s]-c.start[s]))
		}
		c.start = next
	}
	return c
}

// Name is the chain's name.
func (c *Chain) Name() string { return c.name }

// Alphabet is the number of symbols.
func (c *Chain) Alphabet() int { return c.alphabet }

// Sample draws n symbols.
func (c *Chain) Sample(seed uint64, n int) []int {
	r := random(seed)
	u, state := r.Float64(), 0
	for ; state < len(c.start)-1 && u >= c.start[state]; state++ {
		u -= c.start[state]
	}
	x := make([]int, n)
	for i := range x {
		out := c.edges[state]
		u, k := r.Float64(), 0
		for ; k < len(out)-1 && u >= out[k].P; k++ {
			u -= out[k].P
		}
		x[i], state = out[k].Symbol, out[k].Next
	}
	return x
}

// forward is the joint probability of emitting the symbol and of each next state.
func (c *Chain) forward(alpha []float64, symbol int) []float64 {
	next := make([]float64, len(alpha))
	for s, p := range alpha {
		if p == 0 {
			continue
		}
		for _, e := range c.edges[s] {
			if e.Symbol == symbol {
				next[e.Next] += p * e.P
			}
		}
	}
	return next
}

func sum(v []float64) float64 {
	total := 0.0
	for _, p := range v {
		total += p
	}
	return total
}

// Bits is -log2 P(x), by the forward algorithm.
func (c *Chain) Bits(x []int) float64 {
	bits, alpha := 0.0, c.start
	for _, symbol := range x {
		alpha = c.forward(alpha, symbol)
		p := sum(alpha)
		if p == 0 {
			return math.Inf(1)
		}
		bits -= math.Log2(p)
		for s := range alpha {
			alpha[s] /= p
		}
	}
	return bits
}

// unifilar tells whether state and symbol give the next state.
func (c *Chain) unifilar() bool {
	for _, out := range c.edges {
		seen := map[int]bool{}
		for _, e := range out {
			if seen[e.Symbol] {
				return false
			}
			seen[e.Symbol] = true
		}
	}
	return true
}

// Rate is exact for a unifilar chain: the mean entropy of the edges out of a
// state. For others it is the middle of the sandwich of 16 symbols.
func (c *Chain) Rate() float64 {
	if !c.unifilar() {
		low, high := c.Sandwich(16)
		return (low + high) / 2
	}
	h := 0.0
	for s, p := range c.start {
		for _, e := range c.edges[s] {
			h -= p * xlog2(e.P)
		}
	}
	return h
}

// Sandwich bounds the entropy rate by H(X_n | X_1..n-1, S_1) and
// H(X_n | X_1..n-1), S_1 being the first state (Cover and Thomas, Elements of
// Information Theory, 4.5), visiting all sequences of n symbols.
func (c *Chain) Sandwich(n int) (low, high float64) {
	high = c.entropy(c.start, n) - c.entropy(c.start, n-1)
	for s, p := range c.start {
		from := make([]float64, len(c.start))
		from[s] = 1
		low += p * (c.entropy(from, n) - c.entropy(from, n-1))
	}
	return low, high
}

// entropy is that of the next n symbols, times the mass of alpha, plus what the
// mass itself contributes: -sum P log2 P over all continuations.
func (c *Chain) entropy(alpha []float64, n int) float64 {
	if n == 0 {
		return -xlog2(sum(alpha))
	}
	h := 0.0
	for symbol := range c.alphabet {
		h += c.entropy(c.forward(alpha, symbol), n-1)
	}
	return h
}

// xlog2 is p log2 p with 0 log 0 = 0.
func xlog2(p float64) float64 {
	if p == 0 {
		return 0
	}
	return p * math.Log2(p)
}

// Text writes digits, or two bytes a symbol, high byte first, where ten are not enough.
func (c *Chain) Text(x []int) []byte {
	if c.alphabet <= 10 {
		return characters(x, "0123456789")
	}
	b := make([]byte, 0, 2*len(x))
	for _, s := range x {
		b = append(b, byte(s>>8), byte(s))
	}
	return b
}

// Order is a binary Markov chain: one[c] is the probability of a one after the
// context c, the last symbols as a binary number, the newest in the lowest digit.
func Order(name string, one []float64) *Chain {
	edges := make([][]Edge, len(one))
	for c, p := range one {
		next := 2 * c % len(one)
		edges[c] = []Edge{{1 - p, 0, next}, {p, 1, (next + 1) % len(one)}}
	}
	return NewChain(name, 2, edges)
}

// IID is a memoryless binary source with this probability of a one.
func IID(one float64) *Chain { return Order(fmt.Sprintf("iid %v", one), []float64{one}) }

// Markov is the chain with P(1|0) = .1, P(0|1) = .3.
func Markov() *Chain { return Order("markov", []float64{.1, .7}) }

// Order2 is a chain of order 2: P(1) after 00, 01, 10, 11 is .1, .6, .3, .9.
func Order2() *Chain { return Order("order 2", []float64{.1, .6, .3, .9}) }

// Tree is the tree source with P(1) = .2 after 0, .7 after 01, .1 after 11.
func Tree() *Chain { return Order("tree", []float64{.2, .7, .2, .1}) }

// HMM has two states that change with probability .1 and are seen through a
// channel that is wrong with probability .2.
func HMM() *Chain {
	const flip, wrong = .1, .2
	var edges [][]Edge
	for s := range 2 {
		edges = append(edges, []Edge{
			{(1 - flip) * (1 - wrong), s, s}, {(1 - flip) * wrong, 1 - s, s},
			{flip * (1 - wrong), s, 1 - s}, {flip * wrong, 1 - s, 1 - s},
		})
	}
	return NewChain("hmm", 2, edges)
}

// Even emits ones in runs of even length only; no Markov chain of any order does.
func Even() *Chain {
	return NewChain("even process", 2, [][]Edge{{{.5, 0, 0}, {.5, 1, 1}}, {{1, 1, 0}}})
}

// GoldenMean emits no two ones in a row.
func GoldenMean() *Chain {
	return NewChain("golden mean", 2, [][]Edge{{{.5, 0, 0}, {.5, 1, 1}}, {{1, 0, 0}}})
}

// Zipf is memoryless over n symbols, the k-th with a probability in proportion to 1/k.
func Zipf(n int) *Chain {
	norm := 0.0
	for k := range n {
		norm += 1 / float64(k+1)
	}
	out := make([]Edge, n)
	for k := range out {
		out[k] = Edge{1 / float64(k+1) / norm, k, 0}
	}
	return NewChain(fmt.Sprintf("zipf %d", n), n, [][]Edge{out})
}
