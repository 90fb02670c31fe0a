package kernel

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
)

// selfTestRounds and selfTestSum are the known answer of SelfTest.
const (
	selfTestRounds = 4
	selfTestSum    = "7109043db041883d2f6b385b1b2f9a71f7aa89c7db3eface15509e6a5ff362c7"
)

// SelfTest runs every function with the active variant on inputs that are
// always the same, some tenths of a millisecond, and fails unless the results
// have the bits that they have everywhere.
func SelfTest() error {
	if sum := digest(selfTestRounds); sum != selfTestSum {
		return fmt.Errorf("kernel: self-test of variant %q failed (got %.16s..., want %.16s...); another may work: set %s to one of %q",
			Active(), sum, selfTestSum, Environment, Variants())
	}
	return nil
}

// digest folds the results of a number of rounds of exercise into one SHA-256.
func digest(rounds int) string {
	e := exercise{}
	h := sha256.New()
	for range rounds {
		e.round()
		h.Write(e.out)
		e.out = e.out[:0]
	}
	return hex.EncodeToString(h.Sum(nil))
}

// An exercise draws inputs and collects the bits of the results.
type exercise struct {
	state uint64
	out   []byte
}

// next is the generator splitmix64.
func (e *exercise) next() uint64 {
	e.state += 0x9e3779b97f4a7c15
	z := e.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (e *exercise) int(n int) int { return int(e.next() >> 32 % uint64(n)) }

// floats draws n values of either sign, of a common size for most, and for some
// rows over a wide range with zeros and subnormals.
func (e *exercise) floats(n int) []float32 {
	wide := e.int(4) == 0
	x := make([]float32, n)
	for i := range x {
		u := float32(int32(e.next()>>32)) * 0x1p-30
		if wide {
			u *= math.Float32frombits(uint32(e.int(127+20)) << 23)
		}
		x[i] = u
	}
	return x
}

func (e *exercise) float32s(x []float32) {
	for _, v := range x {
		e.out = binary.LittleEndian.AppendUint32(e.out, math.Float32bits(v))
	}
}

func (e *exercise) uint32s(x []uint32) {
	for _, v := range x {
		e.out = binary.LittleEndian.AppendUint32(e.out, v)
	}
}

// round runs everything once, with sizes up to some tens.
func (e *exercise) round() {
	m, rows, cols := 1+e.int(9), 1+e.int(90), 4+4*e.int(16)
	e.matrices(m, rows, cols)
	e.rows(1 + e.int(100))
	e.attention(1+e.int(4), Panel*(1+e.int(4)), cols)

	half := 1 + e.int(40)
	cos, sin := make([]float32, half), make([]float32, half)
	NewRopeTable(2*half, 10000).At(e.int(maxPos), cos, sin)
	x := e.floats(2 * half)
	Rope(x, cos, sin)
	e.float32s(cos)
	e.float32s(sin)
	e.float32s(x)
}

// matrices runs a product in float32 and the same in bytes.
func (e *exercise) matrices(m, rows, cols int) {
	w, x := e.floats(rows*cols), e.floats(m*cols)
	dst := make([]float32, m*rows)
	PackF32(rows, cols, w).MatMul(dst, x, m)
	e.float32s(dst)

	q := NewI8(rows, cols)
	row := make([]int8, cols)
	for r := range rows {
		q.SetRow(r, row, QuantizeS8(row, w[r*cols:][:cols]))
	}
	xq, xs := make([]uint8, m*cols), make([]float32, m)
	for i := range m {
		xs[i] = QuantizeU8(xq[i*cols:][:cols], x[i*cols:][:cols])
	}
	q.MatMul(dst, xq, xs, m)
	e.float32s(xs)
	e.out = append(e.out, xq...)
	e.float32s(dst)
}

// rows runs the functions on rows of n.
func (e *exercise) rows(n int) {
	x, y := e.floats(n), e.floats(n)
	dst := make([]float32, n)
	RMSNorm(dst, x, y, 1e-6)
	e.float32s(dst)
	SiluMul(dst, x, y)
	e.float32s(dst)
	Add(dst, y)
	Axpy(dst, x[0], y)
	Mul(dst, y)
	e.float32s(dst)

	w, cum := make([]uint32, n), make([]uint32, n+1)
	total := Weights(w, x)
	PrefixSum(cum, w)
	e.uint32s(append(cum, total))

	Softmax(x)
	e.float32s(x)
	q := make([]uint8, n)
	e.float32s([]float32{QuantizePos(q, x)})
	e.out = append(e.out, q...)
}

// attention runs raw integer products and scales them.
func (e *exercise) attention(m, n, k int) {
	x, w := make([]uint8, m*k), make([]int8, n*k)
	for i := range x {
		x[i] = uint8(e.next())
	}
	for i := range w {
		w[i] = int8(e.next())
	}
	acc, bias, dst := make([]int32, m*n), make([]int32, n), make([]float32, n)
	DotU8S8(acc, x, w, m, n, k)
	scale := e.floats(n)
	for i := range m {
		Dequantize(dst, acc[i*n:][:n], bias, 0.125, scale)
		e.float32s(dst)
		copy(bias, acc)
	}
}
