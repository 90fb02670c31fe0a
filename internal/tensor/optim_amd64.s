#include "go_asm.h"
#include "textflag.h"
#include "vec_amd64.h"

// In this file n is a multiple of 16.

// func add512(dst, x *float32, n int)
TEXT ·add512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	SHRQ $4, CX

group:
	VMOVUPS (DI), Z0
	VADDPS (SI), Z0, Z0
	VMOVUPS Z0, (DI)
	ADDQ $64, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  group
	VZEROUPPER
	RET

// func axpy512(dst, x *float32, n int, a float32)
TEXT ·axpy512(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS a+24(FP), Z1
	SHRQ $4, CX

group:
	VMOVUPS (DI), Z0
	VFMADD231PS (SI), Z1, Z0
	VMOVUPS Z0, (DI)
	ADDQ $64, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  group
	VZEROUPPER
	RET

// func scale512(x *float32, n int, a float32)
TEXT ·scale512(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), DI
	MOVQ n+8(FP), CX
	VBROADCASTSS a+16(FP), Z1
	SHRQ $4, CX

group:
	VMULPS (DI), Z1, Z0
	VMOVUPS Z0, (DI)
	ADDQ $64, DI
	DECQ CX
	JNZ  group
	VZEROUPPER
	RET

// func sumSquares512(x *float32, n int) float32
TEXT ·sumSquares512(SB), NOSPLIT, $0-20
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	SHRQ $4, CX
	ZERO(Z0)

group:
	VMOVUPS (SI), Z1
	VFMADD231PS Z1, Z1, Z0
	ADDQ $64, SI
	DECQ CX
	JNZ  group
	SUM(Z0, Y0, X0, Y1, X1)
	VMOVSS X0, ret+16(FP)
	VZEROUPPER
	RET

// func momentum512(u, m, grad *float32, n int, mu, rest float32)
TEXT ·momentum512(SB), NOSPLIT, $0-40
	MOVQ u+0(FP), DI
	MOVQ m+8(FP), R8
	MOVQ grad+16(FP), SI
	MOVQ n+24(FP), CX
	VBROADCASTSS mu+32(FP), Z1
	VBROADCASTSS rest+36(FP), Z2
	SHRQ $4, CX

group:
	VMULPS (SI), Z2, Z3
	VMOVUPS (R8), Z0
	VFMADD213PS Z3, Z1, Z0
	VMOVUPS Z0, (R8)
	VFMADD213PS Z3, Z1, Z0
	VMOVUPS Z0, (DI)
	ADDQ $64, SI
	ADDQ $64, DI
	ADDQ $64, R8
	DECQ CX
	JNZ  group
	VZEROUPPER
	RET

// func adamW512(w, grad, m, v *float32, n int, h *adamStep)
TEXT ·adamW512(SB), NOSPLIT, $0-48
	MOVQ w+0(FP), DI
	MOVQ grad+8(FP), SI
	MOVQ m+16(FP), R8
	MOVQ v+24(FP), R9
	MOVQ n+32(FP), CX
	MOVQ h+40(FP), BX
	VBROADCASTSS adamStep_beta1(BX), Z8
	VBROADCASTSS adamStep_rest1(BX), Z9
	VBROADCASTSS adamStep_beta2(BX), Z10
	VBROADCASTSS adamStep_rest2(BX), Z11
	VBROADCASTSS adamStep_keep(BX), Z12
	VBROADCASTSS adamStep_rate(BX), Z13
	VBROADCASTSS adamStep_root(BX), Z14
	VBROADCASTSS adamStep_eps(BX), Z15
	SHRQ $4, CX

group:
	VMOVUPS (SI), Z0
	VMULPS Z9, Z0, Z1
	VFMADD231PS (R8), Z8, Z1
	VMOVUPS Z1, (R8)
	VMULPS Z0, Z0, Z2
	VMULPS Z11, Z2, Z2
	VFMADD231PS (R9), Z10, Z2
	VMOVUPS Z2, (R9)
	VSQRTPS Z2, Z2
	VFMADD213PS Z15, Z14, Z2   // sqrt(v)*root + eps
	VMULPS Z13, Z1, Z1
	VDIVPS Z2, Z1, Z1
	VMOVUPS (DI), Z3
	VFMSUB213PS Z1, Z12, Z3    // w*keep - step
	VMOVUPS Z3, (DI)
	ADDQ $64, SI
	ADDQ $64, DI
	ADDQ $64, R8
	ADDQ $64, R9
	DECQ CX
	JNZ  group
	VZEROUPPER
	RET
