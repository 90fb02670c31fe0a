package mdl

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestTreeCounts(t *testing.T) {
	for depth, want := range []int{1, 2, 5, 26, 677} {
		c, err := Trees(depth, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Members) != want || c.Mass().Cmp(big.NewRat(1, 1)) != 0 {
			t.Errorf("depth %d: %d trees of mass %v, want %d of mass 1", depth, len(c.Members), c.Mass(), want)
		}
	}
}

func TestCTWGolden(t *testing.T) {
	long := "0110100110010110"
	for _, c := range []struct {
		x, past  string
		depth    int
		num, den int64
	}{
		{"0100110", "110", 3, 7, 2048}, {"0100110", "010", 3, 31, 8192}, {"0100110", "000", 3, 17, 8192},
		{"0100110", "001", 3, 19, 8192}, {"0100110", "011", 3, 55, 16384}, {"0100110", "100", 3, 17, 8192},
		{"0100110", "101", 3, 23, 8192}, {"0100110", "111", 3, 205, 65536},
		{long, "", 1, 10485, 1 << 32}, {long, "", 2, 25245, 1 << 33}, {long, "", 3, 46765, 1 << 34}, {long, "", 4, 24345, 1 << 33},
	} {
		want := big.NewRat(c.num, c.den)
		w := WeighTrees(bits(c.x), bits(c.past), c.depth)
		if w.Evidence.Cmp(want) != 0 {
			t.Errorf("%s after %q, depth %d: %v, want %v", c.x, c.past, c.depth, w.Evidence, want)
		}
		near(t, "in floating point", CodeLength(NewCTW(c.depth, bits(c.past)), bits(c.x)), ratBits(want), 1e-9)
	}
}

// TestCTWIsTheMixture: the recursion equals the sum, and its best tree the best,
// of all trees one by one, in exact rationals.
func TestCTWIsTheMixture(t *testing.T) {
	past := bits("1011")
	for depth := range 5 {
		c, err := Trees(depth, past)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(4) {
			x := random(seed, 24, .35)
			w := WeighTrees(x, past, depth)
			sum, best, split := new(big.Rat), new(big.Rat), new(big.Rat)
			for i, m := range c.Members {
				p := Prob(m.New(), x)
				p.Mul(p, m.Prior)
				sum.Add(sum, p)
				if i > 0 { // the first is the single leaf
					split.Add(split, p)
				}
				if p.Cmp(best) > 0 {
					best = p
				}
			}
			if w.Evidence.Cmp(sum) != 0 {
				t.Errorf("depth %d: recursion %v, sum over trees %v", depth, w.Evidence, sum)
			}
			if w.Best.Cmp(best) != 0 {
				t.Errorf("depth %d: best tree by recursion %v, of all %v", depth, w.Best, best)
			}
			own := Prob(NewTreeSource(w.Tree, past), x)
			if own.Mul(own, powerOfHalf(w.Tree.Cost(depth))).Cmp(best) != 0 {
				t.Errorf("depth %d: %v has not the weight %v", depth, w.Tree, best)
			}
			if w.Split.Cmp(split.Quo(split, sum)) != 0 {
				t.Errorf("depth %d: root splits with %v, want %v", depth, w.Split, split)
			}
		}
	}
}

// TestCTWBound: on random trees with random parameters CTW is never longer than
// its bound above the best parameters of the tree.
func TestCTWBound(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 0))
	trees := AllTrees(4)
	for range 60 {
		tree := trees[r.IntN(len(trees))]
		x := drawTree(r, tree, 500+r.IntN(2000))
		leaves, _ := tree.Leaves(4)
		excess := CodeLength(NewCTW(4, nil), x) - bestOnTree(tree, x)
		if bound := Bound(tree.Cost(4), leaves, len(x)); excess > bound {
			t.Errorf("%v: %.3f bits above the best parameters, bound %.3f", tree, excess, bound)
		}
	}
}

func findLeaf(tree *Tree, x []int, at int) *Tree {
	for d := 0; !tree.Leaf(); d++ {
		tree = tree.Child[before(x, at, d)]
	}
	return tree
}

func drawTree(r *rand.Rand, tree *Tree, n int) []int {
	one := map[*Tree]float64{}
	x := make([]int, n)
	for i := range x {
		leaf := findLeaf(tree, x, i)
		if _, ok := one[leaf]; !ok {
			one[leaf] = r.Float64()
		}
		if r.Float64() < one[leaf] {
			x[i] = 1
		}
	}
	return x
}

// bestOnTree is the code length under the tree's maximum-likelihood parameters.
func bestOnTree(tree *Tree, x []int) float64 {
	counts := map[*Tree]*[2]int{}
	for i, s := range x {
		leaf := findLeaf(tree, x, i)
		if counts[leaf] == nil {
			counts[leaf] = new([2]int)
		}
		counts[leaf][s]++
	}
	sum := 0.0
	for _, n := range counts {
		sum += maxLikelihood(n[0]+n[1], n[1])
	}
	return sum
}

func TestCTWPredicts(t *testing.T) {
	c := NewCTW(3, nil)
	for _, s := range random(3, 200, .5) {
		if sum := c.Prob(0) + c.Prob(1); math.Abs(sum-1) > 1e-12 {
			t.Fatalf("probabilities sum to %v", sum)
		}
		c.Update(s)
	}
}
