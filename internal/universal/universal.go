// Package universal holds codes that know nothing beforehand and learn from the
// data as they go: estimators of Krichevsky and Trofimov in contexts of fixed
// order, context-tree weighting, and the Bayes mixture over the orders. They are
// written as files and read back.
//
// A byte is eight binary decisions, highest bit first. Each decision belongs to
// a node of the tree of bytes (the bits of the byte so far), and each node in
// each context is estimated apart: the binary decomposition of Tjalkens, Volf
// and Willems (1997). The context of order k is the last k bytes; bytes before
// the first are zeros.
//
// Probabilities come from integers, or from float64 by the four operations and
// nothing else, without fusing: the same on every machine. The package must not
// know files, nor what its input is.
package universal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"kolm/internal/coder"
)

// MaxOrder is the longest context in bytes.
const MaxOrder = 5

// MaxBytes is the longest input: the tables grow with it, to about 100 bytes a
// byte for each order.
const MaxBytes = 16 << 20

// ErrCorrupt means that a file is not one that Encode writes.
var ErrCorrupt = errors.New("universal: file is damaged")

// Code is a sequential code of binary decisions.
type Code interface {
	// one is the probability that the next decision is a one, in (0, 1) parts
	// of 2^32: the present node in the present contexts.
	one(contexts *[MaxOrder + 1]uint64) uint32
	// learn is told the decision that one was asked about.
	learn(bit int)
}

// File is data in a universal code.
type File struct {
	Bytes  []byte
	Header int     // bytes before the payload: the number of bytes coded
	Ideal  float64 // bits: the sum of -log2 of what the decisions were held for
}

// Encode writes data in the code.
func Encode(c Code, data []byte) (*File, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("universal: %d bytes are more than the tables are made for, %d", len(data), MaxBytes)
	}
	f := &File{Bytes: binary.AppendUvarint(nil, uint64(len(data)))}
	f.Header = len(f.Bytes)
	e := coder.NewEncoder(f.Bytes)
	walk(c, data, func(bit int, p uint32) int {
		e.Encode(bit, p)
		q := float64(p) / (1 << 32)
		if bit == 0 {
			q = 1 - q
		}
		f.Ideal -= math.Log2(q)
		return bit
	})
	f.Bytes = e.Flush()
	return f, nil
}

// Decode reads what Encode has written; the code is a new one of the same kind.
func Decode(c Code, file []byte) ([]byte, error) {
	n, size := binary.Uvarint(file)
	if size <= 0 || n > MaxBytes {
		return nil, ErrCorrupt
	}
	d := coder.NewDecoder(file[size:])
	data := make([]byte, n)
	walk(c, data, func(_ int, p uint32) int { return d.Decode(p) })
	if d.Overrun() > 8 || d.Unread() > 0 {
		return nil, ErrCorrupt
	}
	return data, nil
}

// walk goes through all decisions of data. code is given each bit, if data holds
// it already, and returns what it is; data receives it.
func walk(c Code, data []byte, code func(bit int, p uint32) int) {
	var past uint64 // the last bytes, the newest lowest
	var contexts [MaxOrder + 1]uint64
	for i, b := range data {
		node := 1
		for node < 256 {
			for k := range contexts {
				contexts[k] = key(past, k, node)
			}
			bit := code(int(b)>>7, c.one(&contexts))
			c.learn(bit)
			node, b = node<<1|bit, b<<1
		}
		data[i] = byte(node)
		past = past<<8 | uint64(byte(node))
	}
}

// key names a node of the tree of bytes in the context of order k.
func key(past uint64, k, node int) uint64 {
	return (past&(1<<(8*k)-1))<<8 | uint64(node)
}
