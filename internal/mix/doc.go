// Package mix combines the opinions of many predictors on one binary decision
// into one probability, in integers.
//
// An opinion is a stretch, ln(p/(1-p)). A Mixer adds opinions under weights that
// it learns online by the gradient of the code length (logistic mixing): p =
// squash(sum w_i x_i), then w_i += rate * x_i * (bit - p). Several weight vectors
// look at every decision, each chosen by a small context of its own, and a second
// layer mixes what they say, in several ways whose results are averaged. An APM corrects the result by experience, and a Map
// is an adaptive probability.
//
// All arithmetic is on integers with written rounding (>> rounds down), so the
// same decisions give the same probabilities on every machine. The package must
// not know what the opinions are about.
//
// # Stretch and squash
//
// Probabilities are integers, p / 2^32. A stretch is in 1/65536 nat, within +-12
// nats, or as an input of a mixer in 1/256 nat.
//
// Squash of s in 1/65536 nat, cut at +-12 nats, interpolates a table with a step
// of 1/32 nat: with u = s + 12*65536, i = u >> 11 and f = u mod 2^11 it is T[i] +
// (((T[i+1]-T[i])*f) >> 11). In the table T[384+k] = min(Q(k), 2^32-1) for k = 0
// to 385, and T[384-k] = 2^32 - T[384+k] for k = 0 to 384, where Q(k) =
// floor(2^95 / (2^63 + floor(e/2))), e being 2^64-1 for k = 0 and floor(e' *
// 17879197424118840458 / 2^64) for the next k, e' the e of k before it.
//
// Stretch of a probability sees its upper 12 bits i and is, in 1/256 nat, the
// smallest s >= -3072 with squash(256*s + 128) >= i*2^20 + 2^19.
//
// # Map
//
// An entry is a probability of 22 bits, p, above a count n of 10 bits. A decision
// makes p = p + ((bit*2^22 - p) * R(n) >> 16), R(n) = floor(2^17/(2n+3)), and n
// one more while it is below the limit of the map. As a probability / 2^32 the
// entry is the 32-bit number p*2^10 + n; one that begins with a probability and a
// count gives the last ten bits of the one up for the other.
//
// # Mixer
//
// A mixer has N inputs x, filled up with zeros. Its first layer has sets of
// vectors of N weights, in 2^-22, within +-(2^25-1). From each set one vector w
// is selected for a decision, which says d = the sum over i of ((w[i] >> 6) *
// x[i] >> 8), in 32 bits, cut at +-12 nats. Its second layer has sets of vectors with a
// weight f for each set of the first, in 2^-16. From each set one is selected, which
// says the sum over sets of d*f, >> 16, cut at +-12 nats. The result is the mean of what
// these say, rounded towards 0, and its squash is the probability.
//
// After the decision, with the target y = bit*(2^32-1): for every selected vector of the
// second layer, q being the squash of what it said, and every set of the first f = f
// + ((((d*((y-q) >> 16)) >> 16)*130 + 2^15) >> 16); then a step e = ((y -
// squash(d)) * rate) >> 25, and for all i w[i] = w[i] + ((x[i]*e + 256) >> 9) in
// 32 bits, cut at the limits. The rate is that of the n decisions that the
// selected vector had learned from, n at most 16383: with m = n rounded down to a
// multiple of 16, Last + floor((First-Last)*Half / (Half+m)).
//
// # APM
//
// An APM has a curve of 17 points of 16 bits in each of its contexts, 1.5 nats
// apart from -12 nats on. At first each is the squash of its place, >> 16, at
// most 65535. For a stretch s, u = s + 12*65536, i = floor(u/98304) and f = u mod
// 98304 (i = 15 and f = 98304 at the end), it gives floor((c[i]*(98304-f) +
// c[i+1]*f) * 2^16 / 98304) in 64 bits. A decision moves point i, or i+1 if f >=
// 49152: c = c + ((bit*65535 - c + bit*(2^r-1)) >> r), r being the rate.
package mix
