package kernel

import (
	"math"
	"unsafe"
)

// tiny is the magnitude below which a row quantises to zeros: its reciprocal
// scale would overflow.
const tiny = 0x1p-100

// QuantizeU8 quantises x to bytes with zero at 128 and returns the scale: with
// a = max|x|, q = RNE(x * (127/a)) + 128 and scale = a/127, each a float32
// operation. Where a is below 2^-100, q is 128 throughout and scale 0.
func QuantizeU8(q []uint8, x []float32) (scale float32) {
	if len(q) < len(x) {
		fail("QuantizeU8: q %d, x %d", len(q), len(x))
	}
	return quantizeSigned(q, x, 128)
}

// QuantizeS8 is QuantizeU8 without the offset of 128.
func QuantizeS8(q []int8, x []float32) (scale float32) {
	if len(q) < len(x) {
		fail("QuantizeS8: q %d, x %d", len(q), len(x))
	}
	return quantizeSigned(unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(q))), len(q)), x, 0)
}

func quantizeSigned(q []uint8, x []float32, zero uint8) float32 {
	if len(x) == 0 {
		return 0
	}
	v := active.Load()
	return quantizeRow(v, q[:len(x)], x, v.maxAbs(x), 127, zero)
}

// QuantizePos quantises x, none of which is negative, to bytes with zero at 0:
// with a = max x, q = RNE(x * (255/a)) and scale = a/255. Where a is below
// 2^-100, q is 0 throughout and scale 0.
func QuantizePos(q []uint8, x []float32) (scale float32) {
	if len(q) < len(x) {
		fail("QuantizePos: q %d, x %d", len(q), len(x))
	}
	if len(x) == 0 {
		return 0
	}
	v := active.Load()
	return quantizeRow(v, q[:len(x)], x, v.max(x), 255, 0)
}

func quantizeRow(v *variant, q []uint8, x []float32, a, top float32, zero uint8) float32 {
	if a < tiny {
		for i := range q {
			q[i] = zero
		}
		return 0
	}
	v.quantize(q, x, top/a, zero)
	return a / top
}

// Dequantize computes dst = (a*scale) * float32(acc-bias) for each element, two
// float32 products: the last step of I8.MatMul, for products of DotU8S8.
func Dequantize(dst []float32, acc, bias []int32, a float32, scale []float32) {
	n := len(dst)
	if len(acc) < n || len(bias) < n || len(scale) < n {
		fail("Dequantize: dst %d, acc %d, bias %d, scale %d", n, len(acc), len(bias), len(scale))
	}
	if n > 0 {
		active.Load().dequant(dst, acc[:n], bias[:n], a, scale[:n])
	}
}

// RMSNorm computes dst = (x*r)*gain with r = 1/sqrt(ss/n + eps), ss the sum of
// squares in the 16-lane order. A nil gain stands for ones. dst may be x.
func RMSNorm(dst, x, gain []float32, eps float32) {
	n := len(x)
	if len(dst) < n || gain != nil && len(gain) < n {
		fail("RMSNorm: dst %d, x %d, gain %d", len(dst), n, len(gain))
	}
	if n == 0 {
		return
	}
	v := active.Load()
	v.scale(dst[:n], x, inverseRMS(v, x, eps))
	if gain != nil {
		v.mul(dst[:n], gain[:n])
	}
}

// InverseRMS returns the r of RMSNorm for a row x that is not empty.
func InverseRMS(x []float32, eps float32) float32 {
	if len(x) == 0 {
		fail("InverseRMS: an empty row")
	}
	return inverseRMS(active.Load(), x, eps)
}

func inverseRMS(v *variant, x []float32, eps float32) float32 {
	mean := v.sumSq(x) / float32(len(x))
	return 1 / float32(math.Sqrt(float64(mean+eps)))
}

// Softmax replaces x by exp(x-max)*k with k = 1/sum, the sum of the
// exponentials in the 16-lane order.
func Softmax(x []float32) {
	if len(x) == 0 {
		return
	}
	v := active.Load()
	k := 1 / v.expSum(x, x, v.max(x))
	v.scale(x, x, k)
}

// Attention turns scores x into quantised factors of rows that are quantised
// themselves, with scales w, none of them negative: it is Softmax(x), Mul(x, w)
// and QuantizePos(q, x), and returns the scale of the last.
func Attention(q []uint8, x, w []float32) (scale float32) {
	n := len(x)
	if len(q) < n || len(w) < n {
		fail("Attention: q %d, x %d, w %d", len(q), n, len(w))
	}
	if n == 0 {
		return 0
	}
	if f := active.Load().attention; f != nil {
		return f(q, x, w)
	}
	Softmax(x)
	Mul(x, w[:n])
	return QuantizePos(q, x)
}

// Exp computes dst = exp(x). dst may be x.
func Exp(dst, x []float32) {
	if len(dst) < len(x) {
		fail("Exp: dst %d, x %d", len(dst), len(x))
	}
	if len(x) > 0 {
		active.Load().expSum(dst[:len(x)], x, 0)
	}
}

// SiluMul computes dst = (g*s)*up with g the gate and s = 1/(1+exp(-g)). dst
// may be gate or up.
func SiluMul(dst, gate, up []float32) {
	n := len(gate)
	if len(dst) < n || len(up) < n {
		fail("SiluMul: dst %d, gate %d, up %d", len(dst), n, len(up))
	}
	if n > 0 {
		active.Load().siluMul(dst[:n], gate, up[:n])
	}
}

// Rope rotates one head in place. Its halves a and b hold the pairs (NEOX
// order); cos and sin are half as long as x. a' = FMA(a, cos, -(b*sin)), b' =
// FMA(b, cos, a*sin).
func Rope(x, cos, sin []float32) {
	h := len(x) / 2
	if len(x)%2 != 0 || len(cos) < h || len(sin) < h {
		fail("Rope: x %d, cos %d, sin %d", len(x), len(cos), len(sin))
	}
	if h > 0 {
		active.Load().rope(x, cos[:h], sin[:h])
	}
}

// Add computes dst += x.
func Add(dst, x []float32) {
	if len(dst) < len(x) {
		fail("Add: dst %d, x %d", len(dst), len(x))
	}
	if len(x) > 0 {
		active.Load().add(dst[:len(x)], x)
	}
}

// Mul computes dst *= x.
func Mul(dst, x []float32) {
	if len(dst) < len(x) {
		fail("Mul: dst %d, x %d", len(dst), len(x))
	}
	if len(x) > 0 {
		active.Load().mul(dst[:len(x)], x)
	}
}

// Scale computes dst = x*a. dst may be x.
func Scale(dst, x []float32, a float32) {
	if len(dst) < len(x) {
		fail("Scale: dst %d, x %d", len(dst), len(x))
	}
	if len(x) > 0 {
		active.Load().scale(dst[:len(x)], x, a)
	}
}

// Axpy computes dst = FMA(a, x, dst).
func Axpy(dst []float32, a float32, x []float32) {
	if len(dst) < len(x) {
		fail("Axpy: dst %d, x %d", len(dst), len(x))
	}
	if len(x) > 0 {
		active.Load().axpy(dst[:len(x)], a, x)
	}
}

// Weights turns logits into positive integer weights and returns their sum,
// which is 2^31 up to rounding: e = exp(l-max), s the sum of e in the 16-lane
// order, k = 2^31/s, w = trunc(e*k) + 1. At most 2^20 logits.
func Weights(w []uint32, logits []float32) (total uint32) {
	n := len(logits)
	if len(w) < n || n > 1<<20 {
		fail("Weights: w %d, logits %d", len(w), n)
	}
	if n == 0 {
		return 0
	}
	v := active.Load()
	w = w[:n]
	// The exponentials stand where the weights will.
	e := unsafe.Slice((*float32)(unsafe.Pointer(&w[0])), n)
	k := 0x1p31 / v.expSum(e, logits, v.max(logits))
	return v.weights(w, e, k)
}

// PrefixSum computes cum[0] = 0, cum[i+1] = cum[i] + w[i] modulo 2^32; cum is
// one longer than w.
func PrefixSum(cum, w []uint32) {
	if len(cum) != len(w)+1 {
		fail("PrefixSum: cum %d, w %d", len(cum), len(w))
	}
	active.Load().prefix(cum, w)
}
