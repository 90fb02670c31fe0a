//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// Column c of the panel, times lane of the x registers: rows of 16 outputs in
// four accumulators each.
#define COLUMN VLD1.P 64(R3), [V16.S4, V17.S4, V18.S4, V19.S4]
#define ROW(x, lane, a, b, c, d) \
	VFMLAE(x, lane, 16, a); \
	VFMLAE(x, lane, 17, b); \
	VFMLAE(x, lane, 18, c); \
	VFMLAE(x, lane, 19, d)
#define ROWS(lane) \
	COLUMN; \
	ROW(20, lane, 0, 1, 2, 3); \
	ROW(21, lane, 4, 5, 6, 7); \
	ROW(22, lane, 8, 9, 10, 11); \
	ROW(23, lane, 12, 13, 14, 15)

#define ZERO4(a, b, c, d) \
	VEOR a.B16, a.B16, a.B16; \
	VEOR b.B16, b.B16, b.B16; \
	VEOR c.B16, c.B16, c.B16; \
	VEOR d.B16, d.B16, d.B16

// func matF32x4NEON(dst *float32, stride int, x, w *float32, cols int)
TEXT ·matF32x4NEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD stride+8(FP), R1
	MOVD x+16(FP), R5
	MOVD w+24(FP), R3
	MOVD cols+32(FP), R4
	LSL  $2, R1
	ADD  R4<<2, R5, R6
	ADD  R4<<2, R6, R7
	ADD  R4<<2, R7, R8
	ZERO4(V0, V1, V2, V3)
	ZERO4(V4, V5, V6, V7)
	ZERO4(V8, V9, V10, V11)
	ZERO4(V12, V13, V14, V15)
	SUBS $4, R4
	BLT  ones

fours:
	VLD1.P 16(R5), [V20.S4]
	VLD1.P 16(R6), [V21.S4]
	VLD1.P 16(R7), [V22.S4]
	VLD1.P 16(R8), [V23.S4]
	ROWS(0)
	ROWS(1)
	ROWS(2)
	ROWS(3)
	SUBS $4, R4
	BGE  fours

ones:
	ADDS $4, R4
	BEQ  store

one:
	FMOVS.P 4(R5), F20
	FMOVS.P 4(R6), F21
	FMOVS.P 4(R7), F22
	FMOVS.P 4(R8), F23
	ROWS(0)
	SUBS    $1, R4
	BNE     one

store:
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R0)
	ADD  R1, R0
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R0)
	ADD  R1, R0
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R0)
	ADD  R1, R0
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (R0)
	RET

// func matF32x1NEON(dst, x, w *float32, cols int)
TEXT ·matF32x1NEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R5
	MOVD w+16(FP), R3
	MOVD cols+24(FP), R4
	ZERO4(V0, V1, V2, V3)
	SUBS $4, R4
	BLT  ones

fours:
	VLD1.P 16(R5), [V20.S4]
	COLUMN
	ROW(20, 0, 0, 1, 2, 3)
	COLUMN
	ROW(20, 1, 0, 1, 2, 3)
	COLUMN
	ROW(20, 2, 0, 1, 2, 3)
	COLUMN
	ROW(20, 3, 0, 1, 2, 3)
	SUBS   $4, R4
	BGE    fours

ones:
	ADDS $4, R4
	BEQ  store

one:
	FMOVS.P 4(R5), F20
	COLUMN
	ROW(20, 0, 0, 1, 2, 3)
	SUBS    $1, R4
	BNE     one

store:
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R0)
	RET

// A product of an unsigned and a signed byte fits in 16 bits, a sum of two does
// not: so both are widened to 16 bits, multiplied there, and pairs of products
// are added to 32-bit lanes. An accumulator holds two outputs of two lanes.

// Four bytes of a row of x, at p, against 8 outputs in V18 to V21.
#define GROUP8(p, a, b, c, d) \
	VLD1R.P 4(p), [V22.S4]; \
	VUXTL V22.B8, V22.H8; \
	VMULH(18, 22, 24); \
	VMULH(19, 22, 25); \
	VMULH(20, 22, 26); \
	VMULH(21, 22, 27); \
	VSADALP(24, a); \
	VSADALP(25, b); \
	VSADALP(26, c); \
	VSADALP(27, d)

// The sums of the two lanes of 8 outputs, stored at R0, then the next row.
#define STORE8(a, b, c, d) \
	VADDP b.S4, a.S4, a.S4; \
	VADDP d.S4, c.S4, b.S4; \
	VST1 [a.S4, b.S4], (R0); \
	ADD R1, R0

// func dotI8x4NEON(dst *int32, stride int, x *uint8, w *int8, k int)
TEXT ·dotI8x4NEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD stride+8(FP), R1
	MOVD x+16(FP), R5
	MOVD w+24(FP), R3
	MOVD k+32(FP), R4
	MOVD $64, R2
	LSL  $2, R1
	ADD  R4, R5, R6
	ADD  R4, R6, R7
	ADD  R4, R7, R8
	ZERO4(V0, V1, V2, V3)
	ZERO4(V4, V5, V6, V7)
	ZERO4(V8, V9, V10, V11)
	ZERO4(V12, V13, V14, V15)

group:
	VLD1.P (R3)(R2), [V16.B16, V17.B16]
	VSXTL(16, 18)
	VSXTL2(16, 19)
	VSXTL(17, 20)
	VSXTL2(17, 21)
	GROUP8(R5, 0, 1, 2, 3)
	GROUP8(R6, 4, 5, 6, 7)
	GROUP8(R7, 8, 9, 10, 11)
	GROUP8(R8, 12, 13, 14, 15)
	SUBS   $4, R4
	BNE    group
	STORE8(V0, V1, V2, V3)
	STORE8(V4, V5, V6, V7)
	STORE8(V8, V9, V10, V11)
	STORE8(V12, V13, V14, V15)
	RET

// Four outputs of 16 bytes in register w: widened, times V8, added.
#define GROUP4(w, a, b) \
	VSXTL(w, 24); \
	VSXTL2(w, 25); \
	VMULH(24, 8, 24); \
	VMULH(25, 8, 25); \
	VSADALP(24, a); \
	VSADALP(25, b)

// func dotI8x1NEON(dst *int32, x *uint8, w *int8, k int)
TEXT ·dotI8x1NEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R5
	MOVD w+16(FP), R3
	MOVD k+24(FP), R4
	ZERO4(V0, V1, V2, V3)
	ZERO4(V4, V5, V6, V7)

group:
	VLD1.P  64(R3), [V16.B16, V17.B16, V18.B16, V19.B16]
	VLD1R.P 4(R5), [V8.S4]
	VUXTL   V8.B8, V8.H8
	GROUP4(16, 0, 1)
	GROUP4(17, 2, 3)
	GROUP4(18, 4, 5)
	GROUP4(19, 6, 7)
	SUBS    $4, R4
	BNE     group
	VADDP V1.S4, V0.S4, V0.S4
	VADDP V3.S4, V2.S4, V1.S4
	VADDP V5.S4, V4.S4, V2.S4
	VADDP V7.S4, V6.S4, V3.S4
	VST1  [V0.S4, V1.S4, V2.S4, V3.S4], (R0)
	RET
