package mix

// moved remembers which entries of a large table are no longer zero, as long as
// they are few, so that the reset after a short message takes as short a time.
type moved struct {
	at   [4096]int32
	n    int
	many bool // more than at holds
}

func (m *moved) add(i int) {
	if m.n < len(m.at) {
		m.at[m.n] = int32(i)
		m.n++
	} else {
		m.many = true
	}
}

// reset makes all entries of table zero.
func reset[T uint16 | uint32](table []T, m *moved) {
	if m.many {
		clear(table)
	} else {
		for _, i := range m.at[:m.n] {
			table[i] = 0
		}
	}
	m.n, m.many = 0, false
}
