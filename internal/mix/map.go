package mix

// Map learns the probability of a one for each of a number of situations: an
// entry holds a probability of 22 bits over a count of 10 bits. The first
// decisions move an entry by 1/(n+1.5) of the error, later ones by the rate at
// the limit, so that it ends as a moving average.
type Map struct {
	entry []uint32 // with the highest bit turned, so that 0 is one half
	moved moved
	limit uint32 // 1 to 1023
}

const half = 1 << 31

// reciprocal[n] is 2^16/(n+1.5).
var reciprocal [1024]uint16

func init() {
	for n := range reciprocal {
		reciprocal[n] = uint16(1 << 17 / (2*n + 3))
	}
}

// NewMap returns a map of n situations, all at one half.
func NewMap(n int, limit uint32) *Map { return &Map{entry: make([]uint32, n), limit: limit} }

// Reset forgets everything: all situations are at one half.
func (m *Map) Reset() { reset(m.entry, &m.moved) }

// Set starts situation i at probability p / 2^32, as if seen count times.
func (m *Map) Set(i int, p uint32, count uint32) {
	m.moved.add(i)
	m.entry[i] = p&^1023 | count ^ half
}

// P returns the probability / 2^32 of a one in situation i.
func (m *Map) P(i int) uint32 { return m.entry[i] ^ half }

// Update tells that the decision in situation i was bit.
func (m *Map) Update(i, bit int) {
	m.moved.add(i)
	m.entry[i] = Adapt(m.entry[i]^half, uint32(bit), m.limit) ^ half
}

// Adapt returns the entry e of a Map after a decision. Its value is the
// probability / 2^32, its low ten bits the count.
func Adapt(e, bit, limit uint32) uint32 {
	n := e & 1023
	err := int64(bit<<22) - int64(e>>10)
	e += uint32(err*int64(reciprocal[n])>>16) << 10
	if n < limit {
		e++
	}
	return e
}
