//go:build !purego

#include "textflag.h"

// Matrix tiles for AVX-512: 1, 2, 3, 4 or 8 rows of x by 1, 2 or 4 panels of 16
// outputs, for float32 and for bytes. All share their registers and loops:
//
//	DI  dst, first row        R8   bytes from row to row of dst, R12 three times that
//	SI  x, first row          R9   bytes from row to row of x, R11 three times that
//	BX  weights, running      R13  bytes of a panel, AX three times that
//	CX  steps along the sum   R10  groups of panels left
//	DX  x, running            R14  the same for row 4; R15 counts the steps
//	Z24-Z27 weights           Z28  x, Z29 scratch
//
// A step reads 64 bytes of each panel and 4 bytes of each row: one column of
// float32, or four of bytes. An accumulator belongs to one row and one panel
// and takes its products in the order of the columns.

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
	MOVQ SI, DX;          \
	LEAQ (SI)(R9*4), R14; \
	MOVQ CX, R15

#define STEP \
	ADDQ $64, BX; \
	ADDQ $4, DX;  \
	ADDQ $4, R14; \
	DECQ R15

// The steps leave BX behind the first panel of the group; skip is the rest.
#define NEXT(panels, skip) \
	ADDQ $(64*panels), DI; \
	ADDQ skip, BX;         \
	DECQ R10

// The two arithmetics: DOT adds four products of unsigned x and signed weights.
#define FMA(x, w, z) VFMADD231PS x, w, z
#define DOT(x, w, z) VPDPBUSD w, x, z

// One row of x by 1, 2 or 4 panels.
#define X1(op, row, a) \
	VBROADCASTSS row, Z28; \
	op(Z28, Z24, a)

#define X2(op, row, a, b) \
	X1(op, row, a);  \
	op(Z28, Z25, b)

#define X4(op, row, a, b, c, d) \
	X2(op, row, a, b); \
	op(Z28, Z26, c);   \
	op(Z28, Z27, d)

#define STEP8X2(op) \
	VMOVUPS (BX), Z24;                 \
	VMOVUPS (BX)(R13*1), Z25;          \
	X2(op, (DX), Z0, Z8);              \
	X2(op, (DX)(R9*1), Z1, Z9);        \
	X2(op, (DX)(R9*2), Z2, Z10);       \
	X2(op, (DX)(R11*1), Z3, Z11);      \
	X2(op, (R14), Z4, Z12);            \
	X2(op, (R14)(R9*1), Z5, Z13);      \
	X2(op, (R14)(R9*2), Z6, Z14);      \
	X2(op, (R14)(R11*1), Z7, Z15)

#define STEP1X4(op) \
	VMOVUPS (BX), Z24;             \
	VMOVUPS (BX)(R13*1), Z25;      \
	VMOVUPS (BX)(R13*2), Z26;      \
	VMOVUPS (BX)(AX*1), Z27;       \
	X4(op, (DX), Z0, Z1, Z2, Z3)

// AHEAD fetches what the next four panels have at this place: the hardware does
// not follow four streams that end with every page.
#define AHEAD \
	LEAQ (BX)(R13*1), R14;   \
	PREFETCHT0 (BX)(R13*4);  \
	PREFETCHT0 (R14)(R13*4); \
	PREFETCHT0 (BX)(AX*2);   \
	PREFETCHT0 (R14)(AX*2)

// Two rows are the queries that share the keys and values of one head, 16 KB
// each where a head has 64 dimensions and the window 256 positions: KEYSAHEAD
// fetches, into the second cache, the values while the keys are read, and the
// keys of the next head, which follow them, while the values are.
#define KEYSAHEAD \
	PREFETCHT1 16384(BX);         \
	PREFETCHT1 16384(BX)(R13*1);  \
	PREFETCHT1 16384(BX)(R13*2);  \
	PREFETCHT1 16384(BX)(AX*1)

#define ROWS2X4(op) \
	STEP1X4(op);                         \
	X4(op, (DX)(R9*1), Z4, Z5, Z6, Z7)

#define STEP2X4(op) \
	KEYSAHEAD;    \
	ROWS2X4(op)

#define STEP3X4(op) \
	AHEAD;                                 \
	ROWS2X4(op);                           \
	X4(op, (DX)(R9*2), Z8, Z9, Z10, Z11)

#define STEP4X4(op) \
	STEP3X4(op);                              \
	X4(op, (DX)(R11*1), Z12, Z13, Z14, Z15)

#define STEP1X1(op) \
	VMOVUPS (BX), Z24; \
	X1(op, (DX), Z0)

#define STEP2X1(op) \
	STEP1X1(op);             \
	X1(op, (DX)(R9*1), Z1)

#define STEP3X1(op) \
	STEP2X1(op);             \
	X1(op, (DX)(R9*2), Z2)

#define STEP4X1(op) \
	STEP3X1(op);              \
	X1(op, (DX)(R11*1), Z3)

#define STEP8X1(op) \
	STEP4X1(op);               \
	X1(op, (R14), Z4);         \
	X1(op, (R14)(R9*1), Z5);   \
	X1(op, (R14)(R9*2), Z6);   \
	X1(op, (R14)(R11*1), Z7)

// EACH applies a macro to every accumulator: op(its row of dst, row, panel, z).
#define EACH8X2(op) \
	EACH8X1(op);                  \
	op((DI), 0, 1, Z8);           \
	op((DI)(R8*1), 1, 1, Z9);     \
	op((DI)(R8*2), 2, 1, Z10);    \
	op((DI)(R12*1), 3, 1, Z11);   \
	op((DX), 4, 1, Z12);          \
	op((DX)(R8*1), 5, 1, Z13);    \
	op((DX)(R8*2), 6, 1, Z14);    \
	op((DX)(R12*1), 7, 1, Z15)

#define EACH8X1(op) \
	EACH4X1(op);                \
	op((DX), 4, 0, Z4);         \
	op((DX)(R8*1), 5, 0, Z5);   \
	op((DX)(R8*2), 6, 0, Z6);   \
	op((DX)(R12*1), 7, 0, Z7)

#define EACH1X1(op) \
	op((DI), 0, 0, Z0)

#define EACH2X1(op) \
	EACH1X1(op);               \
	op((DI)(R8*1), 1, 0, Z1)

#define EACH3X1(op) \
	EACH2X1(op);               \
	op((DI)(R8*2), 2, 0, Z2)

#define EACH4X1(op) \
	EACH3X1(op);                \
	op((DI)(R12*1), 3, 0, Z3)

#define EACH1X4(op) \
	op((DI), 0, 0, Z0);  \
	op((DI), 0, 1, Z1);  \
	op((DI), 0, 2, Z2);  \
	op((DI), 0, 3, Z3)

#define EACH2X4(op) \
	EACH1X4(op);               \
	op((DI)(R8*1), 1, 0, Z4);  \
	op((DI)(R8*1), 1, 1, Z5);  \
	op((DI)(R8*1), 1, 2, Z6);  \
	op((DI)(R8*1), 1, 3, Z7)

#define EACH3X4(op) \
	EACH2X4(op);                \
	op((DI)(R8*2), 2, 0, Z8);   \
	op((DI)(R8*2), 2, 1, Z9);   \
	op((DI)(R8*2), 2, 2, Z10);  \
	op((DI)(R8*2), 2, 3, Z11)

#define EACH4X4(op) \
	EACH3X4(op);                 \
	op((DI)(R12*1), 3, 0, Z12);  \
	op((DI)(R12*1), 3, 1, Z13);  \
	op((DI)(R12*1), 3, 2, Z14);  \
	op((DI)(R12*1), 3, 3, Z15)

#define ZERO(at, i, j, z) VPXORD z, z, z

#define PUT(at, i, j, z) VMOVUPS z, (64*j) at

// R14 holds Sum: start at -Sum.
#define BIAS(at, i, j, z) VPSUBD (64*j)(R14), z, z

// R14 holds Scale, R15 xs: z = (xs*Scale) * float32(z).
#define SCALE(at, i, j, z) \
	VMOVUPS (64*j)(R14), Z29;             \
	VMULPS.BCST (4*i)(R15), Z29, Z29;     \
	VCVTDQ2PS z, z;                       \
	VMULPS Z29, z, z

#define TILEF32(steps, each, panels, skip) \
	ARGS;                 \
group:                    \
	START;                \
	each(ZERO);           \
step:                     \
	steps(FMA);           \
	STEP;                 \
	JNZ step;             \
	LEAQ (DI)(R8*4), DX;  \
	each(PUT);            \
	NEXT(panels, skip);   \
	JNZ group;            \
	VZEROUPPER;           \
	RET

// With sum nil the integers themselves are stored.
#define TILEI8(steps, each, panels, skip) \
	ARGS;                      \
group:                         \
	each(ZERO);                \
	MOVQ sum+72(FP), R14;      \
	TESTQ R14, R14;            \
	JZ start;                  \
	each(BIAS);                \
	ADDQ $(64*panels), R14;    \
	MOVQ R14, sum+72(FP);      \
start:                         \
	START;                     \
step:                          \
	steps(DOT);                \
	STEP;                      \
	JNZ step;                  \
	LEAQ (DI)(R8*4), DX;       \
	CMPQ sum+72(FP), $0;       \
	JEQ put;                   \
	MOVQ xs+56(FP), R15;       \
	MOVQ scale+64(FP), R14;    \
	each(SCALE);               \
	ADDQ $(64*panels), R14;    \
	MOVQ R14, scale+64(FP);    \
put:                           \
	each(PUT);                 \
	NEXT(panels, skip);        \
	JNZ group;                 \
	VZEROUPPER;                \
	RET

// func f32x8x2Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x8x2Z(SB), NOSPLIT, $0-56
	TILEF32(STEP8X2, EACH8X2, 2, R13)

// func f32x4x4Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x4x4Z(SB), NOSPLIT, $0-56
	TILEF32(STEP4X4, EACH4X4, 4, AX)

// func f32x3x4Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x3x4Z(SB), NOSPLIT, $0-56
	TILEF32(STEP3X4, EACH3X4, 4, AX)

// func f32x2x4Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x2x4Z(SB), NOSPLIT, $0-56
	TILEF32(STEP2X4, EACH2X4, 4, AX)

// func f32x1x4Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x1x4Z(SB), NOSPLIT, $0-56
	TILEF32(STEP1X4, EACH1X4, 4, AX)

// func f32x8x1Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x8x1Z(SB), NOSPLIT, $0-56
	TILEF32(STEP8X1, EACH8X1, 1, $0)

// func f32x4x1Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x4x1Z(SB), NOSPLIT, $0-56
	TILEF32(STEP4X1, EACH4X1, 1, $0)

// func f32x3x1Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x3x1Z(SB), NOSPLIT, $0-56
	TILEF32(STEP3X1, EACH3X1, 1, $0)

// func f32x2x1Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x2x1Z(SB), NOSPLIT, $0-56
	TILEF32(STEP2X1, EACH2X1, 1, $0)

// func f32x1x1Z(dst *float32, ldd int, x *float32, ldx int, w *float32, steps, groups int)
TEXT ·f32x1x1Z(SB), NOSPLIT, $0-56
	TILEF32(STEP1X1, EACH1X1, 1, $0)

// func i8x8x2Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
TEXT ·i8x8x2Z(SB), NOSPLIT, $0-80
	TILEI8(STEP8X2, EACH8X2, 2, R13)

// func i8x4x4Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
TEXT ·i8x4x4Z(SB), NOSPLIT, $0-80
	TILEI8(STEP4X4, EACH4X4, 4, AX)

// func i8x3x4Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
TEXT ·i8x3x4Z(SB), NOSPLIT, $0-80
	TILEI8(STEP3X4, EACH3X4, 4, AX)

// func i8x2x4Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
TEXT ·i8x2x4Z(SB), NOSPLIT, $0-80
	TILEI8(STEP2X4, EACH2X4, 4, AX)

// func i8x1x4Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
TEXT ·i8x1x4Z(SB), NOSPLIT, $0-80
	TILEI8(STEP1X4, EACH1X4, 4, AX)

// func i8x8x1Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
TEXT ·i8x8x1Z(SB), NOSPLIT, $0-80
	TILEI8(STEP8X1, EACH8X1, 1, $0)

// func i8x4x1Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
TEXT ·i8x4x1Z(SB), NOSPLIT, $0-80
	TILEI8(STEP4X1, EACH4X1, 1, $0)

// func i8x3x1Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
TEXT ·i8x3x1Z(SB), NOSPLIT, $0-80
	TILEI8(STEP3X1, EACH3X1, 1, $0)

// func i8x2x1Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
TEXT ·i8x2x1Z(SB), NOSPLIT, $0-80
	TILEI8(STEP2X1, EACH2X1, 1, $0)

// func i8x1x1Z(dst unsafe.Pointer, ldd int, x *uint8, ldx int, w *int8, steps, groups int, xs, scale *float32, sum *int32)
TEXT ·i8x1x1Z(SB), NOSPLIT, $0-80
	TILEI8(STEP1X1, EACH1X1, 1, $0)
