// Package coder is a binary arithmetic coder over integers.
//
// The encoder keeps an interval [x1, x2] of 64-bit numbers, both ends inclusive,
// at first all of them. A decision whose probability of a one is p / 2^32 splits
// it at
//
//	mid = x1 + floor((x2 - x1) * p / 2^32)
//
// A one leaves [x1, mid], a zero [mid+1, x2]. As long as the first bytes of x1 and
// x2 agree, that byte is written, and both move up a byte, x1 taking in zeros and
// x2 ones; so nothing is ever carried into bytes that have been written. An
// interval always holds at least two numbers between decisions, which keeps both
// parts non-empty whatever the probability is.
//
// The message ends with the fewest bytes, n, that followed by zeros lie in the
// interval: the smallest number not below x1 whose 8-n last bytes are zero, if it
// is not above x2. Often n is 0.
//
// The decoder keeps the same interval, and the number x of the next eight bytes
// of the message, first byte highest; behind its end there are zeros. A decision
// is a one if x <= mid.
//
// The package must not know where probabilities come from.
package coder

import "math/bits"

// A probability p stands for p / 2^32. Even p = 0 leaves the ones one number of
// the interval: every decision can be coded, if dearly.

// split returns the last number of the lower part, x1 <= split < x2.
func split(x1, x2 uint64, p uint32) uint64 {
	hi, lo := bits.Mul64(x2-x1, uint64(p))
	return x1 + (hi<<32 | lo>>32)
}

// Encoder writes decisions. The zero value is not ready: call Reset.
type Encoder struct {
	x1, x2 uint64
	out    []byte
}

// NewEncoder returns an encoder that appends to dst.
func NewEncoder(dst []byte) *Encoder {
	e := new(Encoder)
	e.Reset(dst)
	return e
}

// Reset starts a new message, to be appended to dst.
func (e *Encoder) Reset(dst []byte) {
	e.x1, e.x2, e.out = 0, ^uint64(0), dst
}

// Encode codes bit, 0 or 1, with the probability p / 2^32 of a one.
func (e *Encoder) Encode(bit int, p uint32) {
	mid := split(e.x1, e.x2, p)
	if bit != 0 {
		e.x2 = mid
	} else {
		e.x1 = mid + 1
	}
	for (e.x1^e.x2)>>56 == 0 {
		e.out = append(e.out, byte(e.x1>>56))
		e.x1 <<= 8
		e.x2 = e.x2<<8 | 0xff
	}
}

// Flush ends the message and returns dst with the message appended. It writes
// the fewest bytes that, followed by endless zeros, lie in the interval.
func (e *Encoder) Flush() []byte {
	for n := uint(0); ; n++ {
		// Round x1 up to a number whose bytes after the first n are zero.
		mask := ^uint64(0) >> (8 * n)
		v := (e.x1 + mask) &^ mask
		if v < e.x1 || v > e.x2 {
			continue
		}
		for i := uint(0); i < n; i++ {
			e.out = append(e.out, byte(v>>(56-8*i)))
		}
		return e.out
	}
}

// Len returns the number of bytes in dst and the message so far.
func (e *Encoder) Len() int { return len(e.out) }

// Decoder reads decisions. The zero value is not ready: call Reset.
type Decoder struct {
	x1, x2, x uint64
	src       []byte
	next      int // bytes taken from src, and zeros taken after its end
}

// NewDecoder returns a decoder of the message in src.
func NewDecoder(src []byte) *Decoder {
	d := new(Decoder)
	d.Reset(src)
	return d
}

// Reset starts to decode the message in src.
func (d *Decoder) Reset(src []byte) {
	d.x1, d.x2, d.x, d.src, d.next = 0, ^uint64(0), 0, src, 0
	for range 8 {
		d.shift()
	}
}

func (d *Decoder) shift() {
	d.x <<= 8
	if d.next < len(d.src) {
		d.x |= uint64(d.src[d.next])
	}
	d.next++
}

// Decode returns the next decision. p must be what Encode was given. Any bytes
// decode to something: a damaged message gives wrong decisions, not an error.
func (d *Decoder) Decode(p uint32) int {
	mid := split(d.x1, d.x2, p)
	bit := 0
	if d.x <= mid {
		bit = 1
		d.x2 = mid
	} else {
		d.x1 = mid + 1
	}
	for (d.x1^d.x2)>>56 == 0 {
		d.x1 <<= 8
		d.x2 = d.x2<<8 | 0xff
		d.shift()
	}
	return bit
}

// Overrun returns how many bytes were read past the end of the message (they
// read as zero). A whole message overruns by at most 8 bytes; more means that
// the message was cut off or damaged.
func (d *Decoder) Overrun() int { return max(0, d.next-len(d.src)) }

// Unread returns how many bytes of the message no decision has needed. It is 0
// after the last decision of a whole message.
func (d *Decoder) Unread() int { return max(0, len(d.src)-d.next) }
