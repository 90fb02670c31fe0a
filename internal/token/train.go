package token

import (
	"cmp"
	"container/heap"
	"fmt"
	"iter"
	"slices"
	"unicode/utf8"
)

// Learning counts a pre-token in pieces of at most pieceBytes, cut between
// characters: in scripts without spaces a pre-token is a whole clause, and
// nearly every clause is new.
const pieceBytes = 24

// Train learns vocab-FirstMerge merges from documents: again and again the pair
// of adjacent tokens that is most frequent within pre-tokens, of equally
// frequent ones that of the lower ids. A pair whose bytes some token already
// has is passed over. The result depends on the documents alone, not on their
// order. progress, if not nil, is told what share of the merges is found.
func Train(docs iter.Seq[[]byte], vocab int, progress func(done float64)) ([][2]int32, error) {
	if vocab < FirstMerge || vocab > MaxVocab {
		return nil, fmt.Errorf("token: vocabulary of %d, want %d to %d", vocab, FirstMerge, MaxVocab)
	}
	l := newLearner(countPieces(docs))
	for len(l.text) < vocab {
		p, ok := l.best()
		if !ok {
			break
		}
		l.join(p)
		if progress != nil && len(l.text)%64 == 0 {
			progress(float64(len(l.text)-FirstMerge) / float64(vocab-FirstMerge))
		}
	}
	return l.merges, nil
}

// countPieces counts the pieces of two bytes and more.
func countPieces(docs iter.Seq[[]byte]) map[string]int {
	counts := make(map[string]int)
	for doc := range docs {
		for len(doc) > 0 {
			n := Split(doc)
			for word := doc[:n]; len(word) > 1; {
				piece := word[:pieceLength(word)]
				counts[string(piece)]++
				word = word[len(piece):]
			}
			doc = doc[n:]
		}
	}
	return counts
}

// pieceLength returns pieceBytes or, to end between characters, a little less.
func pieceLength(word []byte) int {
	if len(word) <= pieceBytes {
		return len(word)
	}
	n := pieceBytes
	for n > pieceBytes-utf8.UTFMax && !utf8.RuneStart(word[n]) {
		n--
	}
	return n
}

// pair is two adjacent ids, the first in the high half.
type pair uint32

func (p pair) ids() (uint16, uint16) { return uint16(p >> 16), uint16(p) }

// learner holds all pieces as tokens and the number and places of every pair.
type learner struct {
	pieces [][]uint16
	weight []int // how often each piece stands in the text
	count  map[pair]int
	places map[pair][]int32 // pieces that may hold the pair; may repeat
	queue  countHeap
	text   []string // id -> bytes
	taken  map[string]bool
	merges [][2]int32
	change map[pair]int // of one join
}

func newLearner(counts map[string]int) *learner {
	l := &learner{
		count:  make(map[pair]int),
		places: make(map[pair][]int32),
		taken:  make(map[string]bool),
		change: make(map[pair]int),
	}
	for i := range 256 {
		l.text = append(l.text, string([]byte{byte(i)}))
	}
	l.text = append(l.text, "")
	words := make([]string, 0, len(counts))
	for w := range counts {
		words = append(words, w)
	}
	slices.Sort(words)
	for i, w := range words {
		ids := make([]uint16, len(w))
		for j := range len(w) {
			ids[j] = uint16(w[j])
		}
		l.pieces, l.weight = append(l.pieces, ids), append(l.weight, counts[w])
		l.tally(int32(i), l.count, 1)
		for j := 1; j < len(ids); j++ {
			l.place(pairOf(ids, j), int32(i))
		}
	}
	for p, n := range l.count {
		l.queue = append(l.queue, counted{p, n})
	}
	heap.Init(&l.queue)
	return l
}

func pairOf(ids []uint16, j int) pair { return pair(ids[j-1])<<16 | pair(ids[j]) }

// tally adds sign times the weight of piece i to every pair in it.
func (l *learner) tally(i int32, to map[pair]int, sign int) {
	ids := l.pieces[i]
	for j := 1; j < len(ids); j++ {
		to[pairOf(ids, j)] += sign * l.weight[i]
	}
}

func (l *learner) place(p pair, i int32) {
	at := l.places[p]
	if n := len(at); n == 0 || at[n-1] != i {
		l.places[p] = append(at, i)
	}
}

// counted is a pair with the number it had when it was queued, which may since
// have fallen; when a number rises the pair is queued again.
type counted struct {
	p pair
	n int
}

type countHeap []counted

func (h countHeap) Len() int { return len(h) }
func (h countHeap) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[j].n, h[i].n), cmp.Compare(h[i].p, h[j].p)) < 0
}
func (h countHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *countHeap) Push(x any)   { *h = append(*h, x.(counted)) }
func (h *countHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// best returns the most frequent pair that may be merged, if one stands at
// least twice.
func (l *learner) best() (pair, bool) {
	for len(l.queue) > 0 {
		c := heap.Pop(&l.queue).(counted)
		n := l.count[c.p]
		if n != c.n {
			if n > 0 && n < c.n {
				heap.Push(&l.queue, counted{c.p, n})
			}
			continue
		}
		a, b := c.p.ids()
		if n < 2 {
			return 0, false
		}
		if !l.taken[l.text[a]+l.text[b]] {
			return c.p, true
		}
	}
	return 0, false
}

// join makes a new token of the pair wherever it stands.
func (l *learner) join(p pair) {
	a, b := p.ids()
	id := uint16(len(l.text))
	l.merges = append(l.merges, [2]int32{int32(a), int32(b)})
	l.text = append(l.text, l.text[a]+l.text[b])
	l.taken[l.text[id]] = true
	clear(l.change)
	for _, i := range l.places[p] {
		l.joinIn(i, a, b, id)
	}
	delete(l.places, p)
	for q, d := range l.change {
		if d == 0 {
			continue
		}
		n := l.count[q] + d
		if n <= 0 {
			delete(l.count, q)
			continue
		}
		l.count[q] = n
		if d > 0 {
			heap.Push(&l.queue, counted{q, n})
		}
	}
}

// joinIn replaces the pair (a, b) by id in piece i, from the left.
func (l *learner) joinIn(i int32, a, b, id uint16) {
	ids := l.pieces[i]
	if !holds(ids, a, b) {
		return
	}
	l.tally(i, l.change, -1)
	out := ids[:0]
	for j := 0; j < len(ids); j++ {
		if j+1 < len(ids) && ids[j] == a && ids[j+1] == b {
			out = append(out, id)
			j++
		} else {
			out = append(out, ids[j])
		}
	}
	l.pieces[i] = out
	l.tally(i, l.change, 1)
	for j := 1; j < len(out); j++ {
		if out[j-1] == id || out[j] == id {
			l.place(pairOf(out, j), i)
		}
	}
}

func holds(ids []uint16, a, b uint16) bool {
	for j := 1; j < len(ids); j++ {
		if ids[j-1] == a && ids[j] == b {
			return true
		}
	}
	return false
}
