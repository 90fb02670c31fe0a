package token

import (
	"cmp"
	"container/heap"
	"fmt"
	"iter"
)

// Train learns vocab-FirstMerge merges from documents, or fewer if no pair is
// left that stands twice: again and again the pair of adjacent tokens that is
// most frequent within pre-tokens, of equally frequent ones that of the lower
// ids. Pre-tokens of more than 24 bytes are learned from in parts. The merges
// depend on the documents alone: not on their order, nor on the number of
// processors. A document may be changed after it was taken. progress, if not
// nil, is told what share of the merges is found.
//
// No two tokens get the same bytes: where nothing was merged across the ends of
// a string of bytes, the merges inside it were the same wherever it stands.
func Train(docs iter.Seq[[]byte], vocab int, progress func(done float64)) ([][2]int32, error) {
	if vocab < FirstMerge || vocab > MaxVocab {
		return nil, fmt.Errorf("token: vocabulary of %d, want %d to %d", vocab, FirstMerge, MaxVocab)
	}
	l := newLearner(countPieces(docs))
	want := vocab - FirstMerge
	for len(l.merges) < want {
		p, ok := l.best()
		if !ok {
			break
		}
		l.join(p)
		if progress != nil && (len(l.merges)%64 == 0 || len(l.merges) == want) {
			progress(float64(len(l.merges)) / float64(want))
		}
	}
	return l.merges, nil
}

// pair is two adjacent ids, the first in the high half.
type pair uint32

func pairOf(a, b int) pair { return pair(a)<<16 | pair(b) }

func (p pair) ids() (a, b int) { return int(p >> 16), int(p & 0xffff) }

// stat is what is known of a pair.
type stat struct {
	count  int     // how often it stands in the text
	places []int32 // pieces that may hold it, each once
}

// learner holds all pieces as tokens and the number and places of every pair.
type learner struct {
	pieces [][]uint16
	weight []int // how often each piece stands in the text
	pairs  map[pair]*stat
	queue  pairQueue
	merges [][2]int32
	// What the join under way makes: new pairs by the token on the left of the
	// new token, and by the one on its right.
	left, right []stat
	fresh       []pair
}

func newLearner(counts map[piece]int) *learner {
	l := &learner{pairs: make(map[pair]*stat)}
	l.left, l.right = make([]stat, FirstMerge), make([]stat, FirstMerge)
	l.addPieces(counts)
	l.indexBytes()
	for p, s := range l.pairs {
		l.queue = append(l.queue, queued{p, s.count})
	}
	heap.Init(&l.queue)
	return l
}

// addPieces lays all pieces as single bytes in one block of memory.
func (l *learner) addPieces(counts map[piece]int) {
	size := 0
	for p := range counts {
		size += int(p.size)
	}
	block := make([]uint16, 0, size)
	l.pieces, l.weight = make([][]uint16, 0, len(counts)), make([]int, 0, len(counts))
	for p, n := range counts {
		from := len(block)
		for _, c := range p.text[:p.size] {
			block = append(block, uint16(c))
		}
		l.pieces, l.weight = append(l.pieces, block[from:]), append(l.weight, n)
	}
}

// indexBytes finds the pairs of single bytes. It measures the lists of places
// before it fills them, for they are most of the learner's memory.
func (l *learner) indexBytes() {
	first := make([]*stat, 1<<16)
	last := make([]int32, 1<<16) // piece that a pair was last seen in, plus one
	length := make([]int32, 1<<16)
	l.eachBytePair(func(p, i int) {
		if first[p] == nil {
			first[p] = l.stat(pairOf(p>>8, p&0xff))
		}
		first[p].count += l.weight[i]
		if last[p] != int32(i)+1 {
			last[p] = int32(i) + 1
			length[p]++
		}
	})
	clear(last)
	for p, n := range length {
		if n > 0 {
			first[p].places = make([]int32, 0, n)
		}
	}
	l.eachBytePair(func(p, i int) {
		if last[p] != int32(i)+1 {
			last[p] = int32(i) + 1
			first[p].places = append(first[p].places, int32(i))
		}
	})
}

// eachBytePair calls see for the pairs of bytes, packed in 16 bits, of every
// piece.
func (l *learner) eachBytePair(see func(p, piece int)) {
	for i, ids := range l.pieces {
		for j := 1; j < len(ids); j++ {
			see(int(ids[j-1])<<8|int(ids[j]), i)
		}
	}
}

// queued is a pair with the number it had when it was queued, which may since
// have fallen. It never rises: a join adds only pairs that hold its new token.
type queued struct {
	p pair
	n int
}

type pairQueue []queued

func (q pairQueue) Len() int { return len(q) }
func (q pairQueue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[j].n, q[i].n), cmp.Compare(q[i].p, q[j].p)) < 0
}
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(queued)) }
func (q *pairQueue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}

// best returns the most frequent pair, if it stands at least twice.
func (l *learner) best() (pair, bool) {
	for len(l.queue) > 0 {
		top := &l.queue[0]
		s := l.pairs[top.p]
		switch {
		case s == nil:
			heap.Pop(&l.queue)
		case s.count < top.n:
			top.n = s.count
			heap.Fix(&l.queue, 0)
		case s.count < 2:
			return 0, false
		default:
			return top.p, true
		}
	}
	return 0, false
}

// join makes a new token of the pair wherever it stands.
func (l *learner) join(p pair) {
	a, b := p.ids()
	id := FirstMerge + len(l.merges)
	l.merges = append(l.merges, [2]int32{int32(a), int32(b)})
	l.left, l.right = append(l.left, stat{}), append(l.right, stat{})
	for _, i := range l.pairs[p].places {
		l.joinIn(i, uint16(a), uint16(b), uint16(id))
	}
	l.fresh = l.fresh[:0]
	for x := range l.left {
		l.turn(pairOf(x, a), pairOf(x, id), &l.left[x])
		l.turn(pairOf(b, x), pairOf(id, x), &l.right[x])
	}
	delete(l.pairs, p)
	for _, q := range l.fresh {
		if s := l.pairs[q]; s != nil && s.count > 0 {
			heap.Push(&l.queue, queued{q, s.count})
		} else {
			delete(l.pairs, q)
		}
	}
}

// joinIn replaces the pair (a, b) by id in piece i, from the left, and notes
// the new pairs.
func (l *learner) joinIn(i int32, a, b, id uint16) {
	ids, w := l.pieces[i], l.weight[i]
	n := 0
	for j := 0; j < len(ids); j++ {
		if ids[j] != a || j+1 == len(ids) || ids[j+1] != b {
			ids[n] = ids[j]
			n++
			continue
		}
		if n > 0 {
			l.left[ids[n-1]].add(i, w)
		}
		ids[n] = id
		n++
		j++
		if j+1 < len(ids) {
			l.right[ids[j+1]].add(i, w)
		}
	}
	l.pieces[i] = ids[:n]
}

// add counts a pair that stands in a piece; calls come in the order of pieces.
func (s *stat) add(piece int32, weight int) {
	s.count += weight
	if n := len(s.places); n == 0 || s.places[n-1] != piece {
		s.places = append(s.places, piece)
	}
}

// turn counts what was one pair before the join as the new one that took its
// place, and empties s. In a run such as abab a new pair turns again at once,
// perhaps before it was counted, so that a count may be negative for a while.
func (l *learner) turn(from, to pair, s *stat) {
	if s.count == 0 {
		return
	}
	f, t := l.stat(from), l.stat(to)
	f.count -= s.count
	if f.count == 0 {
		delete(l.pairs, from)
	}
	t.count += s.count
	t.places = s.places // all there will ever be: pairs arise only with a new token
	l.fresh = append(l.fresh, to)
	*s = stat{}
}

func (l *learner) stat(p pair) *stat {
	s := l.pairs[p]
	if s == nil {
		s = new(stat)
		l.pairs[p] = s
	}
	return s
}
