//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// The constants of Exp32 in V20 to V31, each in all lanes; R9 is clobbered.
#define EXPCONST \
	MOVD $·expNEON(SB), R9; \
	VLD1R.P 4(R9), [V20.S4]; \
	VLD1R.P 4(R9), [V21.S4]; \
	VLD1R.P 4(R9), [V22.S4]; \
	VLD1R.P 4(R9), [V23.S4]; \
	VLD1R.P 4(R9), [V24.S4]; \
	VLD1R.P 4(R9), [V25.S4]; \
	VLD1R.P 4(R9), [V26.S4]; \
	VLD1R.P 4(R9), [V27.S4]; \
	VLD1R.P 4(R9), [V28.S4]; \
	VLD1R.P 4(R9), [V29.S4]; \
	VLD1R.P 4(R9), [V30.S4]; \
	VLD1R.P 4(R9), [V31.S4]

// One step of Horner's rule for two registers: q = p*V0 + c, r = s*V1 + c.
#define HORNER(c, p, q, s, r) \
	VMOV c.B16, q.B16; \
	VMOV c.B16, r.B16; \
	VFMLA V0.S4, p.S4, q.S4; \
	VFMLA V1.S4, s.S4, r.S4

// V0, V1 = exp of V0, V1 by the steps of Exp32: clamp, z in V2 and V3, n in V4
// and V5, r in V0 and V1, the polynomial, n added to the exponent. V2 to V7 are
// scratch.
#define EXP8 \
	VFMAX(20, 0, 0); \
	VFMAX(20, 1, 1); \
	VFMIN(21, 0, 0); \
	VFMIN(21, 1, 1); \
	VMOV V23.B16, V2.B16; \
	VMOV V23.B16, V3.B16; \
	VFMLA V22.S4, V0.S4, V2.S4; \
	VFMLA V22.S4, V1.S4, V3.S4; \
	VFSUB(23, 2, 4); \
	VFSUB(23, 3, 5); \
	VFMLA V24.S4, V4.S4, V0.S4; \
	VFMLA V24.S4, V5.S4, V1.S4; \
	VFMLA V25.S4, V4.S4, V0.S4; \
	VFMLA V25.S4, V5.S4, V1.S4; \
	HORNER(V27, V26, V4, V26, V5); \
	HORNER(V28, V4, V6, V5, V7); \
	HORNER(V29, V6, V4, V7, V5); \
	HORNER(V30, V4, V6, V5, V7); \
	HORNER(V31, V6, V4, V7, V5); \
	HORNER(V31, V4, V6, V5, V7); \
	VSHL $23, V2.S4, V2.S4; \
	VSHL $23, V3.S4, V3.S4; \
	VADD V2.S4, V6.S4, V0.S4; \
	VADD V3.S4, V7.S4, V1.S4

// func expSumNEON(lane *[16]float32, dst, x *float32, blocks int, m float32)
TEXT ·expSumNEON(SB), NOSPLIT, $0-36
	MOVD  lane+0(FP), R3
	MOVD  dst+8(FP), R0
	MOVD  x+16(FP), R1
	MOVD  blocks+24(FP), R2
	FMOVS m+32(FP), F8
	VDUP  V8.S[0], V8.S4
	VLD1  (R3), [V16.S4, V17.S4, V18.S4, V19.S4]
	EXPCONST

loop:
	VLD1.P 32(R1), [V0.S4, V1.S4]
	VFSUB(8, 0, 0)
	VFSUB(8, 1, 1)
	EXP8
	VST1.P [V0.S4, V1.S4], 32(R0)
	VFADD(0, 16, 16)
	VFADD(1, 17, 17)
	VLD1.P 32(R1), [V0.S4, V1.S4]
	VFSUB(8, 0, 0)
	VFSUB(8, 1, 1)
	EXP8
	VST1.P [V0.S4, V1.S4], 32(R0)
	VFADD(0, 18, 18)
	VFADD(1, 19, 19)
	SUBS   $1, R2
	BNE    loop
	VST1   [V16.S4, V17.S4, V18.S4, V19.S4], (R3)
	RET

// func siluMulNEON(dst, gate, up *float32, blocks int), of blocks of 8
TEXT ·siluMulNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD gate+8(FP), R1
	MOVD up+16(FP), R3
	MOVD blocks+24(FP), R2
	EXPCONST

loop:
	VLD1.P 32(R1), [V16.S4, V17.S4]
	VLD1.P 32(R3), [V18.S4, V19.S4]
	VFNEG(16, 0)
	VFNEG(17, 1)
	EXP8
	VFADD(0, 31, 0)
	VFADD(1, 31, 1)
	VFDIV(0, 31, 0)
	VFDIV(1, 31, 1)
	VFMUL(0, 16, 0)
	VFMUL(1, 17, 1)
	VFMUL(18, 0, 0)
	VFMUL(19, 1, 1)
	VST1.P [V0.S4, V1.S4], 32(R0)
	SUBS   $1, R2
	BNE    loop
	RET
