package lab

import (
	"fmt"
	"math"

	"kolm/internal/chart"
	"kolm/internal/mdl"
	"kolm/internal/source"
)

var contextTrees = Experiment{
	Name:     "trees",
	Question: "does a computable code reach the entropy rate?",
	Criterion: "context-tree weighting stays under its bound on the tree source (100 to 50000 symbols); its distance to the rate falls with n on every source, and so does that of Lempel-Ziv 1978; " +
		"the approximation gap falls with depth and is under 0.005 bit a symbol at the end",
	run: runTrees,
}

func runTrees(r *run) error {
	if err := treeBound(r); err != nil {
		return err
	}
	treeRates(r)
	treeDepths(r)
	phrases(r)
	return nil
}

// treeBound holds the mixture to depth 4 against the best parameters of the
// source's own tree {0, 01, 11}.
func treeBound(r *run) error {
	own := sourceTree()
	leaves, _ := own.Leaves(4)
	s := source.Tree()
	t := r.table(fmt.Sprintf("Context-tree weighting, depth 4, on the tree source with leaves %v. Bits, computed.", own),
		"n", "code length", "-log2 P", "above the source", "above the tree's best", "bound")
	for _, n := range []int{100, 1000, 10000, r.choose(50000, 20000)} {
		x := s.Sample(r.Seed, n)
		length, truth := mdl.CodeLength(mdl.NewCTW(4, nil), x), s.Bits(x)
		best := treeML(x)
		bound := mdl.Bound(own.Cost(4), leaves, n)
		t.row(n, length, truth, length-truth, length-best, bound)
		r.atMost(fmt.Sprintf("n=%d: above the best parameters, under the bound", n), length-best, bound)
		r.atMost(fmt.Sprintf("n=%d: above the source, under the bound", n), length-truth, bound)
	}
	x := s.Sample(r.Seed, 2000)
	r.input("2000 symbols of the tree source", s.Text(x))
	w := mdl.WeighTrees(x, nil, 4)
	split, _ := w.Split.Float64()
	r.note("At 2000 symbols the best tree is %v and the root has children with posterior probability %.6f; the source is {0 01 11}.", w.Tree, split)
	r.atLeast("posterior probability that the root has children", split, .99)
	same := 0
	if w.Tree.String() == own.String() {
		same = 1
	}
	r.count("the best tree of 2000 symbols is the source's", same, 1)
	return nil
}

// sourceTree is the tree of the tree source.
func sourceTree() *mdl.Tree {
	return &mdl.Tree{Child: [2]*mdl.Tree{{}, {Child: [2]*mdl.Tree{{}, {}}}}}
}

// treeML is the code length of x under the best parameters of the source's tree.
func treeML(x []int) float64 {
	var n [3][2]int
	for i, s := range x {
		leaf := 0 // after 0, and at the beginning, where zeros are assumed
		if i > 0 && x[i-1] == 1 {
			leaf = 1
			if i > 1 && x[i-2] == 1 {
				leaf = 2
			}
		}
		n[leaf][s]++
	}
	bits := 0.0
	for _, c := range n {
		for _, k := range c {
			if k > 0 {
				bits -= float64(k) * math.Log2(float64(k)/float64(c[0]+c[1]))
			}
		}
	}
	return bits
}

// treeRates follows the distance to the source as the sample grows.
func treeRates(r *run) {
	sizes := []int{1000, 4000, 16000, 64000}
	if r.Quick {
		sizes = sizes[:3]
	}
	sources := []*source.Chain{source.IID(.11), source.Markov(), source.Order2(), source.Tree(), source.HMM(), source.Even(), source.GoldenMean()}
	t := r.table("Context-tree weighting, depth 10: bits a symbol above -log2 P of the sample, computed.", "source", "rate", "n", "above", "above, bits")
	var lines []chart.Line
	r.steps(len(sources) + 2)
	for _, s := range sources {
		line, last := chart.Line{Name: s.Name()}, math.Inf(1)
		for _, n := range sizes {
			x := s.Sample(r.Seed, n)
			above := mdl.CodeLength(mdl.NewCTW(10, nil), x) - s.Bits(x)
			each := above / float64(n)
			t.row(s.Name(), s.Rate(), n, each, above)
			line.Add(float64(n), each)
			r.atMost(fmt.Sprintf("%s: distance at %d symbols, against that before", s.Name(), n), each, min(last, 1))
			last = each
		}
		lines = append(lines, line)
		r.atMost(s.Name()+": distance at the end, bits a symbol", last, .03)
		r.step()
	}
	r.plot("rate", "context-tree weighting comes to the entropy rate", "symbols", "bits a symbol above the source", true, lines...)
}

// treeDepths is the approximation gap of the order-2 source as the class grows.
func treeDepths(r *run) {
	n := r.choose(200000, 50000)
	s := source.Order2()
	x := s.Sample(r.Seed, n)
	truth := s.Bits(x)
	t := r.table(fmt.Sprintf("Depth sweep on %d symbols of the order 2 source. Bits a symbol above -log2 P, computed.", n), "depth", "above")
	line, first, last := chart.Line{Name: s.Name()}, 0.0, 0.0
	for depth := range 7 {
		last = (mdl.CodeLength(mdl.NewCTW(depth, nil), x) - truth) / float64(n)
		if depth == 0 {
			first = last
		}
		t.row(depth, last)
		line.Add(float64(depth), last)
	}
	r.plot("depth", "a larger class comes nearer, at a price for its size", "depth", "bits a symbol above the source", false, line)
	r.near("gap at depth 0, the approximation error of a coin", first, .466846018, .02)
	r.atMost("gap at the end of the sweep", last, .005)
	r.step()
}

// phrases follows a second universal code, which keeps no class of models at all.
func phrases(r *run) {
	sizes := []int{1000, 10000, 100000, 1000000}
	if r.Quick {
		sizes = sizes[:3]
	}
	t := r.table("Lempel-Ziv 1978: bits a symbol above -log2 P of the sample, computed.", "source", "n", "above")
	for _, s := range []*source.Chain{source.IID(.11), source.Order2(), source.HMM(), source.Even()} {
		last := math.Inf(1)
		for _, n := range sizes {
			x := s.Sample(r.Seed, n)
			above := (float64(mdl.LZ78Length(2, x)) - s.Bits(x)) / float64(n)
			t.row(s.Name(), n, above)
			r.atMost(fmt.Sprintf("%s: distance of Lempel-Ziv at %d symbols, against that before", s.Name(), n), above, last)
			last = above
		}
	}
	r.step()
}
