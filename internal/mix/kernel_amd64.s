//go:build !purego

#include "textflag.h"

// func dotsAVX2(out, x, weight, offset *int32, sets, n int)
TEXT ·dotsAVX2(SB), NOSPLIT, $0-48
	MOVQ out+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ weight+16(FP), DX
	MOVQ offset+24(FP), R8
	MOVQ sets+32(FP), CX
	MOVQ n+40(FP), R9
	SHLQ $2, R9

dotSet:
	MOVLQSX (R8), R10
	LEAQ    (DX)(R10*4), R10
	VPXOR   Y0, Y0, Y0
	XORQ    R11, R11

dotLoop:
	VMOVDQU (R10)(R11*1), Y1
	VPSRAD  $6, Y1, Y1
	VPMULLD (SI)(R11*1), Y1, Y1
	VPSRAD  $8, Y1, Y1
	VPADDD  Y1, Y0, Y0
	ADDQ    $32, R11
	CMPQ    R11, R9
	JLT     dotLoop

	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0x4E, X0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0xB1, X0, X1
	VPADDD       X1, X0, X0
	VMOVD        X0, (DI)
	ADDQ         $4, DI
	ADDQ         $4, R8
	DECQ         CX
	JNZ          dotSet
	VZEROUPPER
	RET

// func trainAVX2(step, x, weight, offset *int32, sets, n int)
TEXT ·trainAVX2(SB), NOSPLIT, $0-48
	MOVQ step+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ weight+16(FP), DX
	MOVQ offset+24(FP), R8
	MOVQ sets+32(FP), CX
	MOVQ n+40(FP), R9
	SHLQ $2, R9

	MOVL         $256, AX // rounding
	VMOVD        AX, X4
	VPBROADCASTD X4, Y4
	MOVL         $0x1FFFFFF, AX // weightLimit
	VMOVD        AX, X5
	VPBROADCASTD X5, Y5
	VPXOR        Y6, Y6, Y6
	VPSUBD       Y5, Y6, Y6

trainSet:
	MOVLQSX      (R8), R10
	LEAQ         (DX)(R10*4), R10
	VPBROADCASTD (DI), Y0
	XORQ         R11, R11

trainLoop:
	VPMULLD (SI)(R11*1), Y0, Y1
	VPADDD  Y4, Y1, Y1
	VPSRAD  $9, Y1, Y1
	VPADDD  (R10)(R11*1), Y1, Y1
	VPMINSD Y5, Y1, Y1
	VPMAXSD Y6, Y1, Y1
	VMOVDQU Y1, (R10)(R11*1)
	ADDQ    $32, R11
	CMPQ    R11, R9
	JLT     trainLoop

	ADDQ $4, DI
	ADDQ $4, R8
	DECQ CX
	JNZ  trainSet
	VZEROUPPER
	RET
