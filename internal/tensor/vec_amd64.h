// Macros that the AVX-512 kernels share.

// CONST puts the float32 with these bits into all lanes of z.
#define CONST(bits, z) \
	MOVL $bits, AX; \
	VPBROADCASTD AX, z

// EXP2_CONSTANTS loads what EXP2 needs into Z26-Z31: a polynomial for 2^f on
// [0, 1] with a relative error of 1e-7.
#define EXP2_CONSTANTS \
	CONST(0x3f7ffffe, Z26); \
	CONST(0x3f317293, Z27); \
	CONST(0x3e75e7bd, Z28); \
	CONST(0x3d64cdcf, Z29); \
	CONST(0x3c12a14e, Z30); \
	CONST(0x3af837d7, Z31)

// EXP2: x = 2^x, with f and p to work in: the fraction goes through the
// polynomial, the floor into the exponent; far below zero it gives 0.
#define EXP2(x, f, p) \
	VREDUCEPS $9, x, f; \
	VMOVAPS Z31, p; \
	VFMADD213PS Z30, f, p; \
	VFMADD213PS Z29, f, p; \
	VFMADD213PS Z28, f, p; \
	VFMADD213PS Z27, f, p; \
	VFMADD213PS Z26, f, p; \
	VSCALEFPS x, p, x

#define LOG2E 0x3fb8aa3b
#define MINUS_LOG2E 0xbfb8aa3b
#define ONE 0x3f800000

// SUM and MAX reduce 16 lanes to the first; z, y, x name one register, ty and tx
// another to work in, both below 16.
#define SUM(z, y, x, ty, tx) \
	VEXTRACTF64X4 $1, z, ty; \
	VADDPS ty, y, y; \
	VEXTRACTF128 $1, y, tx; \
	VADDPS tx, x, x; \
	VPERMILPS $0x0e, x, tx; \
	VADDPS tx, x, x; \
	VMOVSHDUP x, tx; \
	VADDSS tx, x, x

#define MAX(z, y, x, ty, tx) \
	VEXTRACTF64X4 $1, z, ty; \
	VMAXPS ty, y, y; \
	VEXTRACTF128 $1, y, tx; \
	VMAXPS tx, x, x; \
	VPERMILPS $0x0e, x, tx; \
	VMAXPS tx, x, x; \
	VMOVSHDUP x, tx; \
	VMAXSS tx, x, x

#define ZERO(z) VPXORD z, z, z
