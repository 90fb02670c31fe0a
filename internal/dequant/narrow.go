package dequant

import (
	"encoding/binary"
	"fmt"
	"math"

	"kolm/internal/half"
)

// Narrow returns the bytes of numbers as F32, or rounded to the nearest of F16,
// BF16, Q8_0, Q5_0 or Q4_0; of the last three len(x) is whole blocks. The scale of a
// block is the one that its largest number asks for. It is an error if a number or
// a scale is too large for the type.
func Narrow(x []float32, t Type) ([]byte, error) {
	numbers, size := t.Block()
	if numbers == 0 || len(x)%numbers != 0 {
		panic(fmt.Sprintf("dequant: %d numbers for %v", len(x), t))
	}
	b := make([]byte, 0, len(x)/numbers*size)
	for ; len(x) > 0; x = x[numbers:] {
		var err error
		switch t {
		case F32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x[0]))
		case F16:
			b, err = appendHalf(b, x[0])
		case BF16:
			u := math.Float32bits(x[0])
			u += 0x7fff + u>>16&1
			if u&(0xff<<23) == 0xff<<23 {
				return nil, fmt.Errorf("%v is too large for BF16", x[0])
			}
			b = binary.LittleEndian.AppendUint16(b, uint16(u>>16))
		case Q8_0:
			b, err = narrowQ8(b, x[:numbers])
		case Q5_0:
			b, err = narrowSmall(b, x[:numbers], 16)
		case Q4_0:
			b, err = narrowSmall(b, x[:numbers], 8)
		default:
			panic(fmt.Sprintf("dequant: numbers are not narrowed to %v", t))
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

func appendHalf(b []byte, x float32) ([]byte, error) {
	h := half.FromFloat(x)
	if h&0x7c00 == 0x7c00 {
		return nil, fmt.Errorf("%v is too large for F16", x)
	}
	return binary.LittleEndian.AppendUint16(b, h), nil
}

// furthest is the number furthest from zero.
func furthest(x []float32) (most float32) {
	for _, v := range x {
		if math.Abs(float64(v)) > math.Abs(float64(most)) {
			most = v
		}
	}
	return most
}

// steps is x in steps of d, rounded and kept in [low, high].
func steps(x, d float32, low, high float64) int {
	if d == 0 {
		return 0
	}
	return int(max(low, min(high, math.RoundToEven(float64(x)/float64(d)))))
}

func narrowQ8(b []byte, x []float32) ([]byte, error) {
	at := len(b)
	b, err := appendHalf(b, float32(math.Abs(float64(furthest(x))))/127)
	if err != nil {
		return nil, err
	}
	d := f16(b[at:])
	for _, v := range x {
		b = append(b, byte(int8(steps(v, d, -127, 127))))
	}
	return b, nil
}

// narrowSmall makes a block of 32 numbers of middle*2 values. The number furthest
// from zero gets the value -middle, which has no opposite: so the step may have
// either sign.
func narrowSmall(b []byte, x []float32, middle int) ([]byte, error) {
	at := len(b)
	b, err := appendHalf(b, furthest(x)/float32(-middle))
	if err != nil {
		return nil, err
	}
	d := f16(b[at:])
	var q [32]int
	for i, v := range x {
		q[i] = steps(v, d, float64(-middle), float64(middle-1)) + middle
	}
	if middle == 16 {
		var fifths uint32
		for i, v := range q {
			fifths |= uint32(v>>4) << i
		}
		b = binary.LittleEndian.AppendUint32(b, fifths)
	}
	for i := range 16 {
		b = append(b, byte(q[i]&15|q[i+16]&15<<4))
	}
	return b, nil
}
