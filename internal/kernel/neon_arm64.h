// NEON instructions that Go's assembler has no name for, as words. Operands
// are register numbers in Go's order, the destination last; all are of four
// 32-bit lanes unless the comment says otherwise. The word comes from the
// instruction as written in the comment with all registers 0, by GNU as.

#define VFADD(m, n, d) WORD $(0x4e20d400 | (m)<<16 | (n)<<5 | (d)) // fadd d, n, m
#define VFSUB(m, n, d) WORD $(0x4ea0d400 | (m)<<16 | (n)<<5 | (d)) // fsub d, n, m
#define VFMUL(m, n, d) WORD $(0x6e20dc00 | (m)<<16 | (n)<<5 | (d)) // fmul d, n, m
#define VFDIV(m, n, d) WORD $(0x6e20fc00 | (m)<<16 | (n)<<5 | (d)) // fdiv d, n, m
#define VFMAX(m, n, d) WORD $(0x4e20f400 | (m)<<16 | (n)<<5 | (d)) // fmax d, n, m
#define VFMIN(m, n, d) WORD $(0x4ea0f400 | (m)<<16 | (n)<<5 | (d)) // fmin d, n, m
#define VFABS(n, d) WORD $(0x4ea0f800 | (n)<<5 | (d)) // fabs d, n
#define VFNEG(n, d) WORD $(0x6ea0f800 | (n)<<5 | (d)) // fneg d, n
#define VFMAXV(n, d) WORD $(0x6e30f800 | (n)<<5 | (d)) // fmaxv d (scalar), n
#define VSCVTF(n, d) WORD $(0x4e21d800 | (n)<<5 | (d)) // scvtf d, n: int32 to float32
#define VFCVTZU(n, d) WORD $(0x6ea1b800 | (n)<<5 | (d)) // fcvtzu d, n: float32 to uint32, toward zero

// fmla d, n, m.s[i]: d += n * (lane i of m)
#define VFMLAE(m, i, n, d) WORD $(0x4f801000 | ((i)&1)<<21 | ((i)>>1)<<11 | (m)<<16 | (n)<<5 | (d))

#define VSXTL(n, d) WORD $(0x0f08a400 | (n)<<5 | (d)) // sxtl d.8h, n.8b: the low 8 bytes
#define VSXTL2(n, d) WORD $(0x4f08a400 | (n)<<5 | (d)) // sxtl2 d.8h, n.16b: the high 8 bytes
#define VMULH(m, n, d) WORD $(0x4e609c00 | (m)<<16 | (n)<<5 | (d)) // mul d.8h, n.8h, m.8h
#define VSADALP(n, d) WORD $(0x4e606800 | (n)<<5 | (d)) // sadalp d.4s, n.8h: d += sums of pairs
