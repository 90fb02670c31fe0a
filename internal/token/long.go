package token

// longWord merges long pre-tokens: n bytes in O(n log n).
type longWord struct {
	tokens []link
	queue  mergeQueue
}

// link is a token in a list.
type link struct {
	id         uint16
	gone       bool // joined to the one before
	prev, next int32
}

// keepLinks bounds the memory that is kept between calls.
const keepLinks = 1 << 16

// encode appends the tokens of b, which may have maxWord bytes.
func (w *longWord) encode(dst []uint16, b []byte, rank *pairTable) []uint16 {
	for i, c := range b {
		w.tokens = append(w.tokens, link{id: uint16(c), prev: int32(i - 1), next: int32(i + 1)})
	}
	w.tokens[len(b)-1].next = -1
	for i := range b {
		w.offer(int32(i), rank)
	}
	for len(w.queue) > 0 {
		w.join(w.queue.pop(), rank)
	}
	for i := int32(0); i >= 0; i = w.tokens[i].next {
		dst = append(dst, w.tokens[i].id)
	}
	w.tokens, w.queue = w.tokens[:0], w.queue[:0]
	if cap(w.tokens) > keepLinks {
		*w = longWord{}
	}
	return dst
}

// offer queues the merge of token i and the next one, if there is one.
func (w *longWord) offer(i int32, rank *pairTable) {
	if id := w.merged(i, rank); id != noMerge {
		w.queue.push(merge{id, i})
	}
}

// merged returns what token i and the next one merge into.
func (w *longWord) merged(i int32, rank *pairTable) uint32 {
	t := &w.tokens[i]
	if t.gone || t.next < 0 {
		return noMerge
	}
	return rank.get(t.id, w.tokens[t.next].id)
}

// join does a queued merge, unless another one took a token of it.
func (w *longWord) join(m merge, rank *pairTable) {
	if w.merged(m.at, rank) != m.id {
		return
	}
	t := &w.tokens[m.at]
	gone := &w.tokens[t.next]
	gone.gone = true
	t.id, t.next = uint16(m.id), gone.next
	if t.next >= 0 {
		w.tokens[t.next].prev = m.at
	}
	if t.prev >= 0 {
		w.offer(t.prev, rank)
	}
	w.offer(m.at, rank)
}

// merge is a merge into id at a place.
type merge struct {
	id uint32
	at int32
}

func (m merge) before(o merge) bool { return m.id < o.id || m.id == o.id && m.at < o.at }

// mergeQueue is a binary heap, the first merge on top. container/heap would
// allocate for every element.
type mergeQueue []merge

func (q *mergeQueue) push(m merge) {
	h := append(*q, m)
	i := len(h) - 1
	for ; i > 0 && m.before(h[(i-1)/2]); i = (i - 1) / 2 {
		h[i] = h[(i-1)/2]
	}
	h[i] = m
	*q = h
}

func (q *mergeQueue) pop() merge {
	h := *q
	top, m := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(m) {
			break
		}
		h[i] = h[child]
		i = child
	}
	if len(h) > 0 {
		h[i] = m
	}
	*q = h
	return top
}
