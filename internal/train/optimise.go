package train

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"kolm/internal/tensor"
)

// Muon's constants. Jordan et al., "Muon: an optimizer for hidden layers in
// neural networks", 2024; the update is scaled to AdamW's usual size as in Liu
// et al., "Muon is scalable for LLM training", 2025.
const (
	muonSteps    = 5
	muonA        = 3.4445
	muonB        = -4.7750
	muonC        = 2.0315
	muonScale    = 0.2
	momentumFrom = 0.85
	momentumTo   = 0.95
	momentumRise = 300 // steps
)

// optimiser moves the weights of a net: Muon for matrices, AdamW for the rest.
// Every job belongs to one tensor, or one of the matrices fused in it, and is
// done by one goroutine in one order, so the result does not depend on how jobs
// are shared out.
type optimiser struct {
	net    *net
	m      []float32 // (params.total) first moments
	v      []float32 // (params.adam) second moments
	jobs   []job
	helper []*muon // one a worker
}

type job struct {
	p          *param
	off        int // in the flat arrays
	rows, cols int
}

// muon is the scratch of one worker's orthogonalisations.
type muon struct {
	scratch  *tensor.Scratch
	x        []float32 // (rows, cols) of the largest matrix
	gram, g2 []float32 // (short side, short side)
}

func newOptimiser(n *net, workers []*worker) *optimiser {
	o := &optimiser{net: n, m: make([]float32, n.params.total), v: make([]float32, n.params.adam)}
	size, short := 0, 0
	for _, p := range n.params.tensors {
		if p.kind != matrix {
			o.jobs = append(o.jobs, job{p, p.off, p.rows, p.cols})
			continue
		}
		off := p.off
		for _, rows := range p.blocks {
			o.jobs = append(o.jobs, job{p, off, rows, p.cols})
			off += rows * p.cols
			size, short = max(size, rows*p.cols), max(short, min(rows, p.cols))
		}
	}
	slices.SortStableFunc(o.jobs, func(a, b job) int { return cmp.Compare(b.rows*b.cols, a.rows*a.cols) })
	for _, w := range workers {
		o.helper = append(o.helper, &muon{scratch: w.scratch, x: make([]float32, size),
			gram: make([]float32, short*short), g2: make([]float32, short*short)})
	}
	return o
}

// step sums the workers' gradients, moves the weights and packs them. rate is
// the schedule's factor, number the step's, from 1. It returns the norm of the
// gradient.
func (o *optimiser) step(workers []*worker, r Recipe, rate float64, number int64) float64 {
	norms := make([]float64, len(o.jobs))
	parallel(len(workers), len(o.jobs), func(_, i int) {
		j := o.jobs[i]
		sum := workers[0].grad[j.off:][:j.rows*j.cols]
		for _, w := range workers[1:] {
			tensor.Add(sum, w.grad[j.off:])
		}
		norms[i] = tensor.SumSquares(sum)
	})
	var norm float64
	for _, x := range norms {
		norm += x
	}
	norm = math.Sqrt(norm)
	parallel(len(workers), len(o.jobs), func(worker, i int) {
		j := o.jobs[i]
		g := workers[0].grad[j.off:][:j.rows*j.cols]
		if j.p.kind == matrix {
			o.matrix(o.helper[worker], j, g, r, rate, number)
			return
		}
		if norm > r.Clip {
			tensor.Scale(g, float32(r.Clip/norm))
		}
		n := len(g)
		tensor.AdamW(o.net.w[j.off:][:n], g, o.m[j.off:][:n], o.v[j.off:][:n], tensor.Adam{
			LR: float32(r.VectorRate * rate), Beta1: 0.9, Beta2: 0.95, Eps: 1e-10, Step: int(number)})
	})
	o.net.pack(workers)
	return norm
}

// matrix does Muon's step on one matrix.
func (o *optimiser) matrix(h *muon, j job, g []float32, r Recipe, rate float64, number int64) {
	mu := min(momentumTo, momentumFrom+(momentumTo-momentumFrom)*float64(number-1)/momentumRise)
	tensor.Momentum(g, o.m[j.off:], g, float32(mu))
	update := h.orthogonalise(g, j.rows, j.cols)
	lr := r.MatrixRate * rate
	w := o.net.w[j.off:][:len(g)]
	tensor.Scale(w, float32(1-lr*r.MatrixDecay))
	tensor.Axpy(w, float32(-lr*muonScale*math.Sqrt(float64(max(j.rows, j.cols)))), update)
}

// orthogonalise returns an approximation of U V^T where g = U S V^T, (rows,
// cols), by Newton-Schulz iterations that keep the singular values near one.
// It overwrites g.
func (h *muon) orthogonalise(g []float32, rows, cols int) []float32 {
	tensor.Scale(g, float32(1/(math.Sqrt(tensor.SumSquares(g))+1e-7)))
	n := min(rows, cols)
	gram, g2 := h.gram[:n*n], h.g2[:n*n]
	x, y := g, h.x[:len(g)]
	for range muonSteps {
		if rows <= cols {
			tensor.Gemm(h.scratch, gram, n, x, cols, false, x, cols, true, n, n, cols, false)
		} else {
			tensor.Gemm(h.scratch, gram, n, x, cols, true, x, cols, false, n, n, rows, false)
		}
		tensor.Gemm(h.scratch, g2, n, gram, n, false, gram, n, false, n, n, n, false)
		tensor.Scale(g2, muonC)
		tensor.Axpy(g2, muonB, gram)
		copy(y, x)
		tensor.Scale(y, muonA)
		if rows <= cols {
			tensor.Gemm(h.scratch, y, cols, g2, n, false, x, cols, false, rows, cols, n, true)
		} else {
			tensor.Gemm(h.scratch, y, cols, x, cols, false, g2, n, false, rows, cols, n, true)
		}
		x, y = y, x
	}
	return x
}

// pack prepares changed weights for products.
func (n *net) pack(workers []*worker) {
	parallel(len(workers), len(n.weights), func(worker, i int) { n.weights[i].Pack(workers[worker].scratch) })
}

// parallel calls f(worker, i) for every i < n from the given number of
// goroutines, each with its own worker number.
func parallel(workers, n int, f func(worker, i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(w, i)
			}
		})
	}
	wg.Wait()
}
