package kernel

import "math"

// The constants of Exp32. They are part of the contract.
const (
	expMin   = -87
	expMax   = 88
	expLog2e = 0x1.715476p+0 // 1/ln 2
	expRound = 0x1.8p+23     // adding it rounds to an integer held in the low bits
	expLn2Hi = 0x1.62e430p-1
	expLn2Lo = -0x1.05c610p-29

	expC2 = 0x1.fffffcp-2
	expC3 = 0x1.555492p-3
	expC4 = 0x1.5558f2p-5
	expC5 = 0x1.1239e0p-7
	expC6 = 0x1.6a243ap-10
)

// expTable holds the constants of exp for the variants in assembly: the bounds,
// the factors of the reduction, the coefficients from the highest.
var expTable = [12]float32{expMin, expMax, expLog2e, expRound, -expLn2Hi, -expLn2Lo, expC6, expC5, expC4, expC3, expC2, 1}

// Exp32 returns e**x for x clamped to [-87, 88], with an error below one unit
// in the last place. The result is a normal number and Exp32(0) is 1.
//
// The steps are those of the package documentation, "Exponential": x = n ln 2 +
// r, e**r by a polynomial of degree 6 (minimax in relative error, the first two
// coefficients fixed to 1), and n added to the exponent bits.
func Exp32(x float32) float32 {
	x = min(max(x, expMin), expMax)
	z := FMA32(x, expLog2e, expRound)
	n := z - expRound
	r := FMA32(n, -expLn2Hi, x)
	r = FMA32(n, -expLn2Lo, r)
	p := FMA32(expC6, r, expC5)
	p = FMA32(p, r, expC4)
	p = FMA32(p, r, expC3)
	p = FMA32(p, r, expC2)
	p = FMA32(p, r, 1)
	p = FMA32(p, r, 1)
	return math.Float32frombits(math.Float32bits(p) + math.Float32bits(z)<<23)
}
