#include "textflag.h"
#include "vec_amd64.h"

// SIGMOID: s = 1/(1 + exp(-g)), with f and p to work in; Z24 is -log2(e), Z25 one.
#define SIGMOID(g, s, f, p) \
	VMULPS Z24, g, s; \
	EXP2(s, f, p); \
	VADDPS Z25, s, s; \
	VDIVPS s, Z25, s

// func swiGLU512(a, gu *float32, rows, f int)
TEXT ·swiGLU512(SB), NOSPLIT, $0-32
	EXP2_CONSTANTS
	CONST(MINUS_LOG2E, Z24)
	CONST(ONE, Z25)
	MOVQ a+0(FP), DI
	MOVQ gu+8(FP), SI
	MOVQ rows+16(FP), DX
	MOVQ f+24(FP), BX

row:
	MOVQ BX, CX
	SHRQ $4, CX

group:
	VMOVUPS (SI), Z0
	SIGMOID(Z0, Z1, Z2, Z3)
	VMULPS Z0, Z1, Z1
	VMULPS (SI)(BX*4), Z1, Z1
	VMOVUPS Z1, (DI)
	ADDQ $64, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  group
	LEAQ (SI)(BX*4), SI
	DECQ DX
	JNZ  row
	VZEROUPPER
	RET

// func swiGLUBackward512(dgu, da, gu *float32, rows, f int)
TEXT ·swiGLUBackward512(SB), NOSPLIT, $0-40
	EXP2_CONSTANTS
	CONST(MINUS_LOG2E, Z24)
	CONST(ONE, Z25)
	MOVQ dgu+0(FP), DI
	MOVQ da+8(FP), R8
	MOVQ gu+16(FP), SI
	MOVQ rows+24(FP), DX
	MOVQ f+32(FP), BX

row:
	MOVQ BX, CX
	SHRQ $4, CX

group:
	VMOVUPS (SI), Z0
	VMOVUPS (SI)(BX*4), Z4
	VMOVUPS (R8), Z5
	SIGMOID(Z0, Z1, Z2, Z3)
	VMULPS Z0, Z1, Z2          // silu
	VSUBPS Z2, Z0, Z3
	VFMADD213PS Z1, Z1, Z3     // sig + (g - silu)*sig
	VMULPS Z5, Z4, Z4
	VMULPS Z4, Z3, Z3
	VMULPS Z5, Z2, Z2
	VMOVUPS Z3, (DI)
	VMOVUPS Z2, (DI)(BX*4)
	ADDQ $64, SI
	ADDQ $64, DI
	ADDQ $64, R8
	DECQ CX
	JNZ  group
	LEAQ (SI)(BX*4), SI
	LEAQ (DI)(BX*4), DI
	DECQ DX
	JNZ  row
	VZEROUPPER
	RET

// func max512(x *float32, n int) float32
TEXT ·max512(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	SHRQ $4, CX
	VMOVUPS (SI), Z0

group:
	VMAXPS (SI), Z0, Z0
	ADDQ $64, SI
	DECQ CX
	JNZ  group
	MAX(Z0, Y0, X0, Y1, X1)
	VMOVSS X0, ret+16(FP)
	VZEROUPPER
	RET

// func expSum512(dst, x *float32, n int, top float32) float32
// dst = exp(x - top), its sum; a nil dst keeps the sum only.
TEXT ·expSum512(SB), NOSPLIT, $0-36
	EXP2_CONSTANTS
	CONST(LOG2E, Z25)
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS top+24(FP), Z24
	SHRQ $4, CX
	ZERO(Z0)

group:
	VMOVUPS (SI), Z1
	VSUBPS Z24, Z1, Z1
	VMULPS Z25, Z1, Z1
	EXP2(Z1, Z2, Z3)
	VADDPS Z1, Z0, Z0
	ADDQ $64, SI
	TESTQ DI, DI
	JZ   next
	VMOVUPS Z1, (DI)
	ADDQ $64, DI

next:
	DECQ CX
	JNZ  group
	SUM(Z0, Y0, X0, Y1, X1)
	VMOVSS X0, ret+32(FP)
	VZEROUPPER
	RET
