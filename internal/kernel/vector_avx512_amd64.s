//go:build !purego

#include "textflag.h"

// Row functions for AVX-512. Each is a body on 16 elements:
//
//	AX  byte offset into the rows   CX  elements left
//	K1  the elements of this round  Z0  the value at hand
//	Z1  accumulator or a factor     Z16-Z27 constants of exp
//
// EACH16 runs the body with plain loads and stores and then, for the last
// elements, with masked ones, where the others read as zeros.

#define LD(at, z) VMOVUPS at, z
#define ST(z, at) VMOVUPS z, at
#define LDK(at, z) VMOVUPS.Z at, K1, z
#define STK(z, at) VMOVUPS z, K1, at

// The low bytes of 16 integers.
#define STB(z, at) \
	VPMOVDB Z0, X0;   \
	VMOVDQU8 X0, at
#define STBK(z, at) \
	VPMOVDB Z0, X0;       \
	VMOVDQU8 X0, K1, at

#define EACH16(body, st, stk) PASS16(body, st, stk, loop, tail, done)

// PASS16 is EACH16 with labels, for functions of several passes.
#define PASS16(body, st, stk, loop, tail, done) \
	XORL AX, AX;          \
	KXNORW K1, K1, K1;    \
	SUBQ $16, CX;         \
	JLT tail;             \
loop:                     \
	body(LD, st);         \
	ADDQ $64, AX;         \
	SUBQ $16, CX;         \
	JGE loop;             \
tail:                     \
	ADDQ $16, CX;         \
	JZ done;              \
	MOVL $-1, R8;         \
	BZHIL CX, R8, R8;     \
	KMOVW R8, K1;         \
	body(LDK, stk);       \
done:

// TREE reduces the lanes of Z1 in the written order into X1.
#define TREE(op) \
	VEXTRACTF64X4 $1, Z1, Y2; \
	op Y2, Y1, Y1;            \
	VEXTRACTF128 $1, Y1, X2;  \
	op X2, X1, X1;            \
	VMOVHLPS X1, X1, X2;      \
	op X2, X1, X1;            \
	VMOVSHDUP X1, X2;         \
	op X2, X1, X1

#define EXPLOAD \
	VBROADCASTSS ·expTable+0(SB), Z16;  \ // min
	VBROADCASTSS ·expTable+4(SB), Z17;  \ // max
	VBROADCASTSS ·expTable+8(SB), Z18;  \ // log2 e
	VBROADCASTSS ·expTable+12(SB), Z19; \ // rounding
	VBROADCASTSS ·expTable+16(SB), Z20; \ // -ln 2, high part
	VBROADCASTSS ·expTable+20(SB), Z21; \ // -ln 2, low part
	VBROADCASTSS ·expTable+24(SB), Z22; \ // coefficients 6 to 2
	VBROADCASTSS ·expTable+28(SB), Z23; \
	VBROADCASTSS ·expTable+32(SB), Z24; \
	VBROADCASTSS ·expTable+36(SB), Z25; \
	VBROADCASTSS ·expTable+40(SB), Z26; \
	VBROADCASTSS ·expTable+44(SB), Z27    // 1

// Z0 = exp(Z0); Z3, Z4 and Z5 are scratch.
#define EXP \
	VMAXPS Z16, Z0, Z0;       \
	VMINPS Z17, Z0, Z0;       \
	VMOVAPS Z19, Z3;          \
	VFMADD231PS Z18, Z0, Z3;  \ // z
	VSUBPS Z19, Z3, Z4;       \ // n
	VFMADD231PS Z20, Z4, Z0;  \
	VFMADD231PS Z21, Z4, Z0;  \ // r
	VMOVAPS Z23, Z5;          \
	VFMADD231PS Z22, Z0, Z5;  \
	VFMADD213PS Z24, Z0, Z5;  \
	VFMADD213PS Z25, Z0, Z5;  \
	VFMADD213PS Z26, Z0, Z5;  \
	VFMADD213PS Z27, Z0, Z5;  \
	VFMADD213PS Z27, Z0, Z5;  \
	VPSLLD $23, Z3, Z3;       \
	VPADDD Z3, Z5, Z0

// func maxAbsZ(x *float32, n int) float32
#define MAXABS(ld, st) \
	ld((SI)(AX*1), Z0);   \
	VPSLLD $1, Z0, Z0;    \
	VPSRLD $1, Z0, Z0;    \
	VMAXPS Z0, Z1, Z1
TEXT ·maxAbsZ(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VPXORD Z1, Z1, Z1
	EACH16(MAXABS, ST, STK)
	TREE(VMAXPS)
	VMOVSS X1, ret+16(FP)
	VZEROUPPER
	RET

// func maxZ(x *float32, n int) float32
#define MAX(ld, st) \
	ld((SI)(AX*1), Z0);     \
	VMAXPS Z0, Z1, K1, Z1
TEXT ·maxZ(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS (SI), Z1
	EACH16(MAX, ST, STK)
	TREE(VMAXPS)
	VMOVSS X1, ret+16(FP)
	VZEROUPPER
	RET

// func sumSqZ(x *float32, n int) float32
#define SUMSQ(ld, st) \
	ld((SI)(AX*1), Z0);     \
	VFMADD231PS Z0, Z0, Z1
TEXT ·sumSqZ(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VPXORD Z1, Z1, Z1
	EACH16(SUMSQ, ST, STK)
	TREE(VADDPS)
	VMOVSS X1, ret+16(FP)
	VZEROUPPER
	RET

// func expSumZ(dst, x *float32, n int, m float32) float32
#define EXPSUM(ld, st) \
	ld((SI)(AX*1), Z0);    \
	VSUBPS Z2, Z0, Z0;     \
	EXP;                   \
	st(Z0, (DI)(AX*1));    \
	VADDPS Z0, Z1, K1, Z1
TEXT ·expSumZ(SB), NOSPLIT, $0-36
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS m+24(FP), Z2
	VPXORD Z1, Z1, Z1
	EXPLOAD
	EACH16(EXPSUM, ST, STK)
	TREE(VADDPS)
	VMOVSS X1, ret+32(FP)
	VZEROUPPER
	RET

// func siluMulZ(dst, gate, up *float32, n int)
#define SILUMUL(ld, st) \
	ld((SI)(AX*1), Z6);   \
	ld((DX)(AX*1), Z7);   \
	VPXORD Z6, Z28, Z0;   \
	EXP;                  \
	VADDPS Z27, Z0, Z0;   \
	VDIVPS Z0, Z27, Z0;   \
	VMULPS Z0, Z6, Z0;    \
	VMULPS Z0, Z7, Z0;    \
	st(Z0, (DI)(AX*1))
TEXT ·siluMulZ(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ gate+8(FP), SI
	MOVQ up+16(FP), DX
	MOVQ n+24(FP), CX
	EXPLOAD
	VPTERNLOGD $0xff, Z28, Z28, Z28
	VPSLLD $31, Z28, Z28 // the sign bit
	EACH16(SILUMUL, ST, STK)
	VZEROUPPER
	RET

// func scaleZ(dst, x *float32, n int, r float32)
#define SCALE(ld, st) \
	ld((SI)(AX*1), Z0);  \
	VMULPS Z0, Z1, Z0;   \
	st(Z0, (DI)(AX*1))
TEXT ·scaleZ(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS r+24(FP), Z1
	EACH16(SCALE, ST, STK)
	VZEROUPPER
	RET

// func mulZ(dst, x *float32, n int)
#define MUL(ld, st) \
	ld((SI)(AX*1), Z0);  \
	ld((DI)(AX*1), Z1);  \
	VMULPS Z0, Z1, Z0;   \
	st(Z0, (DI)(AX*1))
TEXT ·mulZ(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	EACH16(MUL, ST, STK)
	VZEROUPPER
	RET

// func addZ(dst, x *float32, n int)
#define ADD(ld, st) \
	ld((SI)(AX*1), Z0);  \
	ld((DI)(AX*1), Z1);  \
	VADDPS Z0, Z1, Z0;   \
	st(Z0, (DI)(AX*1))
TEXT ·addZ(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	EACH16(ADD, ST, STK)
	VZEROUPPER
	RET

// func axpyZ(dst *float32, a float32, x *float32, n int)
#define AXPY(ld, st) \
	ld((SI)(AX*1), Z2);      \
	ld((DI)(AX*1), Z0);      \
	VFMADD231PS Z2, Z1, Z0;  \
	st(Z0, (DI)(AX*1))
TEXT ·axpyZ(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	VBROADCASTSS a+8(FP), Z1
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	EACH16(AXPY, ST, STK)
	VZEROUPPER
	RET

// func ropeZ(x, cos, sin *float32, h int)
#define ROPE(ld, st) \
	ld((SI)(AX*1), Z0);      \
	ld((DI)(AX*1), Z1);      \
	ld((DX)(AX*1), Z2);      \
	ld((BX)(AX*1), Z3);      \
	VMULPS Z3, Z1, Z4;       \
	VMULPS Z3, Z0, Z5;       \
	VFMSUB213PS Z4, Z2, Z0;  \
	VFMADD213PS Z5, Z2, Z1;  \
	st(Z0, (SI)(AX*1));      \
	st(Z1, (DI)(AX*1))
TEXT ·ropeZ(SB), NOSPLIT, $0-32
	MOVQ x+0(FP), SI
	MOVQ cos+8(FP), DX
	MOVQ sin+16(FP), BX
	MOVQ h+24(FP), CX
	LEAQ (SI)(CX*4), DI
	EACH16(ROPE, ST, STK)
	VZEROUPPER
	RET

// func quantizeZ(q *uint8, x *float32, n int, inv float32, zero int32)
#define QUANTIZE(ld, st) \
	ld((SI)(AX*1), Z0);  \
	VMULPS Z0, Z1, Z0;   \
	VADDPS Z2, Z0, Z0;   \
	VPADDD Z3, Z0, Z0;   \
	st(Z0, (DI));        \
	ADDQ $16, DI
TEXT ·quantizeZ(SB), NOSPLIT, $0-32
	MOVQ q+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS inv+24(FP), Z1
	VBROADCASTSS ·expTable+12(SB), Z2
	MOVL zero+28(FP), AX
	VPBROADCASTD AX, Z3
	EACH16(QUANTIZE, STB, STBK)
	VZEROUPPER
	RET

// func dequantZ(dst *float32, acc, bias *int32, n int, a float32, scale *float32)
#define DEQUANT(ld, st) \
	ld((SI)(AX*1), Z0);  \
	ld((DX)(AX*1), Z2);  \
	ld((BX)(AX*1), Z3);  \
	VPSUBD Z2, Z0, Z0;   \
	VCVTDQ2PS Z0, Z0;    \
	VMULPS Z3, Z1, Z3;   \
	VMULPS Z0, Z3, Z0;   \
	st(Z0, (DI)(AX*1))
TEXT ·dequantZ(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ acc+8(FP), SI
	MOVQ bias+16(FP), DX
	MOVQ n+24(FP), CX
	VBROADCASTSS a+32(FP), Z1
	MOVQ scale+40(FP), BX
	EACH16(DEQUANT, ST, STK)
	VZEROUPPER
	RET

// func weightsZ(w *uint32, e *float32, n int, k float32) uint32
// Z4 is -1 in each lane: subtracted, it adds 1.
#define WEIGHTS(ld, st) \
	ld((SI)(AX*1), Z0);     \
	VMULPS Z0, Z2, Z0;      \
	VCVTTPS2UDQ Z0, Z0;     \
	VPSUBD Z4, Z0, Z0;      \
	st(Z0, (DI)(AX*1));     \
	VPADDD Z0, Z1, K1, Z1
TEXT ·weightsZ(SB), NOSPLIT, $0-36
	MOVQ w+0(FP), DI
	MOVQ e+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS k+24(FP), Z2
	VPXORD Z1, Z1, Z1
	VPTERNLOGD $0xff, Z4, Z4, Z4
	EACH16(WEIGHTS, ST, STK)
	TREE(VPADDD)
	VMOVD X1, AX
	MOVL AX, ret+32(FP)
	VZEROUPPER
	RET

// func prefixZ(cum, w *uint32, n int)
// Z1 is the sum so far in each lane. Four shifts and adds make the sums within
// Z0; Z3 picks its last lane.
#define PREFIX(ld, st) \
	ld((SI)(AX*1), Z0);          \
	VALIGND $15, Z4, Z0, Z2;     \
	VPADDD Z2, Z0, Z0;           \
	VALIGND $14, Z4, Z0, Z2;     \
	VPADDD Z2, Z0, Z0;           \
	VALIGND $12, Z4, Z0, Z2;     \
	VPADDD Z2, Z0, Z0;           \
	VALIGND $8, Z4, Z0, Z2;      \
	VPADDD Z2, Z0, Z0;           \
	VPADDD Z1, Z0, Z0;           \
	st(Z0, 4(DI)(AX*1));         \
	VPERMD Z0, Z3, Z1
TEXT ·prefixZ(SB), NOSPLIT, $0-24
	MOVQ cum+0(FP), DI
	MOVQ w+8(FP), SI
	MOVQ n+16(FP), CX
	MOVL $0, (DI)
	VPXORD Z1, Z1, Z1
	VPXORD Z4, Z4, Z4
	MOVL $15, AX
	VPBROADCASTD AX, Z3
	EACH16(PREFIX, ST, STK)
	VZEROUPPER
	RET

// func attentionZ(q *uint8, x, w *float32, n int) (scale float32)
// The passes of Softmax, Mul and QuantizePos over x.
#define SCALEMUL(ld, st) \
	ld((SI)(AX*1), Z0);     \
	ld((DX)(AX*1), Z3);     \
	VMULPS Z0, Z2, Z0;      \
	VMULPS Z0, Z3, Z0;      \
	st(Z0, (SI)(AX*1));     \
	VMAXPS Z0, Z1, K1, Z1
TEXT ·attentionZ(SB), NOSPLIT, $0-36
	MOVQ x+8(FP), SI
	MOVQ SI, DI
	MOVQ w+16(FP), DX
	EXPLOAD

	MOVQ n+24(FP), CX
	VBROADCASTSS (SI), Z1
	PASS16(MAX, ST, STK, loop1, tail1, done1)
	TREE(VMAXPS)
	VBROADCASTSS X1, Z2

	MOVQ n+24(FP), CX
	VPXORD Z1, Z1, Z1
	PASS16(EXPSUM, ST, STK, loop2, tail2, done2)
	TREE(VADDPS)
	VDIVSS X1, X27, X1
	VBROADCASTSS X1, Z2

	MOVQ n+24(FP), CX
	VPXORD Z1, Z1, Z1
	PASS16(SCALEMUL, ST, STK, loop3, tail3, done3)
	TREE(VMAXPS)

	MOVQ q+0(FP), DI
	MOVQ n+24(FP), CX
	VPXORD X0, X0, X0
	MOVL $0x0d800000, AX // tiny
	VMOVD AX, X2
	VCOMISS X2, X1
	JCS zero                // below it
	MOVL $0x437f0000, AX // 255
	VMOVD AX, X2
	VDIVSS X2, X1, X0
	VMOVSS X0, scale+32(FP)
	VDIVSS X1, X2, X1
	VBROADCASTSS X1, Z1
	VMOVAPS Z19, Z2
	VPXORD Z3, Z3, Z3
	PASS16(QUANTIZE, STB, STBK, loop4, tail4, done4)
	VZEROUPPER
	RET

zero:
	VMOVSS X0, scale+32(FP)
	XORL AX, AX
	REP; STOSB
	VZEROUPPER
	RET

// func scatterZ(panel, q *int8, n int) (sum int32)
// Groups of four of the n numbers of q, 64 at a time, go to every 64th byte of a
// panel.
#define PAIR(i) \
	MOVQ (8*i)(SI), AX;      \
	MOVL AX, (128*i)(DI);    \
	SHRQ $32, AX;            \
	MOVL AX, (128*i+64)(DI)
TEXT ·scatterZ(SB), NOSPLIT, $0-28
	MOVQ panel+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ n+16(FP), CX
	VPXORD Z1, Z1, Z1
	MOVL $0x01010101, AX
	VPBROADCASTD AX, Z2
part:
	VMOVUPS (SI), Z0
	VPDPBUSD Z0, Z2, Z1
	PAIR(0)
	PAIR(1)
	PAIR(2)
	PAIR(3)
	PAIR(4)
	PAIR(5)
	PAIR(6)
	PAIR(7)
	ADDQ $1024, DI
	ADDQ $64, SI
	SUBQ $64, CX
	JNZ part
	TREE(VPADDD)
	VMOVD X1, AX
	MOVL AX, sum+24(FP)
	VZEROUPPER
	RET

// func adamZ(w, m, v, grad *float32, n int, a *Adam)
#define ADAM(ld, st) \
	ld((BX)(AX*1), Z0);    \
	ld((SI)(AX*1), Z1);    \
	ld((DX)(AX*1), Z2);    \
	VSUBPS Z1, Z0, Z3;     \
	VMULPS Z16, Z3, Z3;    \
	VADDPS Z3, Z1, Z1;     \
	st(Z1, (SI)(AX*1));    \
	VMULPS Z0, Z0, Z0;     \
	VSUBPS Z2, Z0, Z0;     \
	VMULPS Z17, Z0, Z0;    \
	VADDPS Z0, Z2, Z2;     \
	st(Z2, (DX)(AX*1));    \
	VMULPS Z18, Z2, Z2;    \
	VSQRTPS Z2, Z2;        \
	VADDPS Z20, Z2, Z2;    \
	VMULPS Z19, Z1, Z1;    \
	VDIVPS Z2, Z1, Z1;     \
	ld((DI)(AX*1), Z0);    \
	VSUBPS Z1, Z0, Z0;     \
	st(Z0, (DI)(AX*1))
TEXT ·adamZ(SB), NOSPLIT, $0-48
	MOVQ w+0(FP), DI
	MOVQ m+8(FP), SI
	MOVQ v+16(FP), DX
	MOVQ n+32(FP), CX
	MOVQ a+40(FP), BX
	VBROADCASTSS (BX), Z16
	VBROADCASTSS 4(BX), Z17
	VBROADCASTSS 8(BX), Z18
	VBROADCASTSS 12(BX), Z19
	VBROADCASTSS 16(BX), Z20
	MOVQ grad+24(FP), BX
	EACH16(ADAM, ST, STK)
	VZEROUPPER
	RET
