package source

import (
	"fmt"
	"math"
)

// newline ends a sentence of Dyck and Grammar.
const newline = 2

// Dyck draws balanced brackets by S -> ( S ) S with probability Open, else
// nothing, a line each. Every symbol is one decision, so that the probability of
// a text is plain although no finite-state source equals it.
type Dyck struct{ Open float64 }

// Name is the source's name.
func (d Dyck) Name() string { return fmt.Sprintf("dyck %v", d.Open) }

// Alphabet: open, close, end of line.
func (d Dyck) Alphabet() int { return 3 }

// Sample draws whole lines until there are n symbols.
func (d Dyck) Sample(seed uint64, n int) []int {
	r := random(seed)
	var x []int
	for depth := 0; ; {
		switch {
		case r.Float64() < d.Open:
			x = append(x, 0)
			depth++
		case depth > 0:
			x = append(x, 1)
			depth--
		default:
			x = append(x, newline)
			if len(x) >= n {
				return x
			}
		}
	}
}

// Bits is -log2 P(x).
func (d Dyck) Bits(x []int) float64 {
	bits, depth := 0.0, 0
	for _, s := range x {
		p := 1 - d.Open
		switch {
		case s == 0:
			p = d.Open
			depth++
		case s == 1 && depth > 0:
			depth--
		case s == 1, depth > 0:
			return math.Inf(1)
		}
		bits -= math.Log2(p)
	}
	return bits
}

// Rate is the entropy of one decision: every symbol, ends of lines included, is one.
func (d Dyck) Rate() float64 { return -xlog2(d.Open) - xlog2(1-d.Open) }

// Text writes brackets and line ends.
func (d Dyck) Text(x []int) []byte { return characters(x, "()\n") }

// StringEntropy is the entropy of one line in bits.
func (d Dyck) StringEntropy() float64 { return d.Rate() / (1 - 2*d.Open) }

// MeanLength is the mean number of brackets on a line.
func (d Dyck) MeanLength() float64 { return 2 * d.Open / (1 - 2*d.Open) }

// Grammar draws sentences of the context-free grammar S -> S S | a | b with
// probabilities .4, .5, .1, a line each. It is ambiguous: a string has as many
// derivations as its leaves have bracketings, and its probability is their sum.
type Grammar struct{}

const (
	ruleSplit = .4
	ruleA     = .5
	ruleB     = .1
)

// Name is the source's name.
func (Grammar) Name() string { return "grammar" }

// Alphabet: a, b, end of line.
func (Grammar) Alphabet() int { return 3 }

// Sample draws whole lines until there are n symbols.
func (Grammar) Sample(seed uint64, n int) []int {
	r := random(seed)
	var x []int
	for open := 1; ; { // open counts the S that wait to be derived
		switch u := r.Float64(); {
		case u < ruleSplit:
			open++
			continue
		case u < ruleSplit+ruleA:
			x = append(x, 0)
		default:
			x = append(x, 1)
		}
		if open--; open > 0 {
			continue
		}
		if x = append(x, newline); len(x) >= n {
			return x
		}
		open = 1
	}
}

// Bits is -log2 P(x), summed over derivations: with n leaves those are
// Catalan(n-1), all of the same probability. It is infinite unless x is whole lines.
func (Grammar) Bits(x []int) float64 {
	bits, leaves := 0.0, 0
	for _, s := range x {
		switch {
		case s == 0:
			bits -= math.Log2(ruleA)
			leaves++
		case s == 1:
			bits -= math.Log2(ruleB)
			leaves++
		case leaves == 0:
			return math.Inf(1)
		default:
			bits -= logCatalan(leaves-1) + float64(leaves-1)*math.Log2(ruleSplit)
			leaves = 0
		}
	}
	if leaves > 0 {
		return math.Inf(1)
	}
	return bits
}

// logCatalan is log2 of the number of binary trees with n inner nodes.
func logCatalan(n int) float64 {
	a, _ := math.Lgamma(float64(2*n + 1))
	b, _ := math.Lgamma(float64(n + 1))
	return (a-2*b)/math.Ln2 - math.Log2(float64(n+1))
}

// DerivationEntropy is the entropy of the derivation of one line in bits, more
// than that of the line, which does not tell its derivation.
func (Grammar) DerivationEntropy() float64 {
	rules := -xlog2(ruleSplit) - xlog2(ruleA) - xlog2(ruleB)
	return rules / (1 - 2*ruleSplit)
}

// StringEntropy is the entropy of one line in bits.
func (g Grammar) StringEntropy() float64 {
	h := g.DerivationEntropy()
	leaf := math.Log2(ruleA + ruleB)
	for n := 1; n < 4000; n++ { // the n-th term falls as .96^n
		log := logCatalan(n-1) + float64(n-1)*math.Log2(ruleSplit) + float64(n)*leaf
		h -= math.Exp2(log) * logCatalan(n-1)
	}
	return h
}

// MeanLength is the mean number of letters on a line.
func (Grammar) MeanLength() float64 { return (ruleA + ruleB) / (1 - 2*ruleSplit) }

// Rate is the entropy of a line shared by its symbols, the end of line included.
func (g Grammar) Rate() float64 { return g.StringEntropy() / (g.MeanLength() + 1) }

// Text writes letters and line ends.
func (Grammar) Text(x []int) []byte { return characters(x, "ab\n") }
