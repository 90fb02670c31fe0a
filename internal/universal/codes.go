package universal

// counts are the decisions seen at a node in a context.
type counts [2]uint32

// one is the estimate of Krichevsky and Trofimov (1981), (n1 + 1/2) / (n + 1).
func (n *counts) one() uint32 {
	return uint32((2*uint64(n[1]) + 1) << 32 / (2 * (uint64(n[0]) + uint64(n[1]) + 1)))
}

// probability is the same as a number.
func (n *counts) probability(bit int) float64 {
	return (float64(n[bit]) + .5) / (float64(n[0]) + float64(n[1]) + 1)
}

type kt struct {
	order int
	table *table[counts]
	here  *counts
}

// KT predicts by the estimator of Krichevsky and Trofimov in contexts of one order.
func KT(order int) Code { return &kt{order: order, table: newTable[counts]()} }

func (c *kt) one(contexts *[MaxOrder + 1]uint64) uint32 {
	c.here = c.table.at(contexts[c.order])
	return c.here.one()
}

func (c *kt) learn(bit int) { c.here[bit]++ }

// weighted is a node of a context tree: its counts, and the probability of what
// it has seen under its own estimate over that under the mixture below it.
type weighted struct {
	counts
	ratio float64 // 0 stands for 1
}

type ctw struct {
	tables [MaxOrder + 1]*table[weighted]
	here   [MaxOrder + 1]*weighted
	// p[k][bit] is the probability of the bit in the mixture over all trees
	// below the context of order k.
	p [MaxOrder + 1][2]float64
}

// CTW is context-tree weighting (Willems, Shtarkov and Tjalkens, 1995) over the
// contexts of 0 to MaxOrder bytes: the Bayes mixture over all trees of contexts,
// apart for each node of the tree of bytes.
func CTW() Code {
	c := &ctw{}
	for k := range c.tables {
		c.tables[k] = newTable[weighted]()
	}
	return c
}

// Ratios are kept in a range in which their products are normal numbers.
const (
	leastRatio = 1e-200
	mostRatio  = 1e200
)

func (c *ctw) one(contexts *[MaxOrder + 1]uint64) uint32 {
	for k := MaxOrder; k >= 0; k-- {
		n := c.tables[k].at(contexts[k])
		if n.ratio == 0 {
			n.ratio = 1
		}
		c.here[k] = n
		for bit := range 2 {
			own := n.probability(bit)
			c.p[k][bit] = own
			if k < MaxOrder {
				c.p[k][bit] = (float64(n.ratio*own) + c.p[k+1][bit]) / (n.ratio + 1)
			}
		}
	}
	return parts(c.p[0][1] / (c.p[0][0] + c.p[0][1]))
}

func (c *ctw) learn(bit int) {
	for k, n := range c.here {
		if k < MaxOrder {
			n.ratio = min(max(n.ratio*n.probability(bit)/c.p[k+1][bit], leastRatio), mostRatio)
		}
		n.counts[bit]++
	}
}

// parts is a probability in parts of 2^32, neither 0 nor all of them.
func parts(p float64) uint32 { return uint32(min(max(p*(1<<32), 1), 1<<32-1)) }

type mixture struct {
	codes  []Code
	weight []float64 // proportional to w(m) p_m(past)
	p      []uint32
}

// Mixture is the Bayes mixture over codes, all as likely at first: at most log2 of
// their number longer than the best of them, and shorter where none is best.
func Mixture(codes ...Code) Code {
	m := &mixture{codes: codes, weight: make([]float64, len(codes)), p: make([]uint32, len(codes))}
	for i := range m.weight {
		m.weight[i] = 1
	}
	return m
}

// Orders is the mixture over KT of all orders.
func Orders() Code {
	var codes []Code
	for k := range MaxOrder + 1 {
		codes = append(codes, KT(k))
	}
	return Mixture(codes...)
}

func (m *mixture) one(contexts *[MaxOrder + 1]uint64) uint32 {
	var ones, all float64
	for i, c := range m.codes {
		m.p[i] = c.one(contexts)
		all += m.weight[i]
		ones += float64(m.weight[i] * (float64(m.p[i]) / (1 << 32)))
	}
	return parts(ones / all)
}

func (m *mixture) learn(bit int) {
	most := 0.0
	for i, c := range m.codes {
		p := float64(m.p[i]) / (1 << 32)
		if bit == 0 {
			p = 1 - p
		}
		m.weight[i] *= p
		most = max(most, m.weight[i])
		c.learn(bit)
	}
	for i := range m.weight {
		m.weight[i] = max(m.weight[i]/most, leastRatio) // a code that was hopeless may still come back
	}
}
