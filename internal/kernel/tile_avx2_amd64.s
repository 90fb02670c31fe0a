//go:build !purego

#include "textflag.h"

// Matrix tiles for AVX2 and FMA. The registers and the loops are those of
// AVX-512 (tile_avx512_amd64.s), but a panel is two registers wide:
//
//	DI  dst, first row        R8   bytes from row to row of dst, R12 three times that
//	SI  x, first row          R9   bytes from row to row of x, R11 three times that
//	BX  weights, running      R13  bytes of a panel, AX three times that
//	CX  steps along the sum   R10  groups of panels left
//	DX  x, running            R15  counts the steps

#define ARGS \
	MOVQ dst+0(FP), DI;      \
	MOVQ ldd+8(FP), R8;      \
	MOVQ x+16(FP), SI;       \
	MOVQ ldx+24(FP), R9;     \
	MOVQ w+32(FP), BX;       \
	MOVQ steps+40(FP), CX;   \
	MOVQ groups+48(FP), R10; \
	LEAQ (R9)(R9*2), R11;    \
	LEAQ (R8)(R8*2), R12;    \
	MOVQ CX, R13;            \
	SHLQ $6, R13;            \
	LEAQ (R13)(R13*2), AX

#define START \
	MOVQ SI, DX;  \
	MOVQ CX, R15

#define STEP \
	ADDQ $64, BX; \
	ADDQ $4, DX;  \
	DECQ R15

// The steps leave BX behind the first panel of the group; skip is the rest.
#define NEXT(panels, skip) \
	ADDQ $(64*panels), DI; \
	ADDQ skip, BX;         \
	DECQ R10

// float32. Row i and panel j meet in a pair of Y0 to Y7; Y12 and Y13 hold
// weights, Y14 holds x.

#define ZERO8 \
	VXORPS Y0, Y0, Y0; \
	VXORPS Y1, Y1, Y1; \
	VXORPS Y2, Y2, Y2; \
	VXORPS Y3, Y3, Y3; \
	VXORPS Y4, Y4, Y4; \
	VXORPS Y5, Y5, Y5; \
	VXORPS Y6, Y6, Y6; \
	VXORPS Y7, Y7, Y7

#define X1(row, a, b) \
	VBROADCASTSS row, Y14;   \
	VFMADD231PS Y14, Y12, a; \
	VFMADD231PS Y14, Y13, b

#define STEP1X1 \
	VMOVUPS (BX), Y12;   \
	VMOVUPS 32(BX), Y13; \
	X1((DX), Y0, Y1)

#define STEP2X1 \
	STEP1X1;                \
	X1((DX)(R9*1), Y2, Y3)

#define STEP3X1 \
	STEP2X1;                \
	X1((DX)(R9*2), Y4, Y5)

#define STEP4X1 \
	STEP3X1;                 \
	X1((DX)(R11*1), Y6, Y7)

#define STEP2X2 \
	STEP2X1;                       \
	VMOVUPS (BX)(R13*1), Y12;      \
	VMOVUPS 32(BX)(R13*1), Y13;    \
	X1((DX), Y4, Y5);              \
	X1((DX)(R9*1), Y6, Y7)

#define STEP1X4 \
	VBROADCASTSS (DX), Y14;                 \
	VFMADD231PS (BX), Y14, Y0;              \
	VFMADD231PS 32(BX), Y14, Y1;            \
	VFMADD231PS (BX)(R13*1), Y14, Y2;       \
	VFMADD231PS 32(BX)(R13*1), Y14, Y3;     \
	VFMADD231PS (BX)(R13*2), Y14, Y4;       \
	VFMADD231PS 32(BX)(R13*2), Y14, Y5;     \
	VFMADD231PS (BX)(AX*1), Y14, Y6;        \
	VFMADD231PS 32(BX)(AX*1), Y14, Y7

#define PUT(a, b, j, row) \
	VMOVUPS a, (64*j) row;    \
	VMOVUPS b, (64*j+32) row

#define PUT1X1 \
	PUT(Y0, Y1, 0, (DI))

#define PUT2X1 \
	PUT1X1;                       \
	PUT(Y2, Y3, 0, (DI)(R8*1))

#define PUT3X1 \
	PUT2X1;                       \
	PUT(Y4, Y5, 0, (DI)(R8*2))

#define PUT4X1 \
	PUT3X1;                       \
	PUT(Y6, Y7, 0, (DI)(R12*1))

#define PUT2X2 \
	PUT2X1;                      \
	PUT(Y4, Y5, 1, (DI));        \
	PUT(Y6, Y7, 1, (DI)(R8*1))

#define PUT1X4 \
	PUT1X1;                \
	PUT(Y2, Y3, 1, (DI));  \
	PUT(Y4, Y5, 2, (DI));  \
	PUT(Y6, Y7, 3, (DI))

#define TILEF32(steps, put, panels, skip) \
	ARGS;               \
group:                  \
	START;              \
	ZERO8;              \
step:                   \
	steps;              \
	STEP;               \
	JNZ step;           \
	put;                \
	NEXT(panels, skip); \
	JNZ group;          \
	VZEROUPPER;         \
	RET

// Bytes, widened to 16 bits: VPMADDWD adds pairs of products exactly (VPMADDUBSW
// would saturate). A row and a panel meet in four registers, each with 4 outputs
// of two partial sums: Y0 to Y3 for row 0, Y4 to Y7 for row 1. Y12 holds
// weights, Y13 products, Y14 and Y15 the rows of x.

#define WIDEN(row, x, y) \
	VPBROADCASTD row, x; \
	VPMOVZXBW x, y

#define DOT(y, z) \
	VPMADDWD Y12, y, Y13; \
	VPADDD Y13, z, z

#define DOTS1X1 \
	WIDEN((DX), X14, Y14);     \
	VPMOVSXBW (BX), Y12;       \
	DOT(Y14, Y0);              \
	VPMOVSXBW 16(BX), Y12;     \
	DOT(Y14, Y1);              \
	VPMOVSXBW 32(BX), Y12;     \
	DOT(Y14, Y2);              \
	VPMOVSXBW 48(BX), Y12;     \
	DOT(Y14, Y3)

#define DOTS2X1 \
	WIDEN((DX), X14, Y14);          \
	WIDEN((DX)(R9*1), X15, Y15);    \
	VPMOVSXBW (BX), Y12;            \
	DOT(Y14, Y0);                   \
	DOT(Y15, Y4);                   \
	VPMOVSXBW 16(BX), Y12;          \
	DOT(Y14, Y1);                   \
	DOT(Y15, Y5);                   \
	VPMOVSXBW 32(BX), Y12;          \
	DOT(Y14, Y2);                   \
	DOT(Y15, Y6);                   \
	VPMOVSXBW 48(BX), Y12;          \
	DOT(Y14, Y3);                   \
	DOT(Y15, Y7)

// a and b become the sums of 16 outputs in order.
#define JOIN(a, b, c, d) \
	VPHADDD b, a, a;       \
	VPERMQ $0xd8, a, a;    \
	VPHADDD d, c, c;       \
	VPERMQ $0xd8, c, b

// R14 holds Scale, AX holds Sum, DX xs.
#define SCALE(row, a, b) \
	VBROADCASTSS row, Y15;   \
	VPSUBD (AX), a, a;       \
	VPSUBD 32(AX), b, b;     \
	VMULPS (R14), Y15, Y13;  \
	VMULPS 32(R14), Y15, Y14;\
	VCVTDQ2PS a, a;          \
	VCVTDQ2PS b, b;          \
	VMULPS a, Y13, a;        \
	VMULPS b, Y14, b

#define JOIN1 JOIN(Y0, Y1, Y2, Y3)
#define JOIN2 \
	JOIN1;                 \
	JOIN(Y4, Y5, Y6, Y7)

#define SCALE1 SCALE((DX), Y0, Y1)
#define SCALE2 \
	SCALE1;                \
	SCALE(4(DX), Y4, Y5)

#define PUTI1 PUT(Y0, Y1, 0, (DI))
#define PUTI2 \
	PUTI1;                      \
	PUT(Y4, Y5, 0, (DI)(R8*1))

// With sum nil the integers themselves are stored.
#define TILEI8(steps, join, scaled, put) \
	ARGS;                    \
	MOVQ scale+64(FP), R14;  \
	MOVQ sum+72(FP), AX;     \
group:                       \
	START;                   \
	ZERO8;                   \
step:                        \
	steps;                   \
	STEP;                    \
	JNZ step;                \
	join;                    \
	TESTQ AX, AX;            \
	JZ store;                 \
	MOVQ xs+56(FP), DX;      \
	scaled;                  \
	ADDQ $64, R14;           \
	ADDQ $64, AX;            \
store:                       \
	put;                     \
	NEXT(1, $0);             \
	JNZ group;               \
	VZEROUPPER;              \
	RET

// func f32x4x1Y(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x4x1Y(SB), NOSPLIT, $0-56
	TILEF32(STEP4X1, PUT4X1, 1, $0)

// func f32x3x1Y(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x3x1Y(SB), NOSPLIT, $0-56
	TILEF32(STEP3X1, PUT3X1, 1, $0)

// func f32x2x2Y(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x2x2Y(SB), NOSPLIT, $0-56
	TILEF32(STEP2X2, PUT2X2, 2, R13)

// func f32x1x4Y(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x1x4Y(SB), NOSPLIT, $0-56
	TILEF32(STEP1X4, PUT1X4, 4, AX)

// func f32x2x1Y(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x2x1Y(SB), NOSPLIT, $0-56
	TILEF32(STEP2X1, PUT2X1, 1, $0)

// func f32x1x1Y(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x1x1Y(SB), NOSPLIT, $0-56
	TILEF32(STEP1X1, PUT1X1, 1, $0)

// func i8x2x1Y(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
TEXT ·i8x2x1Y(SB), NOSPLIT, $0-80
	TILEI8(DOTS2X1, JOIN2, SCALE2, PUTI2)

// func i8x1x1Y(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
TEXT ·i8x1x1Y(SB), NOSPLIT, $0-80
	TILEI8(DOTS1X1, JOIN1, SCALE1, PUTI1)
