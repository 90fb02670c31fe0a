//go:build !purego

#include "textflag.h"

// func prefetch(p unsafe.Pointer, stride, n int)
TEXT ·prefetch(SB), NOSPLIT, $0-24
	MOVQ p+0(FP), SI
	MOVQ stride+8(FP), DX
	MOVQ n+16(FP), CX

line:
	PREFETCHT0 (SI)
	ADDQ       DX, SI
	DECQ       CX
	JNZ        line
	RET
