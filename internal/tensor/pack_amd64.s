#include "textflag.h"
#include "bf16_amd64.h"

// interleave puts words 0..15 and 16..31 in turn.
DATA ·interleave+0(SB)/8, $0x0011000100100000
DATA ·interleave+8(SB)/8, $0x0013000300120002
DATA ·interleave+16(SB)/8, $0x0015000500140004
DATA ·interleave+24(SB)/8, $0x0017000700160006
DATA ·interleave+32(SB)/8, $0x0019000900180008
DATA ·interleave+40(SB)/8, $0x001b000b001a000a
DATA ·interleave+48(SB)/8, $0x001d000d001c000c
DATA ·interleave+56(SB)/8, $0x001f000f001e000e
GLOBL ·interleave(SB), RODATA|NOPTR, $64

// func convertBF16(dst *uint16, src *float32, n int)
// n is a multiple of 32.
TEXT ·convertBF16(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	SHRQ $5, CX
	JZ   done

group:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	CVT2(0, 1, 2)
	VMOVDQU32 Z2, (DI)
	ADDQ $128, SI
	ADDQ $64, DI
	DECQ CX
	JNZ  group
	VZEROUPPER

done:
	RET

// func pairRowsBF16(dst *uint16, src *float32, ld, pairs, panels, step int)
// 2*pairs rows, ld bytes apart, of 32*panels columns: dst[panel][p][column] =
// rows 2p, 2p+1, step bytes between panels.
TEXT ·pairRowsBF16(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ ld+16(FP), AX
	MOVQ panels+32(FP), DX
	MOVQ step+40(FP), BX
	VMOVDQU32 ·interleave(SB), Z31

panel:
	MOVQ pairs+24(FP), CX
	MOVQ SI, R8
	MOVQ DI, R9

pair:
	VMOVUPS (R8), Z0
	VMOVUPS 64(R8), Z1
	VMOVUPS (R8)(AX*1), Z2
	VMOVUPS 64(R8)(AX*1), Z3
	CVT2(0, 2, 4)
	CVT2(1, 3, 5)
	VPERMW Z4, Z31, Z4
	VPERMW Z5, Z31, Z5
	VMOVDQU32 Z4, (R9)
	VMOVDQU32 Z5, 64(R9)
	LEAQ (R8)(AX*2), R8
	ADDQ $128, R9
	DECQ CX
	JNZ  pair

	ADDQ $128, SI
	ADDQ BX, DI
	DECQ DX
	JNZ  panel
	VZEROUPPER
	RET

// func pairColumnsBF16(dst *uint16, src *float32, ld, groups int)
// 16 rows, ld bytes apart, of 32*groups columns: dst[p][row] = columns 2p, 2p+1,
// 128 bytes between pairs. Each group is a transpose of 16 by 16 pairs.
TEXT ·pairColumnsBF16(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ ld+16(FP), AX
	MOVQ groups+24(FP), CX

group:
	MOVQ SI, R8
#define ROW(n, z) \
	VMOVUPS (R8), Z30; \
	VMOVUPS 64(R8), Z31; \
	CVT2(30, 31, n); \
	ADDQ AX, R8
	ROW(0, Z0)
	ROW(1, Z1)
	ROW(2, Z2)
	ROW(3, Z3)
	ROW(4, Z4)
	ROW(5, Z5)
	ROW(6, Z6)
	ROW(7, Z7)
	ROW(8, Z8)
	ROW(9, Z9)
	ROW(10, Z10)
	ROW(11, Z11)
	ROW(12, Z12)
	ROW(13, Z13)
	ROW(14, Z14)
	ROW(15, Z15)

	// pairs of rows
#define ZIP32(a, b, lo, hi) \
	VPUNPCKLDQ b, a, lo; \
	VPUNPCKHDQ b, a, hi
	ZIP32(Z0, Z1, Z16, Z17)
	ZIP32(Z2, Z3, Z18, Z19)
	ZIP32(Z4, Z5, Z20, Z21)
	ZIP32(Z6, Z7, Z22, Z23)
	ZIP32(Z8, Z9, Z24, Z25)
	ZIP32(Z10, Z11, Z26, Z27)
	ZIP32(Z12, Z13, Z28, Z29)
	ZIP32(Z14, Z15, Z30, Z31)

	// fours: Z(4i+j) = column j of each 128-bit lane, rows 4i..4i+3
#define ZIP64(a, b, lo, hi) \
	VPUNPCKLQDQ b, a, lo; \
	VPUNPCKHQDQ b, a, hi
	ZIP64(Z16, Z18, Z0, Z1)
	ZIP64(Z17, Z19, Z2, Z3)
	ZIP64(Z20, Z22, Z4, Z5)
	ZIP64(Z21, Z23, Z6, Z7)
	ZIP64(Z24, Z26, Z8, Z9)
	ZIP64(Z25, Z27, Z10, Z11)
	ZIP64(Z28, Z30, Z12, Z13)
	ZIP64(Z29, Z31, Z14, Z15)

	// lanes: column j of lanes 0, 1, 2, 3 goes to pairs j, 4+j, 8+j, 12+j
#define LANES(a, b, c, d, at) \
	VSHUFI32X4 $0x88, b, a, Z16; \
	VSHUFI32X4 $0xdd, b, a, Z17; \
	VSHUFI32X4 $0x88, d, c, Z18; \
	VSHUFI32X4 $0xdd, d, c, Z19; \
	VSHUFI32X4 $0x88, Z18, Z16, Z20; \
	VSHUFI32X4 $0xdd, Z18, Z16, Z22; \
	VSHUFI32X4 $0x88, Z19, Z17, Z21; \
	VSHUFI32X4 $0xdd, Z19, Z17, Z23; \
	VMOVDQU32 Z20, at(DI); \
	VMOVDQU32 Z21, at+4*128(DI); \
	VMOVDQU32 Z22, at+8*128(DI); \
	VMOVDQU32 Z23, at+12*128(DI)
	LANES(Z0, Z4, Z8, Z12, 0)
	LANES(Z1, Z5, Z9, Z13, 128)
	LANES(Z2, Z6, Z10, Z14, 256)
	LANES(Z3, Z7, Z11, Z15, 384)

	ADDQ $128, SI
	ADDQ $(16*128), DI
	DECQ CX
	JNZ  group
	VZEROUPPER
	RET
