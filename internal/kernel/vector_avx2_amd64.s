//go:build !purego

#include "textflag.h"

// Row functions for AVX2 and FMA. Each is a body on 8 elements, run twice a
// round so that lanes 0-7 and 8-15 of the 16-lane order have each an
// accumulator:
//
//	AX  byte offset into the rows   CX  elements left
//	R9  the constants of exp, 8 times each (expWide)
//	Y0  the value at hand           Y1  a factor
//	Y6, Y7    accumulators for lanes 0-7 and 8-15
//	Y14, Y15  masks for lanes 0-7 and 8-15: the elements of this round
//
// EACH16 runs the body with plain loads and stores and then, for the last
// elements, with masked ones, where the others read as zeros.

#define LD(at, mask, y) VMOVUPS at, y
#define ST(y, mask, at) VMOVUPS y, at
#define LDK(at, mask, y) VMASKMOVPS at, mask, y
#define STK(y, mask, at) VMASKMOVPS y, mask, at

// ·laneMask is 16 words of ones, then 16 of zeros.
#define EACH16(body) \
	XORL AX, AX;                \
	VPCMPEQD Y14, Y14, Y14;     \
	VPCMPEQD Y15, Y15, Y15;     \
	SUBQ $16, CX;               \
	JLT tail;                   \
loop:                           \
	body(LD, ST, 0, Y14, Y6);   \
	body(LD, ST, 32, Y15, Y7);  \
	ADDQ $64, AX;               \
	SUBQ $16, CX;               \
	JGE loop;                   \
tail:                           \
	ADDQ $16, CX;               \
	JZ done;                    \
	NEGQ CX;                    \
	LEAQ ·laneMask+64(SB), R8;  \
	VMOVUPS (R8)(CX*4), Y14;    \
	VMOVUPS 32(R8)(CX*4), Y15;  \
	body(LDK, STK, 0, Y14, Y6); \
	body(LDK, STK, 32, Y15, Y7); \
done:

// TREE reduces Y6 and Y7 in the written order into X6.
#define TREE(op) \
	op Y7, Y6, Y6;           \
	VEXTRACTF128 $1, Y6, X7; \
	op X7, X6, X6;           \
	VMOVHLPS X6, X6, X7;     \
	op X7, X6, X6;           \
	VMOVSHDUP X6, X7;        \
	op X7, X6, X6

// Y0 = exp(Y0); Y3, Y4 and Y5 are scratch. The offsets are those of expTable
// times 8.
#define EXP \
	VMAXPS (R9), Y0, Y0;          \
	VMINPS 32(R9), Y0, Y0;        \
	VMOVUPS 96(R9), Y3;           \
	VFMADD231PS 64(R9), Y0, Y3;   \ // z
	VSUBPS 96(R9), Y3, Y4;        \ // n
	VFMADD231PS 128(R9), Y4, Y0;  \
	VFMADD231PS 160(R9), Y4, Y0;  \ // r
	VMOVUPS 192(R9), Y5;          \
	VFMADD213PS 224(R9), Y0, Y5;  \
	VFMADD213PS 256(R9), Y0, Y5;  \
	VFMADD213PS 288(R9), Y0, Y5;  \
	VFMADD213PS 320(R9), Y0, Y5;  \
	VFMADD213PS 352(R9), Y0, Y5;  \
	VFMADD213PS 352(R9), Y0, Y5;  \
	VPSLLD $23, Y3, Y3;           \
	VPADDD Y3, Y5, Y0

// func maxAbsY(x *float32, n int) float32
#define MAXABS(ld, st, off, mask, acc) \
	ld(off(SI)(AX*1), mask, Y0);  \
	VPSLLD $1, Y0, Y0;            \
	VPSRLD $1, Y0, Y0;            \
	VMAXPS Y0, acc, acc
TEXT ·maxAbsY(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	EACH16(MAXABS)
	TREE(VMAXPS)
	VMOVSS X6, ret+16(FP)
	VZEROUPPER
	RET

// func maxY(x *float32, n int) float32
#define MAX(ld, st, off, mask, acc) \
	ld(off(SI)(AX*1), mask, Y0);    \
	VBLENDVPS mask, Y0, acc, Y0;    \
	VMAXPS Y0, acc, acc
TEXT ·maxY(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS (SI), Y6
	VMOVAPS Y6, Y7
	EACH16(MAX)
	TREE(VMAXPS)
	VMOVSS X6, ret+16(FP)
	VZEROUPPER
	RET

// func sumSqY(x *float32, n int) float32
#define SUMSQ(ld, st, off, mask, acc) \
	ld(off(SI)(AX*1), mask, Y0);  \
	VFMADD231PS Y0, Y0, acc
TEXT ·sumSqY(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	EACH16(SUMSQ)
	TREE(VADDPS)
	VMOVSS X6, ret+16(FP)
	VZEROUPPER
	RET

// func expSumY(dst, x *float32, n int, m float32) float32
#define EXPSUM(ld, st, off, mask, acc) \
	ld(off(SI)(AX*1), mask, Y0);   \
	VSUBPS Y1, Y0, Y0;             \
	EXP;                           \
	st(Y0, mask, off(DI)(AX*1));   \
	VANDPS mask, Y0, Y0;           \
	VADDPS Y0, acc, acc
TEXT ·expSumY(SB), NOSPLIT, $0-36
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS m+24(FP), Y1
	LEAQ ·expWide(SB), R9
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	EACH16(EXPSUM)
	TREE(VADDPS)
	VMOVSS X6, ret+32(FP)
	VZEROUPPER
	RET

// func siluMulY(dst, gate, up *float32, n int)
// Y8 is the sign bit, Y9 is 1.
#define SILUMUL(ld, st, off, mask, acc) \
	ld(off(SI)(AX*1), mask, Y1);  \
	ld(off(DX)(AX*1), mask, Y2);  \
	VXORPS Y1, Y8, Y0;            \
	EXP;                          \
	VADDPS Y9, Y0, Y0;            \
	VDIVPS Y0, Y9, Y0;            \
	VMULPS Y0, Y1, Y0;            \
	VMULPS Y0, Y2, Y0;            \
	st(Y0, mask, off(DI)(AX*1))
TEXT ·siluMulY(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ gate+8(FP), SI
	MOVQ up+16(FP), DX
	MOVQ n+24(FP), CX
	LEAQ ·expWide(SB), R9
	VPCMPEQD Y8, Y8, Y8
	VPSLLD $31, Y8, Y8
	VMOVUPS 352(R9), Y9
	EACH16(SILUMUL)
	VZEROUPPER
	RET

// func scaleY(dst, x *float32, n int, r float32)
#define SCALE(ld, st, off, mask, acc) \
	ld(off(SI)(AX*1), mask, Y0);  \
	VMULPS Y0, Y1, Y0;            \
	st(Y0, mask, off(DI)(AX*1))
TEXT ·scaleY(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS r+24(FP), Y1
	EACH16(SCALE)
	VZEROUPPER
	RET

// func mulY(dst, x *float32, n int)
#define MUL(ld, st, off, mask, acc) \
	ld(off(SI)(AX*1), mask, Y0);  \
	ld(off(DI)(AX*1), mask, Y1);  \
	VMULPS Y0, Y1, Y0;            \
	st(Y0, mask, off(DI)(AX*1))
TEXT ·mulY(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	EACH16(MUL)
	VZEROUPPER
	RET

// func addY(dst, x *float32, n int)
#define ADD(ld, st, off, mask, acc) \
	ld(off(SI)(AX*1), mask, Y0);  \
	ld(off(DI)(AX*1), mask, Y1);  \
	VADDPS Y0, Y1, Y0;            \
	st(Y0, mask, off(DI)(AX*1))
TEXT ·addY(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	EACH16(ADD)
	VZEROUPPER
	RET

// func axpyY(dst *float32, a float32, x *float32, n int)
#define AXPY(ld, st, off, mask, acc) \
	ld(off(SI)(AX*1), mask, Y2);  \
	ld(off(DI)(AX*1), mask, Y0);  \
	VFMADD231PS Y2, Y1, Y0;       \
	st(Y0, mask, off(DI)(AX*1))
TEXT ·axpyY(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	VBROADCASTSS a+8(FP), Y1
	MOVQ x+16(FP), SI
	MOVQ n+24(FP), CX
	EACH16(AXPY)
	VZEROUPPER
	RET

// func ropeY(x, cos, sin *float32, h int)
#define ROPE(ld, st, off, mask, acc) \
	ld(off(SI)(AX*1), mask, Y0);   \
	ld(off(DI)(AX*1), mask, Y1);   \
	ld(off(DX)(AX*1), mask, Y2);   \
	ld(off(BX)(AX*1), mask, Y3);   \
	VMULPS Y3, Y1, Y4;             \
	VMULPS Y3, Y0, Y5;             \
	VFMSUB213PS Y4, Y2, Y0;        \
	VFMADD213PS Y5, Y2, Y1;        \
	st(Y0, mask, off(SI)(AX*1));   \
	st(Y1, mask, off(DI)(AX*1))
TEXT ·ropeY(SB), NOSPLIT, $0-32
	MOVQ x+0(FP), SI
	MOVQ cos+8(FP), DX
	MOVQ sin+16(FP), BX
	MOVQ h+24(FP), CX
	LEAQ (SI)(CX*4), DI
	EACH16(ROPE)
	VZEROUPPER
	RET

// func dequantY(dst *float32, acc, bias *int32, n int, a float32, scale *float32)
#define DEQUANT(ld, st, off, mask, acc) \
	ld(off(SI)(AX*1), mask, Y0);  \
	ld(off(DX)(AX*1), mask, Y2);  \
	ld(off(BX)(AX*1), mask, Y3);  \
	VPSUBD Y2, Y0, Y0;            \
	VCVTDQ2PS Y0, Y0;             \
	VMULPS Y3, Y1, Y3;            \
	VMULPS Y0, Y3, Y0;            \
	st(Y0, mask, off(DI)(AX*1))
TEXT ·dequantY(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ acc+8(FP), SI
	MOVQ bias+16(FP), DX
	MOVQ n+24(FP), CX
	VBROADCASTSS a+32(FP), Y1
	MOVQ scale+40(FP), BX
	EACH16(DEQUANT)
	VZEROUPPER
	RET

// func weightsY(w *uint32, e *float32, n int, k float32) uint32
// The conversion is to signed integers and gives 2^31, the largest e*k, as the
// "integer indefinite", which has the right bits. Y4 is -1 in each lane.
#define WEIGHTS(ld, st, off, mask, acc) \
	ld(off(SI)(AX*1), mask, Y0);   \
	VMULPS Y0, Y1, Y0;             \
	VCVTTPS2DQ Y0, Y0;             \
	VPSUBD Y4, Y0, Y0;             \
	st(Y0, mask, off(DI)(AX*1));   \
	VPAND mask, Y0, Y0;            \
	VPADDD Y0, acc, acc
TEXT ·weightsY(SB), NOSPLIT, $0-36
	MOVQ w+0(FP), DI
	MOVQ e+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS k+24(FP), Y1
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	VPCMPEQD Y4, Y4, Y4
	EACH16(WEIGHTS)
	TREE(VPADDD)
	VMOVD X6, AX
	MOVL AX, ret+32(FP)
	VZEROUPPER
	RET

// func quantizeY(q *uint8, x *float32, n int, inv float32, zero int32)
// n is a multiple of 16 and not 0.
#define QUANTIZE8(off, y) \
	VMULPS off(SI), Y1, y;  \
	VADDPS Y2, y, y;        \
	VPADDD Y3, y, y;        \
	VPAND Y4, y, y
TEXT ·quantizeY(SB), NOSPLIT, $0-32
	MOVQ q+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	LEAQ ·expWide(SB), R9
	VBROADCASTSS inv+24(FP), Y1
	VMOVUPS 96(R9), Y2
	VBROADCASTSS zero+28(FP), Y3
	VPCMPEQD Y4, Y4, Y4
	VPSRLD $24, Y4, Y4

round:
	QUANTIZE8(0, Y0)
	QUANTIZE8(32, Y5)
	VPACKUSDW Y5, Y0, Y0 // 16 words, quarters 0 2 1 3
	VPERMQ $0xd8, Y0, Y0
	VEXTRACTI128 $1, Y0, X5
	VPACKUSWB X5, X0, X0
	VMOVDQU X0, (DI)
	ADDQ $64, SI
	ADDQ $16, DI
	SUBQ $16, CX
	JNZ round
	VZEROUPPER
	RET
