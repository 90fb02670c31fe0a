package vocab

import (
	"cmp"
	"fmt"
	"slices"
)

// pair is what two neighbouring tokens merge into. Lower ranks are merged first.
type pair struct {
	key  uint64 // the two ids
	rank uint32
	id   int32
}

// noRank is the rank of pairs that do not merge.
const noRank = 1<<32 - 1

// pairTable maps two ids to what they merge into: open addressing, at most half
// full, where key 0 is an empty place: keys are stored plus 1.
type pairTable struct {
	entries []pair
	mask    uint64
}

func pairKey(a, b int32) uint64 { return (uint64(uint32(a))<<32 | uint64(uint32(b))) + 1 }

func newPairTable(list []pair) pairTable {
	size := 16
	for size < 2*len(list) {
		size *= 2
	}
	t := pairTable{make([]pair, size), uint64(size - 1)}
	for _, p := range list {
		if at := t.find(p.key); t.entries[at].key == 0 { // of two, the first counts
			t.entries[at] = p
		}
	}
	return t
}

// find returns the place of a key, or an empty one.
func (t *pairTable) find(key uint64) uint64 {
	h := key * 0x9e3779b97f4a7c15
	for at := (h ^ h>>32) & t.mask; ; at = (at + 1) & t.mask {
		if k := t.entries[at].key; k == key || k == 0 {
			return at
		}
	}
}

// get returns what two tokens merge into; its rank is noRank if they do not.
func (t *pairTable) get(a, b int32) (rank uint32, id int32) {
	e := &t.entries[t.find(pairKey(a, b))]
	if e.key == 0 {
		return noRank, 0
	}
	return e.rank, e.id
}

// rank makes the table of pairs.
func (t *Tokenizer) rank() error {
	var list []pair
	var err error
	if t.Kind == Scores {
		list = t.scored()
	} else if list, err = t.merged(); err != nil {
		return err
	}
	t.pairs = newPairTable(list)
	if t.Kind != ByteBPE {
		t.cuts = newCuts(t, list)
	}
	return nil
}

// merged makes pairs of the list of merges. A merge whose result is no token is
// passed over: byte vocabularies carry one such for programs that want a list.
func (t *Tokenizer) merged() ([]pair, error) {
	list := make([]pair, 0, len(t.Merges))
	var text []byte
	for i, m := range t.Merges {
		for _, id := range m {
			if id < 0 || int(id) >= len(t.Pieces) {
				return nil, fmt.Errorf("merge %d joins token %d, the vocabulary has %d", i, id, len(t.Pieces))
			}
		}
		if len(t.Text(m[0])) == 0 || len(t.Text(m[1])) == 0 { // a result as long as a part could merge in a circle
			return nil, fmt.Errorf("merge %d joins tokens %d and %d, of which one has no text", i, m[0], m[1])
		}
		text = append(append(text[:0], t.Text(m[0])...), t.Text(m[1])...)
		if id, ok := t.ids[string(text)]; ok {
			list = append(list, pair{pairKey(m[0], m[1]), uint32(i), id})
		}
	}
	return list, nil
}

// scored makes a pair of every two tokens that are another one together. Equal
// scores have equal ranks, so that the leftmost is merged.
func (t *Tokenizer) scored() []pair {
	order := make([]int32, 0, len(t.ids))
	for i := range t.Pieces {
		if id, ok := t.ids[string(t.Pieces[i])]; ok && id == int32(i) {
			order = append(order, id)
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(t.Scores[b], t.Scores[a]) })
	var list []pair
	rank := uint32(0)
	for i, id := range order {
		if i > 0 && t.Scores[id] != t.Scores[order[i-1]] {
			rank++
		}
		p := t.Pieces[id]
		for n := charLen(p); n < len(p); n += charLen(p[n:]) {
			left, ok := t.ids[string(p[:n])]
			if !ok {
				continue
			}
			if right, ok := t.ids[string(p[n:])]; ok {
				list = append(list, pair{pairKey(left, right), rank, id})
			}
		}
	}
	return list
}
