package token

import "container/heap"

// encoder is the memory of one Encode at a time. Its cache changes speed only.
type encoder struct {
	t     *Tokenizer
	cache map[string][]uint16
	ids   []uint32
	list  []link
	queue pairHeap
}

const (
	maxCached  = 1 << 16 // pre-tokens in the cache
	maxKey     = 48      // longest pre-token that is cached
	shortToken = 64      // longest pre-token that is merged by plain search
)

func newEncoder(t *Tokenizer) *encoder {
	return &encoder{t: t, cache: make(map[string][]uint16)}
}

// preToken appends the tokens of one pre-token.
func (e *encoder) preToken(dst []uint16, b []byte) []uint16 {
	if len(b) == 1 {
		return append(dst, uint16(b[0]))
	}
	if len(b) > maxKey {
		return e.merge(dst, b)
	}
	if ids, ok := e.cache[string(b)]; ok {
		return append(dst, ids...)
	}
	from := len(dst)
	dst = e.merge(dst, b)
	if len(e.cache) >= maxCached {
		clear(e.cache)
	}
	e.cache[string(b)] = append([]uint16(nil), dst[from:]...)
	return dst
}

// merge applies the merges to the bytes b: always the earliest merge of the
// list, and of equal ones the leftmost.
func (e *encoder) merge(dst []uint16, b []byte) []uint16 {
	if len(b) > shortToken {
		return e.mergeLong(dst, b)
	}
	ids := e.ids[:0]
	for _, c := range b {
		ids = append(ids, uint32(c))
	}
	for {
		best, at := noMerge, 0
		for i := 0; i+1 < len(ids); i++ {
			if id := e.t.rank.get(ids[i], ids[i+1]); id < best {
				best, at = id, i
			}
		}
		if best == noMerge {
			break
		}
		ids[at] = best
		ids = append(ids[:at+1], ids[at+2:]...)
	}
	e.ids = ids
	for _, id := range ids {
		dst = append(dst, uint16(id))
	}
	return dst
}

// link is a token in a list of a long pre-token's tokens.
type link struct {
	id         uint32 // noMerge: joined to the one before
	prev, next int32
}

// candidate is a merge that was possible when it was queued.
type candidate struct {
	id   uint32
	at   int32
	a, b uint32
}

type pairHeap []candidate

func (h pairHeap) Len() int { return len(h) }
func (h pairHeap) Less(i, j int) bool {
	return h[i].id < h[j].id || h[i].id == h[j].id && h[i].at < h[j].at
}
func (h pairHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *pairHeap) Push(x any)   { *h = append(*h, x.(candidate)) }
func (h *pairHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// mergeLong is merge in O(n log n).
func (e *encoder) mergeLong(dst []uint16, b []byte) []uint16 {
	e.list, e.queue = e.list[:0], e.queue[:0]
	for i, c := range b {
		e.list = append(e.list, link{uint32(c), int32(i - 1), int32(i + 1)})
	}
	e.list[len(b)-1].next = -1
	for i := range e.list {
		e.offer(int32(i))
	}
	for len(e.queue) > 0 {
		c := heap.Pop(&e.queue).(candidate)
		l := &e.list[c.at]
		if l.id != c.a || l.next < 0 || e.list[l.next].id != c.b {
			continue
		}
		gone := l.next
		l.id, l.next = c.id, e.list[gone].next
		e.list[gone].id = noMerge
		if l.next >= 0 {
			e.list[l.next].prev = c.at
		}
		e.offer(l.prev)
		e.offer(c.at)
	}
	for i := int32(0); i >= 0; i = e.list[i].next {
		dst = append(dst, uint16(e.list[i].id))
	}
	return dst
}

// offer queues the merge of the token at i with the next, if there is one.
func (e *encoder) offer(i int32) {
	if i < 0 || e.list[i].next < 0 {
		return
	}
	a, b := e.list[i].id, e.list[e.list[i].next].id
	if id := e.t.rank.get(a, b); id != noMerge {
		heap.Push(&e.queue, candidate{id, i, a, b})
	}
}
