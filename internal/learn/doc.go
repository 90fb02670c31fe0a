// Package learn is online learning in exact arithmetic: it moves the weights of
// a model of package model down the gradient of the code length of text that is
// already known, and gives the same bits on every CPU, with any number of
// threads. So a decoder can learn what its encoder learned. It must not know
// files or coding. Training that nobody replays is package train's, which is
// faster and free in its arithmetic.
//
// # Arithmetic
//
// As in package model, everything is float32, rounded after each operation that
// is written, and the primitives with names are those of internal/kernel, which
// defines them to the bit. x·y for matrices is a chain of fused multiply-adds
// from +0 for each number of the result, in the order of the index that is
// summed. D(x, y), for rows, is the sum of the products in binary64: element i
// goes to lane i mod 4, from +0, and the lanes are added as (0+2) + (1+3); it is
// then rounded to binary32.
//
// Notation: c is the configuration, d is Dim, hd HeadDim; R rows are the tokens
// of a batch's sequences, one sequence after another; n the tokens of one
// sequence. N(x) is the row x * r with r = InverseRMS(x, eps). N'(g; y, r) is r *
// (g - y * m) with m = D(g, y) / len(y).
//
// Masters. Each int8 matrix of the body begins as int8 * scale, matrices that
// read one row on top of each other: qkv (query, key, value), out, gateUp, down.
// Columns of qkv and gateUp are then multiplied with the gains of the norm before
// them, which is without gain from then on. Gains of query and key heads and the
// rows of the input table are masters too. The gain of the output norm, g, and
// the output table, E, are given.
//
// # Forward
//
// For each sequence, its first token at position 0: x = input[token]. For each
// layer:
//
//	h1 = N(x); qkv = h1·qkv^T
//	each query and key head: y = (N(head) * gain), then Rope
//	q' = query * float32(1/sqrt(hd)); p = q'·keys^T; row t is Softmax of its
//	first t+1 numbers, then zeros; out of the head = p·values
//	x = x + heads·out^T
//	h2 = N(x); gate, up = h2·gateUp^T; a = SiluMul(gate, up); x = x + a·down^T
//
// and at last y = N(x). A head's keys and values are those that model gives it.
// Sequences are no longer than the window.
//
// # Backward
//
// S is the number of targets in the batch. At each token with a target t: e =
// Softmax((y*g)·E^T), less 1 at t; without one e = 0. dx = N'(((e·E) * (1/S)) *
// g; y, r). From the last layer to the first:
//
//	grad down = dx^T·a; da = dx·down
//	s = 1/(1 + exp(-gate)); u = gate*s
//	dgate = (da*up) * (s + u*(1-s)); dup = da*u
//	grad gateUp = (dgate, dup)^T·h2; dh = (dgate, dup)·gateUp
//	dx = dx + N'(dh; h2, r)
//	grad out = dx^T·heads
//	do = dx·out; for each query head, from the first:
//	  dp = do·values^T; dvalues += p^T·do
//	  row t: z = (p * (dp - D(dp, p))) * float32(1/sqrt(hd)) for its first t+1
//	  numbers, then zeros
//	  dquery = z·keys; dkeys += z^T·query
//	each query and key head: Rope by the sines with other signs; y = N(head);
//	  dgain += g*y; g = N'(g*gain; y, r)
//	grad qkv = dheads^T·h1; dh = dheads·qkv; dx = dx + N'(dh; h1, r)
//
// The sums += begin at +0 and go over heads and positions in order; dgain of the
// sequences are added in order of the sequences. The rows of the input table
// take the sums of the dx at their tokens, in the order of R.
//
// # Step
//
// All masters move after the last gradient, by Adam: with k the number of steps,
// this one counted, and the moments m and v, +0 at first,
//
//	m = m + (g - m) * 2^-3
//	v = v + (g*g - v) * 2^-6
//	w = w - ((rate*f1) * m) / (sqrt(v*f2) + 2^-30)
//
// where f1 = 1/(1 - (7/8)^k) and f2 = 1/(1 - (63/64)^k), in binary64 with powers
// by repeated multiplication, are rounded to binary32. Rows of the input table
// that do not occur in the batch stay, and so do their moments.
//
// The int8 matrices that a model computes with are QuantizeS8 of the rows.
package learn
