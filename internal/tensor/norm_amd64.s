#include "textflag.h"
#include "vec_amd64.h"

// In this file SI, DI, R8, ... walk arrays, DX counts rows, CX groups of 16
// columns, R13 holds the groups of a row.

// func rmsNorm512(y, r, x *float32, rows, d int, eps float32)
TEXT ·rmsNorm512(SB), NOSPLIT, $0-44
	MOVQ y+0(FP), DI
	MOVQ r+8(FP), R8
	MOVQ x+16(FP), SI
	MOVQ rows+24(FP), DX
	MOVQ d+32(FP), R13
	VCVTSI2SSQ R13, X14, X14
	VMOVSS eps+40(FP), X15
	SHRQ $4, R13
	CONST(ONE, Z13)

row:
	ZERO(Z0)
	MOVQ SI, R9
	MOVQ R13, CX

square:
	VMOVUPS (R9), Z1
	VFMADD231PS Z1, Z1, Z0
	ADDQ $64, R9
	DECQ CX
	JNZ  square
	SUM(Z0, Y0, X0, Y1, X1)
	VDIVSS X14, X0, X0
	VADDSS X15, X0, X0
	VSQRTSS X0, X0, X0
	VDIVSS X0, X13, X0
	VMOVSS X0, (R8)
	VBROADCASTSS X0, Z0
	MOVQ R13, CX

scale:
	VMULPS (SI), Z0, Z1
	VMOVUPS Z1, (DI)
	ADDQ $64, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  scale
	ADDQ $4, R8
	DECQ DX
	JNZ  row
	VZEROUPPER
	RET

// func rmsNormBackward512(dx, dy, y, r *float32, rows, d, acc int)
TEXT ·rmsNormBackward512(SB), NOSPLIT, $0-56
	MOVQ dx+0(FP), DI
	MOVQ dy+8(FP), SI
	MOVQ y+16(FP), R8
	MOVQ r+24(FP), R9
	MOVQ rows+32(FP), DX
	MOVQ d+40(FP), R13
	MOVQ acc+48(FP), BX
	VCVTSI2SSQ R13, X14, X14
	SHRQ $4, R13

row:
	ZERO(Z0)
	XORQ R10, R10
	MOVQ R13, CX

dot:
	VMOVUPS (SI)(R10*1), Z1
	VFMADD231PS (R8)(R10*1), Z1, Z0
	ADDQ $64, R10
	DECQ CX
	JNZ  dot
	SUM(Z0, Y0, X0, Y1, X1)
	VDIVSS X14, X0, X0
	VBROADCASTSS X0, Z0
	VBROADCASTSS (R9), Z2
	XORQ R10, R10
	MOVQ R13, CX
	TESTQ BX, BX
	JNZ  more

set:
	VMOVUPS (SI)(R10*1), Z1
	VFNMADD231PS (R8)(R10*1), Z0, Z1
	VMULPS Z2, Z1, Z1
	VMOVUPS Z1, (DI)(R10*1)
	ADDQ $64, R10
	DECQ CX
	JNZ  set
	JMP  next

more:
	VMOVUPS (SI)(R10*1), Z1
	VFNMADD231PS (R8)(R10*1), Z0, Z1
	VFMADD213PS (DI)(R10*1), Z2, Z1
	VMOVUPS Z1, (DI)(R10*1)
	ADDQ $64, R10
	DECQ CX
	JNZ  more

next:
	ADDQ R10, SI
	ADDQ R10, DI
	ADDQ R10, R8
	ADDQ $4, R9
	DECQ DX
	JNZ  row
	VZEROUPPER
	RET

// func gain512(y, x, gain *float32, rows, d int)
TEXT ·gain512(SB), NOSPLIT, $0-40
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ gain+16(FP), R8
	MOVQ rows+24(FP), DX
	MOVQ d+32(FP), R13
	SHRQ $4, R13

row:
	XORQ R10, R10
	MOVQ R13, CX

group:
	VMOVUPS (SI)(R10*1), Z0
	VMULPS (R8)(R10*1), Z0, Z0
	VMOVUPS Z0, (DI)(R10*1)
	ADDQ $64, R10
	DECQ CX
	JNZ  group
	ADDQ R10, SI
	ADDQ R10, DI
	DECQ DX
	JNZ  row
	VZEROUPPER
	RET

// func gainBackward512(dx, dg, dy, x, gain *float32, rows, d int)
TEXT ·gainBackward512(SB), NOSPLIT, $0-56
	MOVQ dx+0(FP), DI
	MOVQ dg+8(FP), R9
	MOVQ dy+16(FP), SI
	MOVQ x+24(FP), R11
	MOVQ gain+32(FP), R8
	MOVQ rows+40(FP), DX
	MOVQ d+48(FP), R13
	SHRQ $4, R13

row:
	XORQ R10, R10
	MOVQ R13, CX

group:
	VMOVUPS (SI)(R10*1), Z0
	VMOVUPS (R9)(R10*1), Z1
	VFMADD231PS (R11)(R10*1), Z0, Z1
	VMULPS (R8)(R10*1), Z0, Z0
	VMOVUPS Z1, (R9)(R10*1)
	VMOVUPS Z0, (DI)(R10*1)
	ADDQ $64, R10
	DECQ CX
	JNZ  group
	ADDQ R10, SI
	ADDQ R10, DI
	ADDQ R10, R11
	DECQ DX
	JNZ  row
	VZEROUPPER
	RET
