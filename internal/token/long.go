package token

// longWord merges long pre-tokens: n bytes in O(n log n).
type longWord struct {
	tokens []link
	queue  MergeQueue
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
		w.join(w.queue.Pop(), rank)
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
		w.queue.Push(Merge{id, i})
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
func (w *longWord) join(m Merge, rank *pairTable) {
	if w.merged(m.At, rank) != m.Rank {
		return
	}
	t := &w.tokens[m.At]
	gone := &w.tokens[t.next]
	gone.gone = true
	t.id, t.next = uint16(m.Rank), gone.next
	if t.next >= 0 {
		w.tokens[t.next].prev = m.At
	}
	if t.prev >= 0 {
		w.offer(t.prev, rank)
	}
	w.offer(m.At, rank)
}
