package mdl

import (
	"math"
	"slices"
)

// ctwNode is a context of the tree, with lengths in bits.
type ctwNode struct {
	child [2]int32  // indices, 0 if there is none yet
	n     [2]uint32 // symbols seen here
	kt    float64   // -log2 of the KT probability of these
	mixed float64   // -log2 of the weighted probability of the node
}

// CTW is context-tree weighting (Willems, Shtarkov and Tjalkens, 1995): the Bayes
// mixture over all context trees to a depth, at a cost linear in the depth.
type CTW struct {
	depth int
	past  []int
	nodes []ctwNode
	path  []int32 // nodes of the present context, the root first
	trial [2][]ctwNode
}

// NewCTW returns the mixture for binary sequences. past are the symbols before
// the first, oldest first; missing ones are zeros.
func NewCTW(depth int, past []int) *CTW {
	c := &CTW{depth: depth, past: slices.Clone(past), nodes: make([]ctwNode, 1)}
	c.walk()
	return c
}

// walk finds the nodes of the present context.
func (c *CTW) walk() {
	c.path = append(c.path[:0], 0)
	for d := range c.depth {
		at := c.path[d]
		s := before(c.past, len(c.past), d)
		if c.nodes[at].child[s] == 0 {
			c.nodes[at].child[s] = int32(len(c.nodes))
			c.nodes = append(c.nodes, ctwNode{})
		}
		c.path = append(c.path, c.nodes[at].child[s])
	}
	c.trial = [2][]ctwNode{}
}

// try computes the nodes of the path as they are after the symbol.
func (c *CTW) try(symbol int) []ctwNode {
	if c.trial[symbol] != nil {
		return c.trial[symbol]
	}
	after := make([]ctwNode, c.depth+1)
	for d := c.depth; d >= 0; d-- {
		n := c.nodes[c.path[d]]
		n.kt -= math.Log2((float64(n.n[symbol]) + 0.5) / (float64(n.n[0]+n.n[1]) + 1))
		n.n[symbol]++
		n.mixed = n.kt
		if d < c.depth {
			below := after[d+1].mixed
			for _, i := range n.child {
				if i != 0 && i != c.path[d+1] {
					below += c.nodes[i].mixed
				}
			}
			n.mixed = 1 - logSum2(-n.kt, -below)
		}
		after[d] = n
	}
	c.trial[symbol] = after
	return after
}

// logSum2 is log2 (2^a + 2^b).
func logSum2(a, b float64) float64 {
	return max(a, b) + math.Log1p(math.Exp2(-math.Abs(a-b)))/math.Ln2
}

func (c *CTW) Prob(symbol int) float64 {
	return math.Exp2(c.nodes[0].mixed - c.try(symbol)[0].mixed)
}

func (c *CTW) Update(symbol int) {
	for d, n := range c.try(symbol) {
		c.nodes[c.path[d]] = n
	}
	c.past = append(c.past, symbol)
	c.walk()
}

// Bound is how many bits a context-tree mixture needs at most on n symbols
// above the best parameters of a tree with that cost and number of leaves
// (Willems, Shtarkov and Tjalkens, 1995, theorem 2, without the two bits of the
// arithmetic coder).
func Bound(cost, leaves, n int) float64 {
	z := float64(n) / float64(leaves)
	gamma := z
	if z >= 1 {
		gamma = math.Log2(z)/2 + 1
	}
	return float64(cost) + float64(leaves)*gamma
}
