package universal

// table finds what is known in a context by its key: a hash table with open
// addressing that grows. Keys are never zero, because nodes are not.
type table[T any] struct {
	keys   []uint64
	values []T
	used   int
}

func newTable[T any]() *table[T] {
	return &table[T]{keys: make([]uint64, 1<<10), values: make([]T, 1<<10)}
}

// at returns the place of the value of a key, zero if it is new. It is valid
// until the next call.
func (t *table[T]) at(key uint64) *T {
	if 4*t.used > 3*len(t.keys) {
		t.grow()
	}
	i := t.find(key)
	if t.keys[i] == 0 {
		t.keys[i] = key
		t.used++
	}
	return &t.values[i]
}

func (t *table[T]) find(key uint64) int {
	mask := len(t.keys) - 1
	h := key * 0x9e3779b97f4a7c15
	i := int(h>>32) & mask
	for t.keys[i] != 0 && t.keys[i] != key {
		i = (i + 1) & mask
	}
	return i
}

func (t *table[T]) grow() {
	old := *t
	t.keys, t.values = make([]uint64, 2*len(old.keys)), make([]T, 2*len(old.keys))
	for i, key := range old.keys {
		if key != 0 {
			j := t.find(key)
			t.keys[j], t.values[j] = key, old.values[i]
		}
	}
}
