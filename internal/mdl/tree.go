package mdl

import (
	"fmt"
	"math/big"
	"slices"
)

// Tree is a binary context tree. A leaf has no children; the children of an
// inner node continue its context by one older symbol, 0 or 1.
type Tree struct{ Child [2]*Tree }

// Leaf tells whether t has no children.
func (t *Tree) Leaf() bool { return t.Child[0] == nil }

// String lists the contexts of the leaves, oldest symbol first; the tree that
// is one leaf has the empty context.
func (t *Tree) String() string { return "{" + t.contexts("") + "}" }

func (t *Tree) contexts(suffix string) string {
	if t.Leaf() {
		return suffix
	}
	return t.Child[0].contexts("0"+suffix) + " " + t.Child[1].contexts("1"+suffix)
}

// Leaves counts the leaves, and those that are less than depth deep.
func (t *Tree) Leaves(depth int) (all, shallow int) {
	if t.Leaf() {
		if depth > 0 {
			shallow = 1
		}
		return 1, shallow
	}
	for _, c := range t.Child {
		a, s := c.Leaves(depth - 1)
		all, shallow = all+a, shallow+s
	}
	return all, shallow
}

// Cost is the length in bits of naming the tree among all of at most this
// depth: one bit a node says whether it has children, except at full depth
// (Willems, Shtarkov and Tjalkens, 1995: Gamma).
func (t *Tree) Cost(depth int) int {
	all, shallow := t.Leaves(depth)
	return all - 1 + shallow
}

// AllTrees lists the context trees of at most this depth: 1, 2, 5, 26, 677...
func AllTrees(depth int) []*Tree {
	trees := []*Tree{{}}
	if depth == 0 {
		return trees
	}
	below := AllTrees(depth - 1)
	for _, zero := range below {
		for _, one := range below {
			trees = append(trees, &Tree{[2]*Tree{zero, one}})
		}
	}
	return trees
}

// treeNode is a node of a tree at work.
type treeNode struct {
	child [2]*treeNode
	counts
}

// treeSource predicts by KT counts at the leaf that the past leads to.
type treeSource struct {
	root *treeNode
	past []int
}

// NewTreeSource returns the KT predictor on a context tree. past are the symbols
// before the first, oldest first; missing ones are zeros.
func NewTreeSource(t *Tree, past []int) Predictor {
	return &treeSource{root: workingTree(t), past: slices.Clone(past)}
}

func workingTree(t *Tree) *treeNode {
	n := &treeNode{}
	if t.Leaf() {
		n.counts = newCounts(2, 1)
		return n
	}
	for s, c := range t.Child {
		n.child[s] = workingTree(c)
	}
	return n
}

func (t *treeSource) leaf() *treeNode {
	n := t.root
	for depth := 0; n.child[0] != nil; depth++ {
		n = n.child[before(t.past, len(t.past), depth)]
	}
	return n
}

// before is the symbol so many steps before the newest one before position at.
func before(x []int, at, steps int) int {
	if i := at - 1 - steps; i >= 0 {
		return x[i]
	}
	return 0
}

func (t *treeSource) Next(symbol int) (num, den uint64) { return t.leaf().next(symbol) }

func (t *treeSource) Update(symbol int) {
	t.leaf().update(symbol)
	t.past = append(t.past, symbol)
}

// Trees is the class of all context trees of at most this depth with KT at the
// leaves. Their number grows as 2^2^depth: 677 at depth 4, 458330 at depth 5.
func Trees(depth int, past []int) (*Class, error) {
	var members []Member
	for _, t := range AllTrees(depth) {
		members = append(members, Member{
			Name:  t.String(),
			Prior: powerOfHalf(t.Cost(depth)),
			New:   func() Predictor { return NewTreeSource(t, past) },
		})
	}
	return NewClass(fmt.Sprintf("context trees to depth %d", depth), 2, members)
}

// Weighted is what context-tree weighting knows about a sequence, exactly.
type Weighted struct {
	Evidence *big.Rat // the mixture over all trees: sum of 2^-Cost P(x | tree)
	Split    *big.Rat // posterior probability that the root has children
	Best     *big.Rat // 2^-Cost P(x | tree) of the best tree
	Tree     *Tree    // that tree; of equals the smaller one
}

// WeighTrees computes the mixture and the best of all trees of at most this
// depth by the recursion of context-tree weighting, in exact rationals.
func WeighTrees(x, past []int, depth int) Weighted {
	all := append(slices.Clone(past), x...)
	at := make([]int, len(x))
	for i := range at {
		at[i] = len(past) + i
	}
	return weighNode(all, at, 0, depth)
}

// weighNode handles the positions at of x whose contexts share the node, which
// is level deep.
func weighNode(x, at []int, level, depth int) Weighted {
	var n [2]int
	for _, i := range at {
		n[x[i]]++
	}
	kt := exactKT(n[0], n[1])
	if level == depth {
		return Weighted{kt, new(big.Rat), kt, &Tree{}}
	}
	var below [2][]int
	for _, i := range at {
		s := before(x, i, level)
		below[s] = append(below[s], i)
	}
	zero, one := weighNode(x, below[0], level+1, depth), weighNode(x, below[1], level+1, depth)
	half := big.NewRat(1, 2)
	kt.Mul(kt, half)
	split := new(big.Rat).Mul(zero.Evidence, one.Evidence)
	split.Mul(split, half)
	best := new(big.Rat).Mul(zero.Best, one.Best)
	best.Mul(best, half)
	w := Weighted{Evidence: new(big.Rat).Add(kt, split), Best: kt, Tree: &Tree{}}
	if best.Cmp(kt) > 0 {
		w.Best, w.Tree = best, &Tree{[2]*Tree{zero.Tree, one.Tree}}
	}
	w.Split = split.Quo(split, w.Evidence)
	return w
}

// exactKT is the KT probability of any one sequence of so many zeros and ones.
func exactKT(zeros, ones int) *big.Rat {
	x := make([]int, zeros+ones)
	for i := zeros; i < len(x); i++ {
		x[i] = 1
	}
	return Prob(Markov(2, 0, nil), x)
}
