// Package ledger adds up what codes cost. A code of some data is a list of
// entries, each of so many bits; together they are the length of the code, and
// where the code was written to a file they are eight times the length of the
// file, exactly. The package must not know what the entries are about: the codes
// fill it.
package ledger

import (
	"fmt"
	"math"
)

// Bits is a length in 1/65536 bit. Ideal code lengths are no whole numbers of
// bits; as integers they still add up exactly, in any order.
type Bits int64

// Bit is one bit.
const Bit Bits = 1 << 16

// Bytes is the length of n bytes.
func Bytes(n int64) Bits { return Bits(n) * 8 * Bit }

// Ideal rounds a length in bits, such as -log2 of a probability.
func Ideal(bits float64) Bits { return Bits(math.RoundToEven(bits * float64(Bit))) }

// Float is the length in bits.
func (b Bits) Float() float64 { return float64(b) / float64(Bit) }

// Side says what an entry describes.
type Side int

const (
	Data  Side = iota // the data, given the model
	Model             // the model: what a decoder that knows only the method must be told
)

// Entry is one component of a code.
type Entry struct {
	What string
	Side Side
	Bits Bits
}

// Ledger is the account of one code of some data.
type Ledger struct {
	Code    string
	Decoded bool // bytes were written, and the data was read back from them; else the lengths are computed
	Net     bool // the bytes hold more than the data, and what they hold of other things is not counted: no file has this length
	Entries []Entry
	Notes   []string
	Seconds float64 // to make the code, and to decode it if it was
}

// Add appends an entry.
func (l *Ledger) Add(side Side, what string, b Bits) {
	l.Entries = append(l.Entries, Entry{what, side, b})
}

// Note appends a remark.
func (l *Ledger) Note(format string, args ...any) {
	l.Notes = append(l.Notes, fmt.Sprintf(format, args...))
}

// Sum is the length of the entries on one side.
func (l *Ledger) Sum(side Side) Bits {
	var sum Bits
	for _, e := range l.Entries {
		if e.Side == side {
			sum += e.Bits
		}
	}
	return sum
}

// Total is the length of the code.
func (l *Ledger) Total() Bits { return l.Sum(Data) + l.Sum(Model) }

// Close checks the account of a file of so many bytes: the entries must be all
// of its bits and no others.
func (l *Ledger) Close(bytes int64) error {
	if got, want := l.Total(), Bytes(bytes); got != want {
		return fmt.Errorf("ledger: the entries of %s are %.4f bits, the file has %d", l.Code, got.Float(), 8*bytes)
	}
	return nil
}
