// Package kernel is the arithmetic of inference: matrix products, norms,
// softmax, exponentials, quantisation, and the door from logits to integer
// weights. Every result has the same bits on every CPU, whatever the variant,
// the batch, the tiling or the number of goroutines, because a coded file can
// be decoded only where they are the same. It must not know models, files or
// coding.
//
// # Contract
//
// What follows determines every bit; it can be written again in C from here.
//
// Numbers are IEEE 754 binary32 unless binary64 is said; operations round to
// nearest, ties to even; subnormal numbers are kept, in inputs and results. An
// operation written a*b, a+b, a/b, sqrt(a) rounds once, to binary32. FMA(a, b,
// c) is a*b+c rounded once. Nothing else is fused. RNE(x) is the nearest integer
// to x, ties to even. Inputs are finite and so are results; what happens with
// NaN and infinity is not defined. Integers are in two's complement and wrap.
//
// # Matrix products
//
// An output of the float32 product is acc after, for c = 0, 1, ... in order,
// acc = FMA(x[c], w[c], acc), from acc = +0.
//
// An output of the byte product is float32(xs*scale) * float32(acc), with acc
// the int32 sum of x[c]*w[c] for unsigned x and signed w, less Sum = 128 times
// the sum of w[c]; xs is the scale of the row of x, scale that of the row of w.
// First the scales are multiplied, then acc, converted to binary32 with
// rounding, is multiplied with their product.
//
// # Sums along a row
//
// Sums that are not dot products have the 16-lane order. Lane j, from +0, takes
// the elements j, j+16, j+32, ... in order, by FMA(x, x, lane) for sums of
// squares and by lane+x for plain sums. Then 15 additions: lane[i] += lane[i+8]
// for i < 8, lane[i] += lane[i+4] for i < 4, lane[i] += lane[i+2] for i < 2, and
// lane[0] + lane[1].
//
// # Exponential
//
// exp(x) is, with constants in C's hexadecimal notation:
//
//	x = min(max(x, -87), 88)
//	z = FMA(x, 0x1.715476p+0, 0x1.8p+23)
//	n = z - 0x1.8p+23
//	r = FMA(n, -0x1.62e430p-1, x)
//	r = FMA(n, 0x1.05c610p-29, r)
//	p = FMA(0x1.6a243ap-10, r, 0x1.1239e0p-7)
//	p = FMA(p, r, 0x1.5558f2p-5)
//	p = FMA(p, r, 0x1.555492p-3)
//	p = FMA(p, r, 0x1.fffffcp-2)
//	p = FMA(p, r, 1)
//	p = FMA(p, r, 1)
//
// and the result has the bits of p, as an integer, plus the bits of z shifted
// left by 23 (n times 2^23 modulo 2^32). It is a normal number.
//
// # Rows
//
//	RMSNorm    ss = sum of squares in the 16-lane order; r = 1 / sqrt(ss/n + eps);
//	           (x*r)*gain, or x*r without gain
//	Softmax    m = max; e = exp(x-m); k = 1 / (sum of e in the 16-lane order); e*k
//	SiluMul    s = 1 / (1 + exp(-g)); (g*s)*u
//	Rope       a' = FMA(a, cos, -(b*sin)); b' = FMA(b, cos, a*sin)
//	           for a = x[j], b = x[j+h], h half the length
//	Attention  x = Softmax(x)*w, then QuantizePos(x)
//	Adam       m += (g-m)*Rest1; v += (g*g-v)*Rest2;
//	           w -= (Rate*m) / (sqrt(v*Second) + Least)
//	Axpy       FMA(a, x, dst)
//	Scale      x*a
//	Exp        exp(x)
//	InverseRMS r of RMSNorm
//	Add, Mul   dst + x, dst*x
//	QuantizeU8 a = max|x|; q = RNE(x * (127/a)) + 128; scale = a/127
//	QuantizeS8 q = RNE(x * (127/a)); scale = a/127
//	QuantizePos a = max x; q = RNE(x * (255/a)); scale = a/255
//	           each with q that of 0, and scale 0, where a < 2^-100
//	Dequantize (a*scale) * float32(acc-bias)
//
// # The door
//
// Weights makes of n logits l, at most 2^20: m = max l; e = exp(l-m); s the sum
// of e in the 16-lane order; k = 2^31 / s; w = trunc(e*k) + 1 as an unsigned
// integer. The total is the exact sum of the w: 2^31 up to n and to the rounding
// of s. From here on all is integers.
//
// # Rotation angles
//
// RopeTable computes in binary64, each operation rounded once, nothing fused.
//
//	f_j = exp(((-2j)/headDim) * ln(base))        for j < headDim/2
//	cos, sin of pos*f_j, rounded to binary32     for pos < 2^20
//
// ln(x): x = 2^e * m with sqrt(1/2) <= m < sqrt(2), the bound being
// 0x1.6a09e667f3bcdp-1; s = (m-1)/(m+1); h by Horner in s*s with coefficients
// 1/23, 1/21, ..., 1/3, 1; the result e*H + (e*L + 2*(s*h)), where H =
// 0x1.62e42fefp-1, L = 0x1.473de6af278edp-34.
//
// exp(x): n = (x*0x1.71547652b82fep+0 + 0x1.8p+52) - 0x1.8p+52; r = (x - n*H) -
// n*L; Horner in r with coefficients 1/13!, 1/12!, ..., 1/2!, 1, 1; times 2^n.
//
// sin(x), cos(x): n = (x*0x1.45f306dc9c883p-1 + 0x1.8p+52) - 0x1.8p+52; r = (x -
// n*0x1.921fb544p+0) - n*0x1.0b4611a626331p-34; q = r*r; S by Horner in q with
// -1/11!, 1/9!, -1/7!, 1/5!, -1/3!; C with -1/10!, 1/8!, -1/6!, 1/4!, -1/2!; S =
// r + (r*q)*S; C = 1 + q*C. For n mod 4 = 0, 1, 2, 3 the sine is S, C, -S, -C and
// the cosine C, -S, -C, S.
//
// Horner in x is p = p*x + c from the first coefficient on. Coefficients are
// rounded to binary64.
//
// # Variants
//
// The portable variant is plain Go and the definition of the others, which are
// in assembly and chosen at run time: see Variants, Use and KOLM_KERNEL. Build
// tag purego leaves the portable one alone. An architecture adds its variants by
// a function variants in a file of its own; it overrides primitives of the
// portable variant, and tiles.go turns tiles into matrix products. SelfTest
// compares the active variant with a known answer.
package kernel
