//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// Elementwise kernels over blocks of 16 elements, at least one block.

#define LOAD16(p, a, b, c, d) VLD1.P 64(p), [a.S4, b.S4, c.S4, d.S4]
#define STORE16(p, a, b, c, d) VST1.P [a.S4, b.S4, c.S4, d.S4], 64(p)

// op on V0 to V3 and V4 to V7, or on V0 to V3 and one register m.
#define EACH(op) op(4, 0, 0); op(5, 1, 1); op(6, 2, 2); op(7, 3, 3)
#define ALL(op, m) op(m, 0, 0); op(m, 1, 1); op(m, 2, 2); op(m, 3, 3)
#define ALL1(op) op(0, 0); op(1, 1); op(2, 2); op(3, 3)

// func addNEON(dst, x *float32, blocks int)
TEXT ·addNEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD blocks+16(FP), R2

loop:
	LOAD16(R1, V4, V5, V6, V7)
	VLD1 (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	EACH(VFADD)
	STORE16(R0, V0, V1, V2, V3)
	SUBS $1, R2
	BNE  loop
	RET

// func mulNEON(dst, x *float32, blocks int)
TEXT ·mulNEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD blocks+16(FP), R2

loop:
	LOAD16(R1, V4, V5, V6, V7)
	VLD1 (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	EACH(VFMUL)
	STORE16(R0, V0, V1, V2, V3)
	SUBS $1, R2
	BNE  loop
	RET

// func scaleNEON(dst, x *float32, blocks int, r float32)
TEXT ·scaleNEON(SB), NOSPLIT, $0-28
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	MOVD  blocks+16(FP), R2
	FMOVS r+24(FP), F8
	VDUP  V8.S[0], V8.S4

loop:
	LOAD16(R1, V0, V1, V2, V3)
	ALL(VFMUL, 8)
	STORE16(R0, V0, V1, V2, V3)
	SUBS $1, R2
	BNE  loop
	RET

// func axpyNEON(dst *float32, a float32, x *float32, blocks int)
TEXT ·axpyNEON(SB), NOSPLIT, $0-32
	MOVD  dst+0(FP), R0
	FMOVS a+8(FP), F8
	MOVD  x+16(FP), R1
	MOVD  blocks+24(FP), R2

loop:
	LOAD16(R1, V4, V5, V6, V7)
	VLD1 (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VFMLAE(8, 0, 4, 0)
	VFMLAE(8, 0, 5, 1)
	VFMLAE(8, 0, 6, 2)
	VFMLAE(8, 0, 7, 3)
	STORE16(R0, V0, V1, V2, V3)
	SUBS $1, R2
	BNE  loop
	RET

// func maxNEON(x *float32, blocks int) float32
TEXT ·maxNEON(SB), NOSPLIT, $0-20
	MOVD x+0(FP), R1
	MOVD blocks+8(FP), R2
	VLD1 (R1), [V4.S4, V5.S4, V6.S4, V7.S4]

loop:
	LOAD16(R1, V0, V1, V2, V3)
	VFMAX(0, 4, 4)
	VFMAX(1, 5, 5)
	VFMAX(2, 6, 6)
	VFMAX(3, 7, 7)
	SUBS  $1, R2
	BNE   loop
	VFMAX(5, 4, 4)
	VFMAX(7, 6, 6)
	VFMAX(6, 4, 4)
	VFMAXV(4, 4)
	FMOVS F4, ret+16(FP)
	RET

// func maxAbsNEON(x *float32, blocks int) float32
TEXT ·maxAbsNEON(SB), NOSPLIT, $0-20
	MOVD x+0(FP), R1
	MOVD blocks+8(FP), R2
	VEOR V4.B16, V4.B16, V4.B16
	VEOR V5.B16, V5.B16, V5.B16
	VEOR V6.B16, V6.B16, V6.B16
	VEOR V7.B16, V7.B16, V7.B16

loop:
	LOAD16(R1, V0, V1, V2, V3)
	ALL1(VFABS)
	VFMAX(0, 4, 4)
	VFMAX(1, 5, 5)
	VFMAX(2, 6, 6)
	VFMAX(3, 7, 7)
	SUBS  $1, R2
	BNE   loop
	VFMAX(5, 4, 4)
	VFMAX(7, 6, 6)
	VFMAX(6, 4, 4)
	VFMAXV(4, 4)
	FMOVS F4, ret+16(FP)
	RET

// func sumSqNEON(lane *[16]float32, x *float32, blocks int)
TEXT ·sumSqNEON(SB), NOSPLIT, $0-24
	MOVD lane+0(FP), R0
	MOVD x+8(FP), R1
	MOVD blocks+16(FP), R2
	VLD1 (R0), [V4.S4, V5.S4, V6.S4, V7.S4]

loop:
	LOAD16(R1, V0, V1, V2, V3)
	VFMLA V0.S4, V0.S4, V4.S4
	VFMLA V1.S4, V1.S4, V5.S4
	VFMLA V2.S4, V2.S4, V6.S4
	VFMLA V3.S4, V3.S4, V7.S4
	SUBS  $1, R2
	BNE   loop
	VST1  [V4.S4, V5.S4, V6.S4, V7.S4], (R0)
	RET

// The rounding constant 1.5*2^23 leaves the integer in the low byte; VUZP1
// twice keeps the first byte of every four.

// func quantizeNEON(q *uint8, x *float32, blocks int, inv, round float32, zero uint8)
TEXT ·quantizeNEON(SB), NOSPLIT, $0-33
	MOVD  q+0(FP), R0
	MOVD  x+8(FP), R1
	MOVD  blocks+16(FP), R2
	FMOVS inv+24(FP), F8
	FMOVS round+28(FP), F9
	MOVBU zero+32(FP), R3
	VDUP  V8.S[0], V8.S4
	VDUP  V9.S[0], V9.S4
	VDUP  R3, V10.B16

loop:
	LOAD16(R1, V0, V1, V2, V3)
	ALL(VFMUL, 8)
	ALL(VFADD, 9)
	VUZP1  V1.B16, V0.B16, V0.B16
	VUZP1  V3.B16, V2.B16, V2.B16
	VUZP1  V2.B16, V0.B16, V0.B16
	VADD   V10.B16, V0.B16, V0.B16
	VST1.P [V0.B16], 16(R0)
	SUBS   $1, R2
	BNE    loop
	RET

// func dequantNEON(dst *float32, acc, bias *int32, scale *float32, blocks int, a float32)
TEXT ·dequantNEON(SB), NOSPLIT, $0-44
	MOVD  dst+0(FP), R0
	MOVD  acc+8(FP), R1
	MOVD  bias+16(FP), R3
	MOVD  scale+24(FP), R4
	MOVD  blocks+32(FP), R2
	FMOVS a+40(FP), F8
	VDUP  V8.S[0], V8.S4

loop:
	LOAD16(R1, V4, V5, V6, V7)
	LOAD16(R3, V16, V17, V18, V19)
	LOAD16(R4, V0, V1, V2, V3)
	VSUB V16.S4, V4.S4, V4.S4
	VSUB V17.S4, V5.S4, V5.S4
	VSUB V18.S4, V6.S4, V6.S4
	VSUB V19.S4, V7.S4, V7.S4
	VSCVTF(4, 4)
	VSCVTF(5, 5)
	VSCVTF(6, 6)
	VSCVTF(7, 7)
	ALL(VFMUL, 8)
	EACH(VFMUL)
	STORE16(R0, V0, V1, V2, V3)
	SUBS $1, R2
	BNE  loop
	RET

// func ropeNEON(a, b, cos, sin *float32, blocks int)
TEXT ·ropeNEON(SB), NOSPLIT, $0-40
	MOVD a+0(FP), R0
	MOVD b+8(FP), R1
	MOVD cos+16(FP), R3
	MOVD sin+24(FP), R4
	MOVD blocks+32(FP), R2

loop:
	VLD1  (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1  (R1), [V4.S4, V5.S4, V6.S4, V7.S4]
	LOAD16(R3, V16, V17, V18, V19)
	LOAD16(R4, V20, V21, V22, V23)
	VFMUL(20, 4, 24)
	VFMUL(21, 5, 25)
	VFMUL(22, 6, 26)
	VFMUL(23, 7, 27)
	VFNEG(24, 24)
	VFNEG(25, 25)
	VFNEG(26, 26)
	VFNEG(27, 27)
	VFMUL(20, 0, 28)
	VFMUL(21, 1, 29)
	VFMUL(22, 2, 30)
	VFMUL(23, 3, 31)
	VFMLA V16.S4, V0.S4, V24.S4
	VFMLA V17.S4, V1.S4, V25.S4
	VFMLA V18.S4, V2.S4, V26.S4
	VFMLA V19.S4, V3.S4, V27.S4
	VFMLA V16.S4, V4.S4, V28.S4
	VFMLA V17.S4, V5.S4, V29.S4
	VFMLA V18.S4, V6.S4, V30.S4
	VFMLA V19.S4, V7.S4, V31.S4
	STORE16(R0, V24, V25, V26, V27)
	STORE16(R1, V28, V29, V30, V31)
	SUBS  $1, R2
	BNE   loop
	RET

// func weightsNEON(w *uint32, e *float32, blocks int, k float32) uint32
TEXT ·weightsNEON(SB), NOSPLIT, $0-36
	MOVD  w+0(FP), R0
	MOVD  e+8(FP), R1
	MOVD  blocks+16(FP), R2
	FMOVS k+24(FP), F8
	VDUP  V8.S[0], V8.S4
	MOVW  $1, R3
	VDUP  R3, V9.S4
	VEOR  V4.B16, V4.B16, V4.B16
	VEOR  V5.B16, V5.B16, V5.B16

loop:
	LOAD16(R1, V0, V1, V2, V3)
	ALL(VFMUL, 8)
	ALL1(VFCVTZU)
	VADD  V9.S4, V0.S4, V0.S4
	VADD  V9.S4, V1.S4, V1.S4
	VADD  V9.S4, V2.S4, V2.S4
	VADD  V9.S4, V3.S4, V3.S4
	STORE16(R0, V0, V1, V2, V3)
	VADD  V1.S4, V0.S4, V0.S4
	VADD  V3.S4, V2.S4, V2.S4
	VADD  V0.S4, V4.S4, V4.S4
	VADD  V2.S4, V5.S4, V5.S4
	SUBS  $1, R2
	BNE   loop
	VADD  V5.S4, V4.S4, V4.S4
	VADDV V4.S4, V4
	FMOVS F4, ret+32(FP)
	RET

// Inclusive prefix sums of the four lanes of v; V16 is zero, V17 scratch.
#define SCAN4(v) \
	VEXT $12, v.B16, V16.B16, V17.B16; \
	VADD V17.S4, v.S4, v.S4; \
	VEXT $8, v.B16, V16.B16, V17.B16; \
	VADD V17.S4, v.S4, v.S4

// The sum so far, in all lanes of V8, added to v; then that up to v's last.
#define CARRY4(v) \
	VADD V8.S4, v.S4, v.S4; \
	VDUP v.S[3], V8.S4

// func prefixNEON(cum, w *uint32, blocks int)
TEXT ·prefixNEON(SB), NOSPLIT, $0-24
	MOVD cum+0(FP), R0
	MOVD w+8(FP), R1
	MOVD blocks+16(FP), R2
	VEOR V16.B16, V16.B16, V16.B16
	VEOR V8.B16, V8.B16, V8.B16

loop:
	LOAD16(R1, V0, V1, V2, V3)
	SCAN4(V0)
	SCAN4(V1)
	SCAN4(V2)
	SCAN4(V3)
	CARRY4(V0)
	CARRY4(V1)
	CARRY4(V2)
	CARRY4(V3)
	STORE16(R0, V0, V1, V2, V3)
	SUBS $1, R2
	BNE  loop
	RET
