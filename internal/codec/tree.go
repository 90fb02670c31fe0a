package codec

import (
	"bytes"
	"fmt"
	"sort"

	"kolm/internal/token"
)

// tree is the vocabulary as one binary decision tree: a walk down the byte trie
// of the tokens, most significant bit first, with a flag "the token ends here"
// wherever a token is also the prefix of others. Decisions that have only one
// outcome left are not in the tree, so n tokens make exactly n-1 nodes.
//
// Tokens are numbered by rank, their place in byte order. Every node covers a
// range of ranks, which is why one prefix sum over the model's weights gives
// the probability of every decision.
type tree struct {
	nodes []node
	root  int32    // >= 0 a node; < 0 the leaf ^root
	text  [][]byte // rank -> bytes
	id    []int32  // rank -> token
	rank  []int32  // token -> rank; -1 for the separator
}

// node decides between the ranks [lo,mid) and [mid,hi).
type node struct {
	lo, mid, hi int32
	child       [2]int32 // by side; >= 0 a node, < 0 the leaf ^child
	depth       int16    // whole bytes decided before this node
	partial     int16    // 1..255: bits of the current byte so far, after a leading 1; flag: 0
}

// flag reports whether the node asks if the token ends here (left) or goes on.
func (n *node) flag() bool { return n.partial == 0 }

// length is the least number of bytes of the tokens that pass the node.
func (n *node) length() int {
	if n.flag() {
		return int(n.depth)
	}
	return int(n.depth) + 1
}

// newTree builds the tree of every token that has bytes. Two tokens with the
// same bytes would make a decision that no byte can show: an error.
func newTree(tok *token.Tokenizer) (*tree, error) {
	t := &tree{rank: make([]int32, tok.Vocab())}
	for id := range t.rank {
		t.rank[id] = -1
		if len(tok.Bytes(id)) > 0 {
			t.id = append(t.id, int32(id))
		}
	}
	sort.Slice(t.id, func(i, j int) bool {
		return bytes.Compare(tok.Bytes(int(t.id[i])), tok.Bytes(int(t.id[j]))) < 0
	})
	for r, id := range t.id {
		text := tok.Bytes(int(id))
		if r > 0 && bytes.Equal(text, t.text[r-1]) {
			return nil, fmt.Errorf("codec: tokens %d and %d have the same bytes %q", t.id[r-1], id, text)
		}
		t.text = append(t.text, text)
		t.rank[id] = int32(r)
	}
	if len(t.id) < 256 {
		return nil, fmt.Errorf("codec: vocabulary has %d tokens with bytes, want all 256 single bytes", len(t.id))
	}
	t.root = t.bits(0, int32(len(t.id)), 0, 1)
	return t, nil
}

// enter makes the subtree of ranks [lo,hi), whose first depth bytes agree,
// beginning with the question whether the token ends.
func (t *tree) enter(lo, hi int32, depth int) int32 {
	if hi-lo == 1 {
		return ^lo
	}
	if len(t.text[lo]) > depth {
		return t.bits(lo, hi, depth, 1)
	}
	n := t.add(node{lo: lo, mid: lo + 1, hi: hi, depth: int16(depth)})
	right := t.bits(lo+1, hi, depth, 1)
	t.nodes[n].child = [2]int32{^lo, right}
	return n
}

// bits makes the subtree of ranks [lo,hi), all longer than depth, that agree in
// depth bytes and in the bits of partial.
func (t *tree) bits(lo, hi int32, depth, partial int) int32 {
	if hi-lo == 1 {
		return ^lo
	}
	if partial >= 256 {
		return t.enter(lo, hi, depth+1)
	}
	shift := 7
	for p := partial; p > 1; p >>= 1 {
		shift--
	}
	mid := lo + int32(sort.Search(int(hi-lo), func(i int) bool {
		return t.text[int(lo)+i][depth]>>shift&1 == 1
	}))
	switch mid {
	case lo:
		return t.bits(lo, hi, depth, partial<<1|1)
	case hi:
		return t.bits(lo, hi, depth, partial<<1)
	}
	n := t.add(node{lo: lo, mid: mid, hi: hi, depth: int16(depth), partial: int16(partial)})
	left := t.bits(lo, mid, depth, partial<<1)
	right := t.bits(mid, hi, depth, partial<<1|1)
	t.nodes[n].child = [2]int32{left, right}
	return n
}

func (t *tree) add(n node) int32 {
	t.nodes = append(t.nodes, n)
	return int32(len(t.nodes) - 1)
}
