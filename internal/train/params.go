package train

import (
	"fmt"
	"math"
	"math/rand/v2"

	"kolm/internal/tensor"
)

// kind decides how a tensor is initialised and which optimiser moves it.
type kind int

const (
	embedding kind = iota // AdamW
	gain                  // AdamW, starts at one
	matrix                // Muon
)

// param is one tensor of the model within the flat arrays of weights, gradients
// and moments.
type param struct {
	name       string
	kind       kind
	off        int
	rows, cols int
	blocks     []int // rows of the matrices fused in it, which Muon treats apart
	scale      float64
}

func (p *param) size() int { return p.rows * p.cols }

// of is the part of a flat array that belongs to p.
func (p *param) of(flat []float32) []float32 { return flat[p.off:][:p.size():p.size()] }

// block holds the tensors of one layer.
type block struct {
	qkv, out, gateUp, down, qNorm, kNorm *param
}

// params lists the tensors of a model. AdamW's come first, so that its second
// moments need only the first adam values of the flat arrays.
type params struct {
	tensors          []*param
	embed, finalNorm *param
	blocks           []block
	adam, total      int
}

// layout places the tensors of a model of shape s.
func layout(s Shape) *params {
	l := &params{blocks: make([]block, s.Layers)}
	add := func(name string, k kind, scale float64, cols int, rows ...int) *param {
		p := &param{name: name, kind: k, off: l.total, cols: cols, blocks: rows, scale: scale}
		for _, r := range rows {
			p.rows += r
		}
		l.total += (p.size() + 15) &^ 15
		l.tensors = append(l.tensors, p)
		return p
	}
	l.embed = add("embed", embedding, 0.02, s.Dim, s.Vocab)
	l.finalNorm = add("output_norm", gain, 0, s.Dim, 1)
	for i := range l.blocks {
		l.blocks[i].qNorm = add(fmt.Sprintf("%d.q_norm", i), gain, 0, s.HeadDim, 1)
		l.blocks[i].kNorm = add(fmt.Sprintf("%d.k_norm", i), gain, 0, s.HeadDim, 1)
	}
	l.adam = l.total
	q, kv := s.Heads*s.HeadDim, s.KVHeads*s.HeadDim
	in := func(cols int) float64 { return 0.5 / math.Sqrt(float64(cols)) }
	back := 0.5 / math.Sqrt(float64(2*s.Layers)) // what returns to the residual stream starts smaller
	for i := range l.blocks {
		b := &l.blocks[i]
		b.qkv = add(fmt.Sprintf("%d.qkv", i), matrix, in(s.Dim), s.Dim, q, kv, kv)
		b.out = add(fmt.Sprintf("%d.out", i), matrix, in(q)*back, q, s.Dim)
		b.gateUp = add(fmt.Sprintf("%d.gate_up", i), matrix, in(s.Dim), s.Dim, s.FFN, s.FFN)
		b.down = add(fmt.Sprintf("%d.down", i), matrix, in(s.FFN)*back, s.FFN, s.Dim)
	}
	return l
}

// initialise fills w, (total), from the seed.
func (l *params) initialise(w []float32, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 0x6b6f6c6d))
	for _, p := range l.tensors {
		x := p.of(w)
		for i := range x {
			if p.kind == gain {
				x[i] = 1
			} else {
				x[i] = float32(rnd.NormFloat64() * p.scale)
			}
		}
	}
}

// net is a model in training: its weights and what products need of them.
type net struct {
	shape   Shape
	params  *params
	w       []float32 // (params.total)
	packed  map[*param]*tensor.Weight
	weights []*tensor.Weight
}

func newNet(s Shape) *net {
	n := &net{shape: s, params: layout(s), packed: map[*param]*tensor.Weight{}}
	n.w = make([]float32, n.params.total)
	for _, p := range n.params.tensors {
		if p.kind != gain {
			w := tensor.NewWeight(p.rows, p.cols, p.of(n.w))
			n.packed[p] = w
			n.weights = append(n.weights, w)
		}
	}
	return n
}
