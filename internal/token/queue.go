package token

// Merge is a merge of two neighbouring tokens that is waiting to be done.
type Merge struct {
	Rank uint32 // lower ones are done first, and of equal ones the leftmost
	At   int32  // the place of the left token
}

func (m Merge) before(o Merge) bool { return m.Rank < o.Rank || m.Rank == o.Rank && m.At < o.At }

// MergeQueue is a binary heap, the first merge on top. container/heap would
// allocate for every element.
type MergeQueue []Merge

// Push adds a merge.
func (q *MergeQueue) Push(m Merge) {
	h := append(*q, m)
	i := len(h) - 1
	for ; i > 0 && m.before(h[(i-1)/2]); i = (i - 1) / 2 {
		h[i] = h[(i-1)/2]
	}
	h[i] = m
	*q = h
}

// Pop takes the first merge out of a queue that is not empty.
func (q *MergeQueue) Pop() Merge {
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
