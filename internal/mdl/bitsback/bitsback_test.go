package bitsback

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"kolm/internal/mdl"
)

func randomStack(r *rand.Rand, n int) *Stack {
	words := make([]uint32, n)
	for i := range words {
		words[i] = r.Uint32()
	}
	return NewStack(words)
}

// order2 draws from an order-2 source.
func order2(seed uint64, n int) []int {
	r := rand.New(rand.NewPCG(seed, 0))
	x := make([]int, n)
	for i := range x {
		c := 0
		if i >= 2 {
			c = 2*x[i-2] + x[i-1]
		}
		if r.Float64() < []float64{.1, .6, .3, .9}[c] {
			x[i] = 1
		}
	}
	return x
}

func markov(t testing.TB, orders int) *mdl.Class {
	t.Helper()
	c, err := mdl.Orders(2, mdl.Halves(orders), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// constant is a choice that does not look at the data.
func constant(q ...*big.Rat) Choose { return func([]int) []*big.Rat { return q } }

func uniform(n int) Choose {
	q := make([]*big.Rat, n)
	for i := range q {
		q[i] = big.NewRat(1, int64(n))
	}
	return constant(q...)
}

// TestNetLength: for every member that may be chosen the net length is
// L_m - log2 w + log2 Q, the expectation is -ELBO, the data comes back and the
// stack is as it was.
func TestNetLength(t *testing.T) {
	automata, err := mdl.Automata(2)
	if err != nil {
		t.Fatal(err)
	}
	five := markov(t, 5)
	x := order2(1, 400)
	zero, half := new(big.Rat), big.NewRat(1, 2)
	r := rand.New(rand.NewPCG(2, 0))
	for _, c := range []struct {
		name  string
		class *mdl.Class
		q     Choose
	}{
		{"posterior", five, Posterior(five)},
		{"certain", five, constant(zero, zero, big.NewRat(1, 1), zero, zero)},
		{"half and half", five, constant(zero, half, half, zero, zero)},
		{"uniform", five, uniform(5)},
		{"automata, uniform", automata, uniform(len(automata.Members))},
		{"automata, posterior", automata, Posterior(automata)},
	} {
		codec, err := New(c.class, c.q)
		if err != nil {
			t.Fatal(err)
		}
		w := mdl.Weigh(c.class, x)
		q := make([]float64, len(c.class.Members))
		expected := 0.0
		for m, p := range c.q(x) {
			q[m], _ = p.Float64()
			if p.Sign() == 0 {
				continue
			}
			before, err := codec.Force(randomStack(r, 40), x, m)
			if err != nil {
				t.Fatal(err)
			}
			s := before.Clone()
			chosen, err := codec.Encode(s, x)
			if err != nil || chosen != m {
				t.Fatalf("%s: chose %d (%v), want %d", c.name, chosen, err, m)
			}
			net := s.Bits() - before.Bits()
			if q[m] > 1e-4 { // rarer ones are rounded up to a part of the total
				if want := w.TwoPart(m) + math.Log2(q[m]); math.Abs(net-want) > .05 {
					t.Errorf("%s: member %d: net %.4f bits, want %.4f", c.name, m, net, want)
				}
			}
			expected += q[m] * net
			back, err := codec.Decode(s, len(x))
			if err != nil || !slices.Equal(back, x) {
				t.Errorf("%s: member %d: other data came back (%v)", c.name, m, err)
			}
			if !s.Equal(before) {
				t.Errorf("%s: member %d: other bits came back", c.name, m)
			}
		}
		if want := w.NegELBO(q); math.Abs(expected-want) > .05 {
			t.Errorf("%s: expected net %.4f bits, -ELBO %.4f", c.name, expected, want)
		}
	}
}

// TestRandomStacks lets the stack choose.
func TestRandomStacks(t *testing.T) {
	c := markov(t, 5)
	codec, err := New(c, uniform(5))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 0))
	chosen := map[int]bool{}
	for i := range 300 {
		x := order2(uint64(i), 100)
		before := randomStack(r, 2+i%20)
		s := before.Clone()
		m, err := codec.Encode(s, x)
		if err != nil {
			t.Fatal(err)
		}
		chosen[m] = true
		back, err := codec.Decode(s, len(x))
		if err != nil || !slices.Equal(back, x) || !s.Equal(before) {
			t.Fatalf("stack %d: did not come back (%v)", i, err)
		}
	}
	if len(chosen) != 5 {
		t.Errorf("only %v were ever chosen", chosen)
	}
}

// TestChain packs several sequences on one stack, each choosing by the bits of
// those before.
func TestChain(t *testing.T) {
	c := markov(t, 4)
	codec, err := New(c, Posterior(c))
	if err != nil {
		t.Fatal(err)
	}
	first := NewStack([]uint32{1, 2, 3})
	s := first.Clone()
	const n, length = 20, 50
	for i := range n {
		if _, err := codec.Encode(s, order2(uint64(i), length)); err != nil {
			t.Fatal(err)
		}
	}
	for i := n - 1; i >= 0; i-- {
		x, err := codec.Decode(s, length)
		if err != nil || !slices.Equal(x, order2(uint64(i), length)) {
			t.Fatalf("sequence %d did not come back (%v)", i, err)
		}
	}
	if !s.Equal(first) {
		t.Error("the first bits did not come back")
	}
}

func TestEmptyStack(t *testing.T) {
	c := markov(t, 4)
	codec, err := New(c, uniform(4))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := codec.Encode(NewStack(nil), order2(1, 10)); !errors.Is(err, ErrEmpty) {
		t.Errorf("error %v, want %v", err, ErrEmpty)
	}
}

// FuzzDecode: any stack decodes to something or to an error, and what decoded
// encodes to the same stack.
func FuzzDecode(f *testing.F) {
	f.Add(uint32(1), uint32(2), uint32(3), 5)
	f.Add(uint32(0), ^uint32(0), uint32(0), 60)
	c := markov(f, 3)
	codec, err := New(c, Posterior(c))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, b, d uint32, n int) {
		if n < 0 || n > 200 {
			return
		}
		before := NewStack([]uint32{a, b, d, a ^ d, b ^ d, d, b, a})
		s := before.Clone()
		x, err := codec.Decode(s, n)
		if err != nil {
			return
		}
		if _, err := codec.Encode(s, x); err != nil || !s.Equal(before) {
			t.Errorf("%d symbols: not the same stack (%v)", n, err)
		}
	})
}
