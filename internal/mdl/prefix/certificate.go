package prefix

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Certificate claims that a program writes an output within a number of steps,
// hence that the output's Kolmogorov complexity on the machine is at most Bits.
type Certificate struct {
	Machine string `json:"machine"`
	Bits    int    `json:"program_bits"`
	Program string `json:"program"` // hexadecimal, filled up with zero bits
	Steps   int    `json:"step_bound"`
	Length  int    `json:"output_bytes"`
	SHA256  string `json:"sha256"` // of the output
}

// Certify runs a program and states what it did.
func Certify(m Machine, p Program, l Limits) (Certificate, error) {
	out, steps, err := m.Run(p, l)
	if err != nil {
		return Certificate{}, err
	}
	sum := sha256.Sum256(out)
	return Certificate{m.ID(), len(p), hex.EncodeToString(p.pack()), steps, len(out), hex.EncodeToString(sum[:])}, nil
}

// Verify runs the program of a certificate and returns what it writes; an error
// says in what the certificate is wrong. It takes as many steps as the
// certificate says at most, and no more memory than the output and a machine.
func (c Certificate) Verify() ([]byte, error) {
	m, err := ByID(c.Machine)
	if err != nil {
		return nil, err
	}
	packed, err := hex.DecodeString(c.Program)
	if err != nil {
		return nil, fmt.Errorf("program: %w", err)
	}
	p, err := unpack(packed, c.Bits)
	if err != nil {
		return nil, fmt.Errorf("program: %w", err)
	}
	out, _, err := m.Run(p, Limits{c.Steps, c.Length})
	if err != nil {
		return nil, err
	}
	if len(out) != c.Length {
		return nil, fmt.Errorf("program writes %d bytes, the certificate says %d", len(out), c.Length)
	}
	if sum := sha256.Sum256(out); hex.EncodeToString(sum[:]) != c.SHA256 {
		return nil, errors.New("program writes other bytes than those certified")
	}
	return out, nil
}
