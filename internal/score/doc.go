// Package score weighs texts in bits under language models: -log2 of the
// probability that a model gives to a text, token by token. What it prints is
// computed, not decoded; package codec makes files. It must not know files or the
// command line.
//
// # Rules
//
// A model sees a window of tokens at a time. A Rule says where windows begin, what
// stands before their first token, and which of their tokens are scored. [Every]
// scores every token once, so that the bits are those of the whole text. The others
// repeat what programs do whose figures people quote, as their sources state it:
//
//	llama.cpp    (tools/perplexity) disjoint windows; the first token of each is
//	             replaced by BOS if the model wants one; the second half is scored,
//	             the rest and the tail of the text are not.
//	harness      (lm-evaluation-harness, rolling log-likelihood) every token once; BOS,
//	             else EOS, before the first window; each later window begins with the
//	             last token of the one before; the last is moved back to a full one.
//	hf           (Hugging Face's guide to perplexity of fixed-length models) windows
//	             that advance by a stride; of each the tokens that are new are scored;
//	             the first token never. Its mean weighs a window by one token less
//	             than are new in it.
//
// # Figures
//
// Bits a byte is the bits of the scored tokens over the bytes of the text that they
// stand for. Intervals come from a bootstrap over blocks of neighbouring bytes (H. R.
// Künsch, "The jackknife and the bootstrap for general stationary observations",
// 1989; here the blocks do not overlap): the surprises of neighbouring tokens are not
// independent, so that an interval from single tokens would be too narrow. They say
// how the figure would vary over texts of the same kind.
//
// All sums are taken in the order of the text: the figures do not depend on how many
// windows are computed at once.
package score
