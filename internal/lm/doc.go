// Package lm runs decoder-only transformers of many architectures in float32,
// for reading models: scoring text, looking inside, editing. A Config says which
// features an architecture has. It must not know files or formats, and it is not
// for coding: for that internal/model has the arithmetic that gives the same bits
// on every machine. Here the same machine gives the same bits, whatever the
// number of threads, the size of the batch, and the taps.
//
// # The forward pass
//
// Token t at position p, in float32; Norm is RMSNorm or LayerNorm, * elementwise,
// and every matrix may have a bias. Names in brackets are the points where a Tap
// sees the rows (see Point).
//
//	x = EmbedScale * embed[t] (+ positions[p])                           [Embedding]
//	for each layer:
//	    y = Norm(x)                                                     [AttnInput]
//	    q, k, v = Q y, K y, V y; Norm of each head of q and k where the
//	        architecture has it; Rope(q, p), Rope(k, p)
//	    score = cap(QueryScale * q·k) over the positions in the window;
//	        the output of a head is the mean of v, weighted by softmax(score)  [Heads]
//	    a = O heads; a = Norm(a) where the architecture has it          [AttnOutput]
//	    x = x + a                                                       [Middle]
//	    y = Norm(x)                                                     [FFNInput]
//	    g = Gate y, u = Up y                                            [Gate], [Up]
//	    c = act(g) * u; without a gate act(u)                           [Coefficients]
//	    f = Down c; f = Norm(f) where the architecture has it           [FFNOutput]
//	    x = x + f                                                       [Residual]
//	h = Norm(x)                                                         [Final]
//	logits = cap(Output h)
//
// cap(z) is C tanh(z/C), with C AttnCap or LogitCap, and nothing where that is 0.
// With experts the feed-forward part runs once for each of the ExpertsUsed experts
// with the largest softmax(Router y), and f is their sum with those weights.
//
// The columns of Down are the values, and the rows of Gate and Up the keys, of
// the feed-forward part seen as a memory; Coefficients are what the values are
// multiplied with.
package lm
