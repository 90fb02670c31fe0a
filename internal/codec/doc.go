// Package codec turns one block of plain bytes into a payload and back.
// Encoder and decoder run the same predictor over the same decisions. The
// package must not know files, framing or checksums (internal/container), nor
// the command line.
//
// # Methods
//
// A block is stored (the payload is its plain bytes), filled (the payload is
// the one byte that repeats), coded by adaptive contexts alone, or coded by
// contexts mixed with a language model, in many streams ("model") or in a
// single one ("single"). As numbers these methods are 0 to 4. Which one an
// encoder chooses is its own affair; the decoder obeys the method. The last
// three begin with an empty memory at every block. Every byte is eight
// decisions, highest bit first, and every decision goes through one arithmetic
// coder (internal/coder) with the probability that the predictor gives it
// (internal/context, internal/mix).
//
// # Line ends
//
// The first decision of a coded payload, of probability 2^28 / 2^32, says
// whether line ends were changed. If it is one, the number of lines follows, at
// least 1 and at most h, half the plain length rounded down: as many decisions
// of probability 2^31 / 2^32 as h has bits, highest bit first. The text that is
// coded is then the block without the CR before each of its LFs, each of which
// had one.
//
// # Sets of contexts
//
// Without a language model the next decision, of probability 2^31 / 2^32, says
// whether the fast set of contexts is used. If it is zero, and with a model, one
// more such decision follows: zero for the plain set, one for the rich one, which
// is for structured text.
//
// # Streams
//
// A text of n bytes of the method "model" is coded as s streams, s the largest
// of 1, 2, 4, 8, 16 with n/s >= 12288, or 1 for shorter texts; of the others
// that are coded it is one stream. Stream i is a contiguous piece: the first n
// mod s streams hold one byte more than the others, which hold n/s rounded
// down. 16 streams are four groups of four, 8, 4 and 2 streams are two groups,
// each of streams that follow one another; a single stream is one group.
//
// Each stream is tokens of its own. The model reads the separator first, at
// position 0 of each stream, then the stream's tokens. A step of a group codes
// one token of each of its unfinished streams, in order; the groups take turns,
// in order, until all streams are finished; a finished group is passed over.
// All decisions of all streams go through one coder, one set of context tables
// and one mixer, in that order.
//
// The body of the transformer depends on the tokens of its own stream alone. So
// the body of one group may be computed while another group is coded; nothing
// else may be reordered.
//
// # A single stream
//
// The text of a block of the method "single" is one stream, whatever its
// length. The adapted table learns at a rate of 3/64 instead of 1/32, from rows
// of w[v] > 2^20 instead of 2^23. A decision of probability 2^31 / 2^32 behind
// that on structured text says whether the body learns. If it does not, all is
// as with one stream of the method "model".
//
// If it does, there is a second body, which begins as the masters of
// internal/learn, each row rounded by QuantizeS8, its input table as the
// model's own, with an adapted table of its own, and both bodies read each
// token. The opinion of the second body's adapted table takes the place of the
// adapted one below, and that of the first body's is heard as a third. Both
// tables learn from each token, each with its own weights and final state.
//
// The tokens of the stream, the separator before the first, are numbered from
// 0. Let c be the smaller of 192 and the window. Whenever the last of the
// tokens c*k + 1 to c*k + c is coded, k from 0, and the stream is not finished,
// the learner takes one step: its batch is the one sequence of the tokens c*k
// to c*k + c - 1, each with the token behind it as its target, its output table
// the second body's adapted table in float32 (int8 * scale where it was never
// changed), its rows in the order of the tokens' numbers, all its rates
// float32(0.0002). The second body's matrices, gains and the rows of its input
// table that moved become those of the masters, rounded likewise. Keys and
// values already computed stay.
//
// # Output heads
//
// The rank of a token is its place in the order of the tokens' bytes (bytewise, a
// prefix before what it begins). The separator has no bytes and, as a row of the
// tables below, comes last. No two tokens have the same bytes.
//
// At the beginning of a step two output tables, their rows in order of ranks,
// turn the final states of the group's streams into logits: the static one, which
// is the model's, and the adapted one, which is the model's at the beginning of
// a block. Weights makes each stream's logits integers, w, and PrefixSum their
// sums, cum.
//
// After each token, unless its w[y] >= 6 * 2^28, the adapted table takes a step
// down the gradient of the code length, with the weights w that the token was
// coded with, the final state h and the rank y of the token: for each row v in
// order with w[v] > 2^23 or v = y, g = float32(w[v]) * 2^-31, less 1 where v =
// y; row v becomes FMA(-(g*rate), h, row v) in float32, the rate being 1/32,
// and its int8 numbers and scale are QuantizeS8 of it. The float32 row is int8
// * scale when it is first changed in a block. Logits that are already computed
// stay.
//
// # Decisions
//
// A token is coded as a walk over ranges of ranks, beginning with all but that of
// the separator, which is never coded. At a range [lo, hi) of tokens that agree in
// their first d bytes and in the first k bits of the next byte:
//
//   - if k = 0, d > 0 and the token of rank lo has exactly d bytes, the decision is
//     the flag, one if the token ends here, and mid = lo+1;
//   - else the decision is bit k of byte d, and mid is the first rank where it is
//     one.
//
// The walk goes on with [lo, mid) or [mid, hi). A decision with an empty side is
// not coded. A range of one rank ends the walk, so n tokens make n-1 decisions. A
// token longer than what is left of its stream is an error.
//
// A head's opinion on a decision is the stretch ln(a/b), where a =
// cum[hi]-cum[mid] and b = cum[mid]-cum[lo], computed as (L(a)-L(b)+128) >> 8
// in 1/256 nat, cut at 12 nats and, at a flag, negated after that. L(x) is a
// logarithm in 1/65536 nat: with x = 2^e * f, 1 <= f < 2, and i =
// floor(1024*(f-1)), L(x) = 45426*e + T[i]; T[i] is floor(l * 45426 / 2^32)
// with l = log2(1 + (2i+1)/2048) in 1/2^32, found by 32 squarings of a 31-bit
// fraction, rounded down.
//
// The predictor also hears the confidence floor((min(max(adapted opinion, -2304),
// 2304) + 2304) * 12 / 4609), and the number of decisions coded in this token so
// far, at most 15.
//
// # Prediction
//
// A mixer (internal/mix) takes the inputs of internal/context and, with a
// language model, the opinions of the static and of the adapted head, and a third
// opinion, which is 0 unless the body learns. A decision
// on a bit has a node, as internal/context says. The sets of weights, and what
// selects a vector of each, are
//
//	match    20      5*match + known
//	node     256     the node
//	last     256     the last byte
//	kinds    4096    the classes of the last three bytes
//	opinion  260     20*confidence + 5*match + known
//	depth    272     16*depth + the class of the last byte
//	field    32      min(field, 31)
//	expected 441     expected
//
// opinion and depth only with a model, field and expected only with the rich
// set. With the fast set there are node and kinds alone. The second layer has a
// set of 20 vectors, selected by 5*match + known; except with the fast set also
// one of 256, by the classes of the last two bytes, the last one lowest; and
// with the rich set also one of 441, by expected. Match, known, classes and
// fields are those of internal/context, as is expected. A mark is a flag. Its
// mixer has the inputs of marks and the opinions as above; the sets are
// opinion, 193, by 16*confidence + depth, and last, 256; the second layer has
// one vector, and its result is the probability of the flag.
//
// The rate of a mixer has First 1000, Last 60, Half 300; with the rich set and
// no model Last is 120. The first weights are in internal/codec/start.txt,
// which is part of the format: a line has the mixer (fast, plain, rich, each
// after its set of contexts, lm and lm-rich with a model, flag for flags), the
// set, and the weights that each vector of the set begins with, in the order of
// the inputs, in 2^-10, those of the third opinion being 0; a line "second" has
// those of the second layer, in 2^-16, in the order of the sets, with which
// each of its vectors begins.
//
// The probability p of a bit is corrected by APMs of rate 5, or 7 in a block
// with a model, each asked with the
// mixer's stretch: A in the context 256*last + node; B in 256*(classes of the two
// bytes before the last, the nearer one lowest) + node; and with a model C in
// (16*confidence + depth)*4 + match. The result is (2p + 3A + 3B) >> 3, or (3p +
// 2A + B + 2C) >> 3 with a model, and at least 2^10 and at most 2^32-2^10, as is
// the probability of a flag. All that has given an input or a probability then
// learns the decision.
package codec
