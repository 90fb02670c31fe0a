package mix

// Weights have 22 fraction bits in the first layer and 16 in the second. In
// the first layer they stay within +-8.
const (
	weightOne   = 1 << 22
	weightLimit = 8*weightOne - 1
)

// Mixer mixes the inputs X. Use: fill X, Select a vector of each set, P, then
// Update.
type Mixer struct {
	X []int32 // inputs, in 1/256 nat, within +-Limit; length a multiple of lanes

	weight []int32  // first layer: vectors of len(X) weights, set after set
	seen   []uint16 // decisions that each vector has learned from, capped
	first  []int    // number of the first vector of each set
	vector []int    // number of the vector selected in each set
	offset []int32  // its place in weight
	dot    []int32  // its output, in 1/65536 nat
	step   []int32  // its error times its rate

	from       *int32   // what Reset was given last
	final      []int32  // second layer: vectors of one weight for each set, set after set
	finalFirst []int    // number of the first vector of each set of the second layer
	chosen     []int    // place in final of the vector selected in each
	pr         []uint32 // what each says, a probability / 2^32
	rates      *[rateSteps]int32
}

// lanes is the number of inputs the kernels take at once.
const lanes = 8

const rateSteps = 1024

// NewMixer returns a mixer of n inputs with a set of sizes[i] vectors for each
// i, and a second layer with a set of finals[i] vectors for each i; call Reset
// before use.
func NewMixer(n int, sizes []int, finals []int, r Rate) *Mixer {
	n = (n + lanes - 1) / lanes * lanes
	m := &Mixer{
		X:      apart[int32](n),
		vector: apart[int](len(sizes)),
		offset: apart[int32](len(sizes)),
		dot:    apart[int32](len(sizes)),
		step:   apart[int32](len(sizes)),
		rates:  r.table(),
	}
	total := 0
	for _, s := range sizes {
		m.first = append(m.first, total)
		total += s
	}
	m.weight = make([]int32, total*n)
	m.seen = make([]uint16, total)
	total = 0
	for _, s := range finals {
		m.finalFirst = append(m.finalFirst, total)
		total += s
	}
	m.final = make([]int32, total*len(sizes))
	m.chosen = apart[int](len(finals))
	m.pr = apart[uint32](len(finals))
	return m
}

// Reset forgets everything learned. start holds the first weights of each set
// and, last, of the second layer; they must not change while the mixer lives.
func (m *Mixer) Reset(start [][]int32) {
	n, again := len(m.X), m.from == &start[0][0]
	for s, first := range m.first {
		end := len(m.seen)
		if s+1 < len(m.first) {
			end = m.first[s+1]
		}
		if !again {
			repeat(m.weight[first*n:end*n], start[s], n)
			continue
		}
		for v := first; v < end; v++ {
			if m.seen[v] > 0 { // the others are as they began
				repeat(m.weight[v*n:][:n], start[s], n)
			}
		}
	}
	repeat(m.final, start[len(m.first)], len(m.first))
	clear(m.seen)
	clear(m.X)
	m.from = &start[0][0]
}

// repeat fills dst with copies of v, cut or filled up with zeros to n.
func repeat(dst, v []int32, n int) {
	clear(dst[:n])
	copy(dst[:n], v)
	for i := n; i < len(dst); i *= 2 {
		copy(dst[i:], dst[:i])
	}
}

// Rate is the learning rate of a mixer: it falls from First to Last as
// (First-Last)/(1+n/Half) after n decisions. In units of 2^-16, First < 2048.
type Rate struct{ First, Last, Half int32 }

func (r Rate) table() *[rateSteps]int32 {
	t := new([rateSteps]int32)
	for i := range t {
		n := int32(i) << rateShift
		t[i] = r.Last + (r.First-r.Last)*r.Half/(r.Half+n)
	}
	return t
}

const rateShift = 4 // decisions a step of the rate table: 2^4

// Select chooses vector i of a set for the next decision.
func (m *Mixer) Select(set, i int) {
	m.vector[set] = m.first[set] + i
	m.offset[set] = int32(m.vector[set] * len(m.X))
}

// SelectFinal chooses vector i of a set of the second layer.
func (m *Mixer) SelectFinal(set, i int) { m.chosen[set] = (m.finalFirst[set] + i) * len(m.first) }

// Selected returns the selected vector of each set and, last, of the second
// layer. They may be read until the next Update.
func (m *Mixer) Selected() [][]int32 {
	var s [][]int32
	for _, o := range m.offset {
		s = append(s, m.weight[o:int(o)+len(m.X)])
	}
	return append(s, m.final[m.chosen[0]:m.chosen[0]+len(m.first)])
}

// P returns the stretch of the next decision in 1/65536 nat, cut at 12 nats,
// and its probability / 2^32.
func (m *Mixer) P() (stretch int32, p uint32) {
	dots(m.dot, m.X, m.weight, m.offset)
	for i, d := range m.dot {
		m.dot[i] = min(max(d, -fineTo), fineTo)
	}
	var all int32
	for k, at := range m.chosen {
		final := m.final[at : at+len(m.dot)]
		sum := int64(0)
		for i, d := range m.dot {
			sum += int64(d) * int64(final[i])
		}
		s := int32(min(max(sum>>16, -fineTo), fineTo))
		m.pr[k] = Squash(s)
		all += s
	}
	if len(m.chosen) == 1 {
		return all, m.pr[0]
	}
	stretch = all / int32(len(m.chosen))
	return stretch, Squash(stretch)
}

// Update tells that the decision was bit.
func (m *Mixer) Update(bit int) {
	target := int64(bit) * (1<<32 - 1)
	for k, at := range m.chosen {
		final := m.final[at : at+len(m.dot)]
		err := target - int64(m.pr[k])
		for i, d := range m.dot {
			final[i] += int32((int64(d)*(err>>16)>>16*finalRate + 1<<15) >> 16)
		}
	}
	for i, d := range m.dot {
		v := m.vector[i]
		n := m.seen[v]
		rate := m.rates[n>>rateShift]
		if n < rateSteps<<rateShift-1 {
			m.seen[v] = n + 1
		}
		m.step[i] = int32((target - int64(Squash(d))) * int64(rate) >> 25)
	}
	train(m.step, m.X, m.weight, m.offset)
}

// finalRate is the learning rate of the second layer in units of 2^-16.
const finalRate = 130
