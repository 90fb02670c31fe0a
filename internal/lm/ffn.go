package lm

import (
	"cmp"
	"slices"

	"kolm/internal/kernel"
)

// feedForward adds the feed-forward block of layer l to the residual stream.
func (s *Session) feedForward(l, n int) error {
	w, b := &s.m.Weights.Layers[l], &s.buf
	s.normRows(b.y, b.x, &w.FFNNorm, n)
	s.tap(FFNInput, l, b.y)
	var err error
	if s.m.Config.Experts > 0 {
		err = s.mixture(l, n)
	} else {
		site := Site{Layer: l, Expert: -1, Positions: b.positions}
		err = s.dense(&w.FFN, site, b.z, b.y)
	}
	if err != nil {
		return err
	}
	s.join(FFNOutput, l, &w.FFNPost, n)
	return nil
}

// dense computes the output z of one feed-forward part for the rows y at the
// positions of the site.
func (s *Session) dense(f *FFN, site Site, z, y []float32) error {
	c, b, n := &s.m.Config, &s.buf, len(site.Positions)
	at := func(p Point, rows []float32) {
		site.Point = p
		s.tapRows(site, rows)
	}
	gated := f.Gate.Matrix != nil
	if gated {
		if err := s.linear(&f.Gate, b.gate, y, n); err != nil {
			return err
		}
		at(Gate, b.gate)
	}
	if err := s.linear(&f.Up, b.up, y, n); err != nil {
		return err
	}
	at(Up, b.up)
	s.eachRow(n, c.FFN, func(i int) {
		c.activate(row(b.gate, i, c.FFN), row(b.up, i, c.FFN), gated)
	})
	at(Coefficients, b.up)
	return s.linear(&f.Down, z, b.up, n)
}

// The constants of GELU(x) = x * sigmoid(2 a (x + b x^3)), which is its
// approximation x/2 * (1 + tanh(a (x + b x^3))), a = sqrt(2/pi).
const (
	gelu2A = 2 * 0.7978845608028654
	geluB  = 0.044715
)

// activate replaces up by the coefficients act(gate)*up or, without a gate,
// act(up). gate is lost.
func (c *Config) activate(gate, up []float32, gated bool) {
	if !gated {
		copy(gate, up)
		for i := range up {
			up[i] = 1
		}
	}
	if c.Activation == GELU {
		// x sigmoid(k x) u = (k x) sigmoid(k x) (u/k), with k > 0.
		for i, x := range gate {
			k := gelu2A * (1 + geluB*x*x)
			gate[i] = k * x
			up[i] /= k
		}
	}
	kernel.SiluMul(up, gate, up)
}

// routing is where the rows of a batch go in a mixture of experts.
type routing struct {
	probs     []float32 // (n, Experts)
	chosen    [][]share // by expert
	y, z      []float32 // (n, Dim): the rows of one expert
	positions []int
}

// share is a row that an expert gets, and the weight of its output.
type share struct {
	row    int
	weight float32
}

// mixture computes the feed-forward part of a layer with experts.
func (s *Session) mixture(l, n int) error {
	c, w, b := &s.m.Config, &s.m.Weights.Layers[l], &s.buf
	if err := s.route(w.Router, n); err != nil {
		return err
	}
	r, d := &b.experts, c.Dim
	clear(b.z[:n*d])
	for e, shares := range r.chosen {
		if len(shares) == 0 {
			continue
		}
		r.positions = r.positions[:0]
		for i, h := range shares {
			r.positions = append(r.positions, b.positions[h.row])
			copy(row(r.y, i, d), row(b.y, h.row, d))
		}
		site := Site{Layer: l, Expert: e, Positions: r.positions}
		if err := s.dense(&w.Experts[e], site, r.z, r.y); err != nil {
			return err
		}
		for i, h := range shares {
			kernel.Axpy(row(b.z, h.row, d), h.weight, row(r.z, i, d))
		}
	}
	return nil
}

// route chooses the experts of every row.
func (s *Session) route(router *Matrix, n int) error {
	c, b := &s.m.Config, &s.buf
	r := &b.experts
	if len(r.y) < n*c.Dim {
		r.probs, r.chosen = make([]float32, n*c.Experts), make([][]share, c.Experts)
		r.y, r.z = make([]float32, n*c.Dim), make([]float32, n*c.Dim)
	}
	if err := router.MatMul(r.probs, b.y, n, s.Threads); err != nil {
		return err
	}
	for e := range r.chosen {
		r.chosen[e] = r.chosen[e][:0]
	}
	order := make([]int, c.Experts)
	for i := range n {
		p := row(r.probs, i, c.Experts)
		kernel.Softmax(p)
		for e := range order {
			order[e] = e
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[b], p[a]) })
		sum := float32(1)
		if c.ExpertsSum1 {
			sum = 0
			for _, e := range order[:c.ExpertsUsed] {
				sum += p[e]
			}
		}
		for _, e := range order[:c.ExpertsUsed] {
			r.chosen[e] = append(r.chosen[e], share{i, p[e] / sum})
		}
	}
	return nil
}
