package prequential

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"kolm/internal/coder"
	"kolm/internal/kernel"
)

// MaxBytes is the longest input.
const MaxBytes = 64 << 20

// ErrCorrupt means that a file is not one that Encode writes.
var ErrCorrupt = errors.New("prequential: file is damaged")

// Options of Encode and Decode change no byte.
type Options struct {
	Threads int
	Done    func(bytes int) // may be nil; hears now and then how many bytes are coded
	Stop    func() error    // may be nil; asked now and then: an error ends the work
	Watch   func(p uint32)  // may be nil; hears the probability / 2^32 that each decision had
}

// Encode writes data: the number of its bytes in the base-128 form of
// encoding/binary, and an arithmetic code.
func Encode(data []byte, o Options) ([]byte, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("prequential: %d bytes are more than %d", len(data), MaxBytes)
	}
	e := coder.NewEncoder(binary.AppendUvarint(nil, uint64(len(data))))
	err := o.walk(slices.Clone(data), func(bit int, p uint32) int {
		e.Encode(bit, p)
		return bit
	})
	return e.Flush(), err
}

// Decode reads what Encode has written.
func Decode(file []byte, o Options) ([]byte, error) {
	n, size := binary.Uvarint(file)
	if size <= 0 || n > MaxBytes {
		return nil, ErrCorrupt
	}
	d := coder.NewDecoder(file[size:])
	data := make([]byte, n)
	err := o.walk(data, func(_ int, p uint32) int { return d.Decode(p) })
	if err == nil && (d.Overrun() > 8 || d.Unread() > 0) {
		err = ErrCorrupt
	}
	return data, err
}

// walk goes through all decisions of data. code is given each bit, if data holds
// it already, and returns what it is; data receives it.
func (o *Options) walk(data []byte, code func(bit int, p uint32) int) error {
	if err := kernel.SelfTest(); err != nil {
		return err
	}
	n, err := newNet(SizeFor(len(data)), max(o.Threads, 1))
	if err != nil {
		return err
	}
	for i, b := range data {
		lo, hi := 0, 256
		for hi-lo > 1 {
			mid := (lo + hi) / 2
			bit := 0
			if int(b) >= mid {
				bit = 1
			}
			p := n.one(lo, mid, hi)
			if bit = code(bit, p); bit == 1 {
				lo = mid
			} else {
				hi, p = mid, -p
			}
			if o.Watch != nil {
				o.Watch(p)
			}
		}
		data[i] = byte(lo)
		if i+1 < len(data) {
			n.learn(byte(lo))
		}
		if i%progressStep != 0 {
			continue
		}
		if o.Done != nil {
			o.Done(i)
		}
		if o.Stop != nil {
			if err := o.Stop(); err != nil {
				return err
			}
		}
	}
	return nil
}

const progressStep = 1 << 10

// one is the probability in parts of 2^32 that a byte of those from lo up to hi is
// one from mid on, kept off 0 and 1.
func (n *net) one(lo, mid, hi int) uint32 {
	const least = 1 << 10
	zeros, ones := n.cum[mid]-n.cum[lo], n.cum[hi]-n.cum[mid]
	p := uint64(ones) << 32 / (uint64(zeros) + uint64(ones))
	return uint32(min(max(p, least), 1<<32-least))
}
