//go:build !purego

#include "textflag.h"

// Register-only loops that show what the CPU can do at most, for the
// benchmarks: 16 independent chains.

#define EIGHT(op, s, a, b, c, d, e, f, g, h) \
	op s, s, a; \
	op s, s, b; \
	op s, s, c; \
	op s, s, d; \
	op s, s, e; \
	op s, s, f; \
	op s, s, g; \
	op s, s, h

// func peakF32Z(n int): n times 16 fused multiply-adds of 16 float32
TEXT ·peakF32Z(SB), NOSPLIT, $0-8
	MOVQ n+0(FP), CX
	VZEROALL
	VPXORD Z16, Z16, Z16

loop:
	EIGHT(VFMADD231PS, Z16, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7)
	EIGHT(VFMADD231PS, Z16, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15)
	DECQ CX
	JNZ loop
	VZEROUPPER
	RET

// func peakI8Z(n int): n times 16 times 64 products of bytes
TEXT ·peakI8Z(SB), NOSPLIT, $0-8
	MOVQ n+0(FP), CX
	VZEROALL
	VPXORD Z16, Z16, Z16

loop:
	EIGHT(VPDPBUSD, Z16, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7)
	EIGHT(VPDPBUSD, Z16, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15)
	DECQ CX
	JNZ loop
	VZEROUPPER
	RET

// func peakF32Y(n int): n times 12 fused multiply-adds of 8 float32
TEXT ·peakF32Y(SB), NOSPLIT, $0-8
	MOVQ n+0(FP), CX
	VZEROALL

loop:
	EIGHT(VFMADD231PS, Y15, Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7)
	VFMADD231PS Y15, Y15, Y8
	VFMADD231PS Y15, Y15, Y9
	VFMADD231PS Y15, Y15, Y10
	VFMADD231PS Y15, Y15, Y11
	DECQ CX
	JNZ loop
	VZEROUPPER
	RET
