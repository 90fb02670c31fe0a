// The assembler does not know the AVX512-BF16 instructions, so these macros
// emit their bytes. Operands are the numbers of Z registers.
// EVEX: 62 | ~R ~X ~B ~R' 0 map | W ~vvvv 1 pp | z L'L b ~V' aaa | opcode | modrm
#define EVEX(pp, op, dst, v, rm) \
	BYTE $0x62; \
	BYTE $(0xF2 ^ (((dst>>3)&1)<<7) ^ (((rm>>4)&1)<<6) ^ (((rm>>3)&1)<<5) ^ (((dst>>4)&1)<<4)); \
	BYTE $(0x7C ^ pp ^ ((v&15)<<3)); \
	BYTE $(0x48 ^ ((v>>4)<<3)); \
	BYTE $op; \
	BYTE $(0xC0 ^ ((dst&7)<<3) ^ (rm&7))

// DOT: Z[c] += Z[a]*Z[b], 16 sums of two bfloat16 products (VDPBF16PS).
#define DOT(b, a, c) EVEX(2, 0x52, c, a, b)

// CVT2: Z[d] = bfloat16 of Z[lo], then of Z[hi], 32 words (VCVTNE2PS2BF16).
#define CVT2(lo, hi, d) EVEX(3, 0x72, d, hi, lo)

// CVT1: Y[d] = bfloat16 of Z[x], 16 words (VCVTNEPS2BF16).
#define CVT1(x, d) EVEX(2, 0x72, d, 0, x)
