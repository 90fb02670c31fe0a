package memory

import "errors"

// Portrait is a neuron from key to value.
type Portrait struct {
	Neuron Neuron `json:"neuron"`
	Votes  *Votes `json:"value"`
	Stats  *Stats `json:"statistics,omitempty"` // of an index
	Plus   []Hit  `json:"triggers,omitempty"`
	Minus  []Hit  `json:"triggers_minus,omitempty"`
	// Agree says that the value's first vote, with the sign of the coefficient, is
	// the token after the strongest trigger (Geva et al., 2021, section 4.1).
	Agree bool `json:"agreement"`
}

// Portrait puts together what a neuron's key reacts to, if there is an index, and
// what its value votes for.
func (m *Model) Portrait(n Neuron, votes, contexts int, x *Index) (*Portrait, error) {
	v, err := m.Votes(n, votes)
	if err != nil {
		return nil, err
	}
	p := &Portrait{Neuron: n, Votes: v}
	if x == nil {
		return p, nil
	}
	var errs [3]error
	p.Stats, errs[0] = x.Stats(n)
	p.Plus, errs[1] = x.Contexts(n, false, contexts)
	p.Minus, errs[2] = x.Contexts(n, true, contexts)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	strongest, vote := p.Plus, v.Plus
	if len(p.Plus) == 0 || len(p.Minus) > 0 && -p.Minus[0].Activation > p.Plus[0].Activation {
		strongest, vote = p.Minus, v.Minus
	}
	p.Agree = len(strongest) > 0 && len(vote) > 0 && strongest[0].Next != "" && strongest[0].Next == clean(vote[0].Text)
	return p, nil
}
