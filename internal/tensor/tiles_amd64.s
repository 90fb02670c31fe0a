#include "go_asm.h"
#include "textflag.h"
#include "bf16_amd64.h"
#include "vec_amd64.h"

// The kernels go down a column of tiles; their registers:
//   R13  first row of A         R12  tiles left      DX  first row of C
//   R8, R9, R10  rows 0, 3, 6   AX   bytes between rows, BX between words
//   SI   panel of B             CX   words left      R11 bytes between rows of C
// The first registers hold the sums, the last ones words of A and B.

#define ARGUMENTS \
	MOVQ t+0(FP), DI; \
	MOVQ tiles_a(DI), R13; \
	MOVQ tiles_rowStep(DI), AX; \
	MOVQ tiles_wordStep(DI), BX; \
	MOVQ tiles_c(DI), DX; \
	MOVQ tiles_ldc(DI), R11; \
	MOVQ tiles_count(DI), R12

#define TILE \
	MOVQ tiles_b(DI), SI; \
	MOVQ tiles_words(DI), CX; \
	LEAQ (AX)(AX*2), R9; \
	MOVQ R13, R8; \
	LEAQ (R13)(R9*2), R10; \
	ADDQ R13, R9

// CLEAR16, LOAD16, STORE16 set the sums of 8 by 32 to zero or C, or write C.
#define CLEAR16 \
	ZERO(Z0); ZERO(Z1); ZERO(Z2); ZERO(Z3); ZERO(Z4); ZERO(Z5); ZERO(Z6); ZERO(Z7); \
	ZERO(Z8); ZERO(Z9); ZERO(Z10); ZERO(Z11); ZERO(Z12); ZERO(Z13); ZERO(Z14); ZERO(Z15)

#define LOAD(z0, z1) \
	VMOVUPS (R14), z0; \
	VMOVUPS 64(R14), z1; \
	ADDQ R11, R14

#define LOAD16 \
	MOVQ DX, R14; \
	LOAD(Z0, Z1); LOAD(Z2, Z3); LOAD(Z4, Z5); LOAD(Z6, Z7); \
	LOAD(Z8, Z9); LOAD(Z10, Z11); LOAD(Z12, Z13); LOAD(Z14, Z15)

#define STORE(z0, z1) \
	VMOVUPS z0, (DX); \
	VMOVUPS z1, 64(DX); \
	ADDQ R11, DX

#define STORE16 \
	STORE(Z0, Z1); STORE(Z2, Z3); STORE(Z4, Z5); STORE(Z6, Z7); \
	STORE(Z8, Z9); STORE(Z10, Z11); STORE(Z12, Z13); STORE(Z14, Z15)

// func tilesBF16(t *tiles)
// 8 rows by 32 columns of bfloat16 pairs.
TEXT ·tilesBF16(SB), NOSPLIT, $0-8
	ARGUMENTS

tile:
	TILE
	CMPQ tiles_acc(DI), $0
	JNE  load
	CLEAR16
	JMP  word

load:
	LOAD16

	PCALIGN $32
word:
	VMOVUPS (SI), Z28
	VMOVUPS 64(SI), Z29
	VPBROADCASTD (R8), Z20
	VPBROADCASTD (R8)(AX*1), Z21
	DOT(28, 20, 0)
	DOT(29, 20, 1)
	VPBROADCASTD (R8)(AX*2), Z22
	DOT(28, 21, 2)
	DOT(29, 21, 3)
	VPBROADCASTD (R9), Z23
	DOT(28, 22, 4)
	DOT(29, 22, 5)
	VPBROADCASTD (R9)(AX*1), Z24
	DOT(28, 23, 6)
	DOT(29, 23, 7)
	VPBROADCASTD (R9)(AX*2), Z25
	DOT(28, 24, 8)
	DOT(29, 24, 9)
	VPBROADCASTD (R10), Z26
	DOT(28, 25, 10)
	DOT(29, 25, 11)
	VPBROADCASTD (R10)(AX*1), Z27
	DOT(28, 26, 12)
	DOT(29, 26, 13)
	ADDQ BX, R8
	ADDQ BX, R9
	DOT(28, 27, 14)
	DOT(29, 27, 15)
	ADDQ BX, R10
	ADDQ $128, SI
	DECQ CX
	JNZ  word

	STORE16
	ADDQ tiles_tileStep(DI), R13
	DECQ R12
	JNZ  tile
	VZEROUPPER
	RET

// func tilesF32512(t *tiles)
// 8 rows by 32 columns of float32 in AVX-512.
TEXT ·tilesF32512(SB), NOSPLIT, $0-8
	ARGUMENTS

tile:
	TILE
	CMPQ tiles_acc(DI), $0
	JNE  load
	CLEAR16
	JMP  word

load:
	LOAD16

	PCALIGN $32
word:
	VMOVUPS (SI), Z28
	VMOVUPS 64(SI), Z29
	VPBROADCASTD (R8), Z20
	VPBROADCASTD (R8)(AX*1), Z21
	VFMADD231PS Z28, Z20, Z0
	VFMADD231PS Z29, Z20, Z1
	VPBROADCASTD (R8)(AX*2), Z22
	VFMADD231PS Z28, Z21, Z2
	VFMADD231PS Z29, Z21, Z3
	VPBROADCASTD (R9), Z23
	VFMADD231PS Z28, Z22, Z4
	VFMADD231PS Z29, Z22, Z5
	VPBROADCASTD (R9)(AX*1), Z24
	VFMADD231PS Z28, Z23, Z6
	VFMADD231PS Z29, Z23, Z7
	VPBROADCASTD (R9)(AX*2), Z25
	VFMADD231PS Z28, Z24, Z8
	VFMADD231PS Z29, Z24, Z9
	VPBROADCASTD (R10), Z26
	VFMADD231PS Z28, Z25, Z10
	VFMADD231PS Z29, Z25, Z11
	VPBROADCASTD (R10)(AX*1), Z27
	VFMADD231PS Z28, Z26, Z12
	VFMADD231PS Z29, Z26, Z13
	ADDQ BX, R8
	ADDQ BX, R9
	VFMADD231PS Z28, Z27, Z14
	VFMADD231PS Z29, Z27, Z15
	ADDQ BX, R10
	ADDQ $128, SI
	DECQ CX
	JNZ  word

	STORE16
	ADDQ tiles_tileStep(DI), R13
	DECQ R12
	JNZ  tile
	VZEROUPPER
	RET

#define LOAD8(y0, y1) \
	VMOVUPS (R14), y0; \
	VMOVUPS 32(R14), y1; \
	ADDQ R11, R14

#define STORE8(y0, y1) \
	VMOVUPS y0, (DX); \
	VMOVUPS y1, 32(DX); \
	ADDQ R11, DX

#define ZERO8(y) VXORPS y, y, y

// ROW adds a word of a row of A times the panel to two sums.
#define ROW(m, t, y0, y1) \
	VBROADCASTSS m, t; \
	VFMADD231PS Y12, t, y0; \
	VFMADD231PS Y13, t, y1

// func tilesF32256(t *tiles)
// 6 rows by 16 columns of float32 in AVX2 with FMA.
TEXT ·tilesF32256(SB), NOSPLIT, $0-8
	ARGUMENTS

tile:
	TILE
	CMPQ tiles_acc(DI), $0
	JNE  load
	ZERO8(Y0); ZERO8(Y1); ZERO8(Y2); ZERO8(Y3); ZERO8(Y4); ZERO8(Y5)
	ZERO8(Y6); ZERO8(Y7); ZERO8(Y8); ZERO8(Y9); ZERO8(Y10); ZERO8(Y11)
	JMP  word

load:
	MOVQ DX, R14
	LOAD8(Y0, Y1); LOAD8(Y2, Y3); LOAD8(Y4, Y5)
	LOAD8(Y6, Y7); LOAD8(Y8, Y9); LOAD8(Y10, Y11)

	PCALIGN $32
word:
	VMOVUPS (SI), Y12
	VMOVUPS 32(SI), Y13
	ROW((R8), Y14, Y0, Y1)
	ROW((R8)(AX*1), Y15, Y2, Y3)
	ROW((R8)(AX*2), Y14, Y4, Y5)
	ROW((R9), Y15, Y6, Y7)
	ROW((R9)(AX*1), Y14, Y8, Y9)
	ROW((R9)(AX*2), Y15, Y10, Y11)
	ADDQ BX, R8
	ADDQ BX, R9
	ADDQ $64, SI
	DECQ CX
	JNZ  word

	STORE8(Y0, Y1); STORE8(Y2, Y3); STORE8(Y4, Y5)
	STORE8(Y6, Y7); STORE8(Y8, Y9); STORE8(Y10, Y11)
	ADDQ tiles_tileStep(DI), R13
	DECQ R12
	JNZ  tile
	VZEROUPPER
	RET
