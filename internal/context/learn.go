package context

import "kolm/internal/mix"

// Contexts returns the number of contexts in use.
func (m *Model) Contexts() int { return direct + m.kinds }

// State returns the state that context i gave at the last Predict.
func (m *Model) State(i int) uint8 { return uint8(m.at[i]) }

// Learned makes the model begin, from the next Reset on, with what followed
// each state of each context, (Contexts, 256): stretches in 1/16 nat above -8
// nats. It is for learning what the built-in beginning is to be.
func (m *Model) Learned(states *[Contexts][256]uint8) {
	m.start = new([entries]uint32)
	for i := range states {
		for state, v := range states[i] {
			m.start[i<<8|state] = startEntry(v)
		}
	}
}

// startEntry returns the entry of mix.Map of a stretch in 1/16 nat above -8.
func startEntry(v uint8) uint32 {
	return mix.Squash((int32(v)-128)<<12)&^1023 | startCount
}
