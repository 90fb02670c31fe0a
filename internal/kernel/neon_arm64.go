//go:build !purego

package kernel

// expNEON holds the constants of Exp32 in the order in which the assembly loads
// them.
var expNEON = [12]float32{expMin, expMax, expLog2e, expRound, -expLn2Hi, -expLn2Lo, expC6, expC5, expC4, expC3, expC2, 1}

// The functions in assembly. Strides are in elements, a block has 16 of them,
// and there is at least one. Each is the portable function of its name, on whole
// blocks.

// Four rows of x, a whole panel.
//
//go:noescape
func matF32x4NEON(dst *float32, stride int, x, w *float32, cols int)

// One row of x, a whole panel.
//
//go:noescape
func matF32x1NEON(dst, x, w *float32, cols int)

// Four rows of x, half a panel: 8 outputs, whose first weights are at w. k is at
// least 4.
//
//go:noescape
func dotI8x4NEON(dst *int32, stride int, x *uint8, w *int8, k int)

// One row of x, a whole panel. k is at least 4.
//
//go:noescape
func dotI8x1NEON(dst *int32, x *uint8, w *int8, k int)

//go:noescape
func addNEON(dst, x *float32, blocks int)

//go:noescape
func mulNEON(dst, x *float32, blocks int)

//go:noescape
func scaleNEON(dst, x *float32, blocks int, r float32)

//go:noescape
func axpyNEON(dst *float32, a float32, x *float32, blocks int)

//go:noescape
func maxNEON(x *float32, blocks int) float32

//go:noescape
func maxAbsNEON(x *float32, blocks int) float32

// Adds to the lanes.
//
//go:noescape
func sumSqNEON(lane *[16]float32, x *float32, blocks int)

//go:noescape
func quantizeNEON(q *uint8, x *float32, blocks int, inv, round float32, zero uint8)

//go:noescape
func dequantNEON(dst *float32, acc, bias *int32, scale *float32, blocks int, a float32)

// The halves a and b of a head.
//
//go:noescape
func ropeNEON(a, b, cos, sin *float32, blocks int)

//go:noescape
func weightsNEON(w *uint32, e *float32, blocks int, k float32) uint32

// Stores the sums up to and with each element.
//
//go:noescape
func prefixNEON(cum, w *uint32, blocks int)

// Adds to the lanes.
//
//go:noescape
func expSumNEON(lane *[16]float32, dst, x *float32, blocks int, m float32)

// Blocks of 8.
//
//go:noescape
func siluMulNEON(dst, gate, up *float32, blocks int)
