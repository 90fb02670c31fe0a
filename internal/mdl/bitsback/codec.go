package bitsback

import (
	"math/big"

	"kolm/internal/mdl"
)

// Choose is a code-posterior: the probability of each member of a class given
// the data, summing to one. The decoder calls it too: it must depend on the
// data only. Members of weight zero are never chosen.
type Choose func(x []int) []*big.Rat

// Posterior chooses members by w(m|x), which makes the net length the evidence.
func Posterior(c *mdl.Class) Choose {
	return func(x []int) []*big.Rat {
		post, _ := mdl.ExactPosterior(c, x)
		return post
	}
}

// Codec codes sequences with a class of models.
type Codec struct {
	class  *mdl.Class
	choose Choose
	prior  table
}

// New prepares a codec. Encoder and decoder need the same class and choice.
func New(c *mdl.Class, q Choose) (*Codec, error) {
	var w []*big.Rat
	for _, m := range c.Members {
		w = append(w, m.Prior)
	}
	prior, err := newTable(w, false)
	return &Codec{c, q, prior}, err
}

// Encode pushes x and returns the member that the stack chose for it.
func (c *Codec) Encode(s *Stack, x []int) (member int, err error) {
	q, err := newTable(c.choose(x), true)
	if err != nil {
		return 0, err
	}
	if member, err = q.pop(s); err != nil {
		return 0, err
	}
	spans := make([]span, len(x))
	p := c.class.Members[member].New()
	for i, symbol := range x {
		spans[i] = c.symbol(p, symbol)
		p.Update(symbol)
	}
	for i := len(x) - 1; i >= 0; i-- { // the first symbol must come out first
		s.push(spans[i])
	}
	return member, c.prior.push(s, member)
}

// symbol is the part of the total that the predictor gives to a symbol.
func (c *Codec) symbol(p mdl.Predictor, symbol int) span {
	x := span{}
	for i := 0; ; i++ {
		num, den := p.Next(i)
		x.size = 1 + uint32(num*uint64(total-c.class.Alphabet)/den)
		if i == symbol {
			return x
		}
		x.start += x.size
	}
}

// Decode pops n symbols and puts back the bits that chose the member.
func (c *Codec) Decode(s *Stack, n int) ([]int, error) {
	member, err := c.prior.pop(s)
	if err != nil {
		return nil, err
	}
	x := make([]int, n)
	p := c.class.Members[member].New()
	for i := range x {
		if x[i], err = c.popSymbol(s, p); err != nil {
			return nil, err
		}
		p.Update(x[i])
	}
	q, err := newTable(c.choose(x), true)
	if err != nil {
		return nil, err
	}
	return x, q.push(s, member)
}

func (c *Codec) popSymbol(s *Stack, p mdl.Predictor) (int, error) {
	for i := range c.class.Alphabet {
		if x := c.symbol(p, i); x.owns(s.top()) {
			return i, s.pop(x)
		}
	}
	return 0, ErrDamaged
}

// Force returns a stack on which Encode of x will choose the member: below with
// the choice pushed on top. It is how a test or an experiment takes the exact
// expectation over choices instead of sampling it.
func (c *Codec) Force(below *Stack, x []int, member int) (*Stack, error) {
	q, err := newTable(c.choose(x), true)
	if err != nil {
		return nil, err
	}
	s := below.Clone()
	return s, q.push(s, member)
}
