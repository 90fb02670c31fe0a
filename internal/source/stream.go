package source

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// stream is a source of rate zero: one endless sequence of bits. Seeds do not
// change it.
type stream struct {
	name string
	bits func(n int) []int
}

func (s stream) Name() string                 { return s.name }
func (s stream) Alphabet() int                { return 2 }
func (s stream) Sample(_ uint64, n int) []int { return s.bits(n) }
func (s stream) Rate() float64                { return 0 }

func (s stream) Bits(x []int) float64 {
	if slices.Equal(x, s.bits(len(x))) {
		return 0
	}
	return math.Inf(1)
}

// Text packs eight bits into a byte, the first in the highest place.
func (s stream) Text(x []int) []byte {
	b := make([]byte, (len(x)+7)/8)
	for i, bit := range x {
		b[i/8] |= byte(bit) << (7 - i%8)
	}
	return b
}

// Periodic repeats 0110100.
func Periodic() Source {
	period := []int{0, 1, 1, 0, 1, 0, 0}
	return stream{"periodic", func(n int) []int {
		x := make([]int, n)
		for i := range x {
			x[i] = period[i%len(period)]
		}
		return x
	}}
}

// ThueMorse is the parity of the ones in the binary numbers 0, 1, 2...
func ThueMorse() Source {
	return stream{"thue-morse", func(n int) []int {
		x := make([]int, n)
		for i := range x {
			x[i] = bits.OnesCount(uint(i)) % 2
		}
		return x
	}}
}

// Xorshift is the output of Marsaglia's 32-bit xorshift generator (2003; shifts
// 13, 17, 5; seed 1), low byte first.
func Xorshift() Source {
	return stream{"xorshift", func(n int) []int {
		var b []byte
		for state := uint32(1); 8*len(b) < n; {
			state ^= state << 13
			state ^= state >> 17
			state ^= state << 5
			b = binary.LittleEndian.AppendUint32(b, state)
		}
		return unpack(b, n)
	}}
}

// AES is AES-128 in counter mode: the encryptions of 0, 1, 2... under the key
// 000102...0f.
func AES() Source {
	return stream{"aes counter", func(n int) []int {
		key := make([]byte, 16)
		for i := range key {
			key[i] = byte(i)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			panic(err) // the key has a length that AES has
		}
		b := make([]byte, (n+7)/8)
		cipher.NewCTR(block, make([]byte, 16)).XORKeyStream(b, b)
		return unpack(b, n)
	}}
}

// unpack takes n bits out of bytes.
func unpack(b []byte, n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = int(b[i/8] >> (7 - i%8) & 1)
	}
	return x
}
