// Package source generates sequences whose probability is known: what a
// measured code length is compared with.
//
// The entropy rate of a source is what no code can beat on average; -log2 P(x)
// of the very sequence is what the source itself would pay, so that a difference
// to it is free of the luck of the draw, which is of the order of the square
// root of the length.
//
// All draws follow from a seed, on every machine alike. Rates and probabilities
// only measure: they may use math.Log and its kin.
// The package must not know codes.
package source

import "math/rand/v2"

// Source is a stationary source of symbols, or one of independent sentences.
type Source interface {
	Name() string
	// Alphabet is the number of symbols.
	Alphabet() int
	// Sample draws n symbols. A source of sentences draws whole ones, until
	// there are n symbols at least.
	Sample(seed uint64, n int) []int
	// Bits is -log2 P(x), exactly up to rounding; infinite if x is impossible.
	Bits(x []int) float64
	// Rate is the entropy rate in bits a symbol.
	Rate() float64
	// Text writes symbols as a file.
	Text(x []int) []byte
}

// random is the generator of a seed.
func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// All lists the sources of known rate, by name.
func All() []Source {
	return []Source{
		IID(.11), Markov(), Order2(), Tree(), HMM(), Even(), GoldenMean(), Zipf(1000), Dyck{.3}, Dyck{.45}, Grammar{},
	}
}

// Deterministic lists streams of rate zero: a program of a few bytes writes each.
func Deterministic() []Source {
	return []Source{Periodic(), ThueMorse(), Xorshift(), AES()}
}

// characters writes each symbol as one character.
func characters(x []int, letters string) []byte {
	b := make([]byte, len(x))
	for i, s := range x {
		b[i] = letters[s]
	}
	return b
}
