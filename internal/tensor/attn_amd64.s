#include "go_asm.h"
#include "textflag.h"
#include "bf16_amd64.h"
#include "vec_amd64.h"

// func normRope512(h *ropeRow)
// SI head of x, DI head of y, R8 r, R9 gain, R10 cos, R11 sin, BX bytes of half a
// head, DX heads left, CX byte within the half.
TEXT ·normRope512(SB), NOSPLIT, $0-8
	MOVQ h+0(FP), R12
	MOVQ ropeRow_x(R12), SI
	MOVQ ropeRow_y(R12), DI
	MOVQ ropeRow_r(R12), R8
	MOVQ ropeRow_gain(R12), R9
	MOVQ ropeRow_cos(R12), R10
	MOVQ ropeRow_sin(R12), R11
	MOVQ ropeRow_half(R12), BX
	MOVQ ropeRow_heads(R12), DX
	LEAQ (BX)(BX*1), R13
	VCVTSI2SSQ R13, X14, X14   // values of a head
	VMOVSS ropeRow_eps(R12), X15
	CONST(ONE, Z13)
	SHLQ $2, BX

head:
	ZERO(Z0)
	XORQ CX, CX
	LEAQ (SI)(BX*1), R13
	LEAQ (R9)(BX*1), R14

square:
	VMOVUPS (SI)(CX*1), Z1
	VMOVUPS (R13)(CX*1), Z2
	VFMADD231PS Z1, Z1, Z0
	VFMADD231PS Z2, Z2, Z0
	ADDQ $64, CX
	CMPQ CX, BX
	JLT  square
	SUM(Z0, Y0, X0, Y1, X1)
	VDIVSS X14, X0, X0
	VADDSS X15, X0, X0
	VSQRTSS X0, X0, X0
	VDIVSS X0, X13, X0
	VMOVSS X0, (R8)
	VBROADCASTSS X0, Z0
	LEAQ (DI)(BX*1), R12
	XORQ CX, CX

rotate:
	VMULPS (SI)(CX*1), Z0, Z1
	VMULPS (R13)(CX*1), Z0, Z2
	VMULPS (R9)(CX*1), Z1, Z1
	VMULPS (R14)(CX*1), Z2, Z2
	VMOVUPS (R10)(CX*1), Z3
	VMOVUPS (R11)(CX*1), Z4
	VMULPS Z4, Z2, Z5
	VMULPS Z4, Z1, Z6
	VFMSUB231PS Z3, Z1, Z5
	VFMADD231PS Z3, Z2, Z6
	VMOVUPS Z5, (DI)(CX*1)
	VMOVUPS Z6, (R12)(CX*1)
	ADDQ $64, CX
	CMPQ CX, BX
	JLT  rotate

	LEAQ (SI)(BX*2), SI
	LEAQ (DI)(BX*2), DI
	ADDQ $4, R8
	DECQ DX
	JNZ  head
	VZEROUPPER
	RET

// func normRopeBackward512(h *ropeRow)
// As normRope512; y holds its gradient and becomes that of x. AX dgain, and R12,
// R13, R14, R15 second halves of y, x, gain, dgain. (R15 is reserved only in code that is
// linked dynamically.)
TEXT ·normRopeBackward512(SB), NOSPLIT, $0-8
	MOVQ h+0(FP), R12
	MOVQ ropeRow_x(R12), SI
	MOVQ ropeRow_y(R12), DI
	MOVQ ropeRow_r(R12), R8
	MOVQ ropeRow_gain(R12), R9
	MOVQ ropeRow_cos(R12), R10
	MOVQ ropeRow_sin(R12), R11
	MOVQ ropeRow_half(R12), BX
	MOVQ ropeRow_heads(R12), DX
	MOVQ ropeRow_dgain(R12), AX
	LEAQ (BX)(BX*1), R13
	VCVTSI2SSQ R13, X14, X14
	SHLQ $2, BX

head:
	ZERO(Z0)
	VBROADCASTSS (R8), Z12
	XORQ CX, CX
	LEAQ (DI)(BX*1), R12
	LEAQ (SI)(BX*1), R13
	LEAQ (R9)(BX*1), R14
	LEAQ (AX)(BX*1), R15

turn:
	VMOVUPS (DI)(CX*1), Z1
	VMOVUPS (R12)(CX*1), Z2
	VMOVUPS (R10)(CX*1), Z3
	VMOVUPS (R11)(CX*1), Z4
	VMULPS Z4, Z2, Z5
	VMULPS Z4, Z1, Z6
	VFMADD231PS Z3, Z1, Z5     // u = a cos + b sin
	VFMSUB231PS Z3, Z2, Z6     // v = b cos - a sin
	VMOVUPS (SI)(CX*1), Z1
	VMOVUPS (R13)(CX*1), Z2
	VMULPS Z12, Z1, Z3
	VMULPS Z12, Z2, Z4
	VFMADD213PS (AX)(CX*1), Z5, Z3
	VFMADD213PS (R15)(CX*1), Z6, Z4
	VMOVUPS Z3, (AX)(CX*1)
	VMOVUPS Z4, (R15)(CX*1)
	VMULPS (R9)(CX*1), Z5, Z5
	VMULPS (R14)(CX*1), Z6, Z6
	VFMADD231PS Z1, Z5, Z0
	VFMADD231PS Z2, Z6, Z0
	VMOVUPS Z5, (DI)(CX*1)
	VMOVUPS Z6, (R12)(CX*1)
	ADDQ $64, CX
	CMPQ CX, BX
	JLT  turn

	SUM(Z0, Y0, X0, Y1, X1)
	VMULSS X12, X0, X0
	VMULSS X12, X0, X0
	VDIVSS X14, X0, X0
	VBROADCASTSS X0, Z0
	LEAQ (BX)(BX*1), R13
	XORQ CX, CX

norm:
	VMOVUPS (DI)(CX*1), Z1
	VFNMADD231PS (SI)(CX*1), Z0, Z1
	VMULPS Z12, Z1, Z1
	VMOVUPS Z1, (DI)(CX*1)
	ADDQ $64, CX
	CMPQ CX, R13
	JLT  norm

	ADDQ R13, SI
	ADDQ R13, DI
	ADDQ $4, R8
	DECQ DX
	JNZ  head
	VZEROUPPER
	RET

DATA lanes<>+0(SB)/8, $0x0000000100000000
DATA lanes<>+8(SB)/8, $0x0000000300000002
DATA lanes<>+16(SB)/8, $0x0000000500000004
DATA lanes<>+24(SB)/8, $0x0000000700000006
DATA lanes<>+32(SB)/8, $0x0000000900000008
DATA lanes<>+40(SB)/8, $0x0000000b0000000a
DATA lanes<>+48(SB)/8, $0x0000000d0000000c
DATA lanes<>+56(SB)/8, $0x0000000f0000000e
GLOBL lanes<>(SB), RODATA|NOPTR, $64

// func softmax512(a *softmaxRows)
// R8 first and R9 last column of the row at SI, Z19 columns of the group,
// Z20 lowest score, DI row of probabilities.
TEXT ·softmax512(SB), NOSPLIT, $0-8
	EXP2_CONSTANTS
	CONST(0xf149f2ca, Z20)     // -1e30
	CONST(16, Z18)
	CONST(ONE, Z21)
	VMOVDQU32 lanes<>(SB), Z17
	MOVQ a+0(FP), BX
	MOVQ softmaxRows_s(BX), SI
	MOVQ softmaxRows_p(BX), DI
	MOVQ softmaxRows_first(BX), R8
	MOVQ softmaxRows_last(BX), R9
	MOVQ softmaxRows_rows(BX), DX
	MOVQ softmaxRows_n(BX), R13
	VBROADCASTSS softmaxRows_scale(BX), Z25

row:
	VPBROADCASTD R8, Z23
	VPBROADCASTD R9, Z24
	VMOVAPS Z20, Z0
	VMOVDQA32 Z17, Z19
	XORQ CX, CX

top:
	VPCMPD $5, Z23, Z19, K1    // column >= first
	VPCMPD $2, Z24, Z19, K1, K2
	VMOVAPS Z20, Z1
	VMOVUPS (SI)(CX*4), K2, Z1
	VMOVUPS Z1, (SI)(CX*4)
	VMAXPS Z1, Z0, Z0
	VPADDD Z18, Z19, Z19
	ADDQ $16, CX
	CMPQ CX, R13
	JLT  top
	MAX(Z0, Y0, X0, Y1, X1)
	VBROADCASTSS X0, Z22
	VMULPS Z25, Z22, Z22
	ZERO(Z0)
	XORQ CX, CX

power:
	VMOVUPS (SI)(CX*4), Z1
	VFMSUB213PS Z22, Z25, Z1
	EXP2(Z1, Z2, Z3)
	VMOVUPS Z1, (SI)(CX*4)
	VADDPS Z1, Z0, Z0
	ADDQ $16, CX
	CMPQ CX, R13
	JLT  power
	SUM(Z0, Y0, X0, Y1, X1)
	VDIVSS X0, X21, X0
	VBROADCASTSS X0, Z0
	XORQ CX, CX

norm:
	VMULPS (SI)(CX*4), Z0, Z1
	CVT1(1, 1)
	VMOVDQU Y1, (DI)(CX*2)
	ADDQ $16, CX
	CMPQ CX, R13
	JLT  norm

	ADDQ softmaxRows_lds(BX), SI
	ADDQ softmaxRows_ldp(BX), DI
	INCQ R8
	INCQ R9
	DECQ DX
	JNZ  row
	VZEROUPPER
	RET

// wide puts 16 bfloat16 at m into z as float32.
#define WIDE(m, z) \
	VPMOVZXWD m, z; \
	VPSLLD $16, z, z

// func softmaxBackward512(a *softmaxPairs)
// Two rows at a time. SI and R8 rows of dp, DI and R9 rows of p, R10 and R11 rows
// of ds, R12 panel of p, R14 panel of ds; CX column.
TEXT ·softmaxBackward512(SB), NOSPLIT, $0-8
	VMOVDQU32 ·interleave(SB), Z31
	MOVQ a+0(FP), BX
	MOVQ softmaxPairs_dp(BX), SI
	MOVQ softmaxPairs_p(BX), DI
	MOVQ softmaxPairs_ds(BX), R10
	MOVQ softmaxPairs_n(BX), R13
	MOVQ softmaxPairs_pairs(BX), DX
	VBROADCASTSS softmaxPairs_scale(BX), Z30

pair:
	MOVQ SI, R8
	ADDQ softmaxPairs_lddp(BX), R8
	MOVQ DI, R9
	ADDQ softmaxPairs_ldp(BX), R9
	MOVQ R10, R11
	ADDQ softmaxPairs_ldds(BX), R11
	ZERO(Z0)
	ZERO(Z1)
	XORQ CX, CX

dot:
	WIDE((DI)(CX*2), Z2)
	WIDE((R9)(CX*2), Z3)
	VFMADD231PS (SI)(CX*4), Z2, Z0
	VFMADD231PS (R8)(CX*4), Z3, Z1
	ADDQ $16, CX
	CMPQ CX, R13
	JLT  dot
	SUM(Z0, Y0, X0, Y4, X4)
	SUM(Z1, Y1, X1, Y4, X4)
	VBROADCASTSS X0, Z0
	VBROADCASTSS X1, Z1
	MOVQ softmaxPairs_pt(BX), R12
	MOVQ softmaxPairs_dst(BX), R14
	XORQ CX, CX

group:
#define HALF(at) \
	VMOVDQU (DI)(CX*2), Y2; \
	VMOVDQU (R9)(CX*2), Y3; \
	VPMOVZXWD Y2, Z4; \
	VPMOVZXWD Y3, Z5; \
	VPSLLD $16, Z4, Z4; \
	VPSLLD $16, Z5, Z5; \
	VMOVUPS (SI)(CX*4), Z6; \
	VMOVUPS (R8)(CX*4), Z7; \
	VSUBPS Z0, Z6, Z6; \
	VSUBPS Z1, Z7, Z7; \
	VMULPS Z30, Z4, Z4; \
	VMULPS Z30, Z5, Z5; \
	VMULPS Z4, Z6, Z6; \
	VMULPS Z5, Z7, Z7; \
	CVT2(6, 7, 6); \
	VMOVDQU Y6, (R10)(CX*2); \
	VEXTRACTI64X4 $1, Z6, (R11)(CX*2); \
	VINSERTI64X4 $1, Y3, Z2, Z2; \
	VPERMW Z2, Z31, Z2; \
	VPERMW Z6, Z31, Z6; \
	VMOVDQU32 Z2, at(R12); \
	VMOVDQU32 Z6, at(R14); \
	ADDQ $16, CX
	HALF(0)
	HALF(64)
	ADDQ softmaxPairs_step(BX), R12
	ADDQ softmaxPairs_step(BX), R14
	CMPQ CX, R13
	JLT  group

	ADDQ $128, softmaxPairs_pt(BX)
	ADDQ $128, softmaxPairs_dst(BX)
	MOVQ softmaxPairs_lddp(BX), AX
	LEAQ (SI)(AX*2), SI
	MOVQ softmaxPairs_ldp(BX), AX
	LEAQ (DI)(AX*2), DI
	MOVQ softmaxPairs_ldds(BX), AX
	LEAQ (R10)(AX*2), R10
	DECQ DX
	JNZ  pair
	VZEROUPPER
	RET
