package memory

import (
	"cmp"
	"slices"
)

// entry is something with a value; of equal values the one of lower order counts
// as larger, so that what a heap keeps does not depend on the order of offers.
type entry[T any] struct {
	value float64
	order int64
	item  T
}

func (e *entry[T]) less(f *entry[T]) bool {
	return e.value < f.value || e.value == f.value && e.order > f.order
}

// heap keeps the largest entries that it was offered, the least at the root.
type heap[T any] []entry[T]

// offer keeps the entry if it is among the k largest.
func (h *heap[T]) offer(e entry[T], k int) {
	s := *h
	if len(s) < k {
		s = append(s, e)
		for i := len(s) - 1; i > 0 && s[i].less(&s[(i-1)/2]); i = (i - 1) / 2 {
			s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
		}
		*h = s
		return
	}
	if k <= 0 || e.less(&s[0]) {
		return
	}
	s[0] = e
	for i := 0; ; {
		least := i
		for _, c := range []int{2*i + 1, 2*i + 2} {
			if c < len(s) && s[c].less(&s[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
}

// sorted returns the entries, largest first.
func (h heap[T]) sorted() []entry[T] {
	list := slices.Clone(h)
	slices.SortFunc(list, func(a, b entry[T]) int {
		return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.order, b.order))
	})
	return list
}
