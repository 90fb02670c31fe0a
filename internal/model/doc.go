// Package model runs a decoder-only transformer of the Qwen3 architecture:
// configuration, weights, the forward pass and the output table. It must not
// know files or coding.
//
// # Arithmetic
//
// Everything below is float32, rounded to nearest even after each operation
// that is written; the primitives with names are those of internal/kernel,
// which defines them to the bit. Products of int8 numbers are summed exactly.
// So the result depends on the weights and on the tokens of the stream alone,
// never on the CPU, the kernel variant, or how streams and tokens are batched.
// The version of this text is Numerics, 1.
//
// Notation: d is Dim, hd HeadDim, W Window, eps Eps; q(x) is QuantizeU8 of a
// row x, which gives bytes (zero at 128) and a scale s; M·q(x) is I8.MatMul, whose
// output r is (s*scale[r]) * float32(sum), the sum that of the exact products of
// the signed weights of row r with the bytes less 128.
//
// Weights. Each row of a matrix is int8 with a scale. Rows that come in float32
// are rounded by Quantize.
//
// Token t at position p of its stream (0, 1, ...; see State):
//
//  1. x = float32(embed[t]) * scale[t], elementwise.
//  2. For each layer: a. x = x + attention(x), b. x = x + feedforward(x), as below.
//  3. h = RMSNorm(x, output norm, eps) is the result. The logits are output·q(h).
//
// The attention block:
//
//  1. y = RMSNorm(x, attention norm, eps); query, key, value = Q·q(y), K·q(y),
//     V·q(y), with one q(y) for the three.
//  2. Every query head and every key head: RMSNorm(head, query or key norm,
//     eps), then Rope with cos and sin of RopeTable.At(p).
//  3. Every key head is stored as bytes, k, by QuantizeS8 with scale ks, in slot p
//     mod W of its ring, and every value head likewise as v with scale vs. What
//     was in the slot is lost.
//  4. Query head a uses key and value head g = a / (Heads/KVHeads), and the
//     slots t = 0 .. n-1 with n = min(p+1, W), in the order of the slots:
//     (u, s) = QuantizeU8(query head); s = s * float32(1/sqrt(hd)), the root and
//     the quotient in float64;
//     score[t] = (s*ks[t]) * float32(sum over hd of (u-128) * k[t]);
//     prob = Softmax(score);
//     prob[t] = prob[t] * vs[t];
//     (b, ps) = QuantizePos(prob), bytes from 0 to 255;
//     out[j] = (ps*1) * float32(sum over t of b[t] * v[t][j]).
//  5. The outputs of the query heads side by side are one row, o; the block adds
//     O·q(o).
//
// The feed-forward block:
//
//  1. y = RMSNorm(x, feed-forward norm, eps); gate, up = Gate·q(y), Up·q(y), with
//     one q(y) for the two.
//  2. a = SiluMul(gate, up); the block adds Down·q(a).
package model
