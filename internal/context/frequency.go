package context

import "kolm/internal/mix"

// frequencies are probabilities learned under contexts directly, without a
// history in between. A history remembers too little of what is near to chance,
// such as digits; here every decision counts alike. Contexts may share a row.
type frequencies struct {
	entry []uint32               // of mix.Map: (kinds, rows, 256 nodes)
	bits  uint                   // log2 of the rows of a kind
	row   [frequencyKinds]uint32 // where the rows of this byte begin
	at    [frequencyKinds]uint32 // the entries of the last predict
}

const (
	frequencyKinds  = 3
	frequencyInputs = 2 * frequencyKinds
)

// reset forgets everything, for a block whose length has size bits.
func (f *frequencies) reset(size int) {
	f.bits = uint(min(max(size-4, 6), 12))
	n := frequencyKinds << (f.bits + 8)
	if cap(f.entry) < n {
		f.entry = make([]uint32, n)
	}
	f.entry = f.entry[:n]
	f.entry[0] = 1 << 31
	for i := 1; i < n; i *= 2 {
		copy(f.entry[i:], f.entry[:i])
	}
}

// begin turns to the next byte of c: by the classes of the last four bytes, by
// those of the last six runs of bytes of one class, and by what the line has
// between its words.
func (f *frequencies) begin(c *Cursor) {
	for i, x := range [frequencyKinds]uint64{
		c.classes & 0xffff,
		c.structure.runs & 0xffffff,
		c.structure.template,
	} {
		f.row[i] = uint32(i)<<(f.bits+8) + uint32((x+1)*mul1>>(64-f.bits))<<8
	}
}

// predict fills x with the opinions on the decision at node.
func (f *frequencies) predict(node uint32, x *[frequencyInputs]int32) {
	for i, row := range f.row {
		f.at[i] = row + node
		p := f.entry[row+node]
		x[2*i] = mix.Stretch(p)
		x[2*i+1] = (int32(p>>20) - 2048) >> 1
	}
}

// learn tells that the decision of the last predict was bit.
func (f *frequencies) learn(bit int) {
	for _, at := range f.at {
		f.entry[at] = mix.Adapt(f.entry[at], uint32(bit), entryLimit)
	}
}

// Expectation sums up what the matches expect of the decision of the last
// Predict, and how long they are; it is below Expectations.
func (m *Model) Expectation() int {
	r := 0
	for _, k := range m.match[:m.matches] {
		r *= expectations
		if k.entry >= 0 {
			r += 1 + k.expected + 2*min(k.entry/4/3, 9)
		}
	}
	return r
}

const (
	expectations = 21 // of one match: none, or a bit and one of ten lengths
	Expectations = expectations * expectations
)
