package prefix

import (
	"errors"
	"fmt"
)

// Program is a string of bits, one a byte, 0 or 1.
type Program []byte

// Machine runs self-delimiting programs.
type Machine interface {
	// ID names the machine; one with other semantics has another ID.
	ID() string
	// Run runs a program, which must be all of p, and returns what it writes
	// and the number of steps it takes. It returns ErrSteps or ErrOutput if that
	// is more than the limits, and another error if p is not a program of this
	// machine.
	Run(p Program, l Limits) (out []byte, steps int, err error)
}

// Limits are bounds on a run: whoever checks a certificate of others needs both.
type Limits struct {
	Steps  int
	Output int // bytes
}

// What stops a run.
var (
	ErrSteps  = errors.New("has not halted within its bound of steps")
	ErrOutput = errors.New("writes more than its bound")
)

var errProgram = errors.New("not a program of this machine")

// ByID finds a machine.
func ByID(id string) (Machine, error) {
	for _, m := range []Machine{Queue{}, Register{}} {
		if m.ID() == id {
			return m, nil
		}
	}
	return nil, fmt.Errorf("no machine %q: know %q and %q", id, Queue{}.ID(), Register{}.ID())
}

// pack puts the bits of a program into bytes, the first bit in the highest place.
func (p Program) pack() []byte {
	b := make([]byte, (len(p)+7)/8)
	for i, bit := range p {
		b[i/8] |= bit << (7 - i%8)
	}
	return b
}

// unpack takes n bits out of bytes; the bits that are left over must be zero.
func unpack(b []byte, n int) (Program, error) {
	if n < 0 || len(b) != (n+7)/8 {
		return nil, fmt.Errorf("%d bytes can not be %d bits", len(b), n)
	}
	p := make(Program, 8*len(b))
	for i := range p {
		p[i] = b[i/8] >> (7 - i%8) & 1
		if i >= n && p[i] != 0 {
			return nil, errors.New("bits after the end of the program are not zero")
		}
	}
	return p[:n], nil
}
