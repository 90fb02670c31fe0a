package codec

// meter tells a caller how far a block is. A nil meter tells nobody.
type meter struct {
	report func(n int) // may be nil
	left   int         // bytes of the block that were not reported yet
	since  int         // those of them that are coded
	trial  bool        // what is coded does not count
}

// meterStep is the number of bytes between two reports.
const meterStep = 1 << 10

// begin turns to a block of n bytes.
func (m *meter) begin(n int) { m.left, m.since = n, 0 }

// add says that n more bytes are coded.
func (m *meter) add(n int) {
	if m == nil || m.trial {
		return
	}
	if m.since += n; m.since >= meterStep {
		m.tell(m.since)
	}
}

// end says that the block is done: what was coded may have been shorter.
func (m *meter) end() { m.tell(m.left) }

func (m *meter) tell(n int) {
	n = min(n, m.left)
	m.left, m.since = m.left-n, 0
	if n > 0 && m.report != nil {
		m.report(n)
	}
}
