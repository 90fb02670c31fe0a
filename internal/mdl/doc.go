// Package mdl holds codes on sets of models small enough to be taken whole:
// every member is evaluated, so that what is elsewhere bounded or sampled is
// here computed, and the identities of the minimum description length principle
// can be checked to the last digit.
//
// A [Class] is such a set with a prior w(m), a [Predictor] one member at work on
// a sequence. [Weigh] evaluates all members on one sequence x and gives
//
//	evidence   -log2 sum_m w(m) p_m(x)         the mixture's code length
//	two-part   -log2 w(m) - log2 p_m(x)        name a member, then code with it
//	-ELBO      E_Q[-log2 p_m(x)] + KL(Q || w)  the variational bound, for any Q
//	gap A      KL(Q || posterior)              = -ELBO - evidence
//
// Classes are Markov chains of orders 0 to k ([Markov]), all context trees up to
// a depth ([Trees], and [CTW], which mixes them without listing them) and all
// small unifilar automata ([Automata]). [NML], [KT] and [Laplace] are the
// classical codes of a single Bernoulli parameter; [FixedShare] and [Switch]
// follow the best of several experts when it changes.
//
// Predictions are ratios of integers, so that evidence and posterior also come
// as exact rationals, and bits back (package bitsback) works without a float.
// Bits are base 2 throughout; a sequence is a slice of symbols 0 <= s < alphabet.
//
// The package must not know transformers, files or where sequences come from.
package mdl
