//go:build !purego

#include "textflag.h"

// func prefetch(base *byte, at *uint32, n int)
TEXT ·prefetch(SB), NOSPLIT, $0-24
	MOVQ base+0(FP), DI
	MOVQ at+8(FP), SI
	MOVQ n+16(FP), CX

loop:
	MOVL        (SI), AX
	PREFETCHT0  (DI)(AX*1)
	ADDQ        $4, SI
	DECQ        CX
	JNZ         loop
	RET
