package prefix

import (
	"bytes"
	"fmt"
	"math/bits"
)

// Register is a machine of 16 registers of 32 bits and 64 KiB of memory, all
// zero at first. An instruction is two bytes, a step each:
//
//	0d ii  set d i    d = i                  8d 0s  or  d s   d |= s
//	1d ii  ext d i    d = d<<8 | i           9d ii  shl d i   d <<= i
//	2d 0s  mov d s    d = s                  ad ii  shr d i   d >>= i
//	3d 0s  add d s    d += s                 bd 0s  ld  d s   d = memory[s]
//	4d ii  adi d i    d += i, -128..127      cd 0s  st  d s   memory[s] = d, low byte
//	5d 0s  mul d s    d *= s                 dd ii  jnz d i   if d: skip i, -128..127
//	6d 0s  xor d s    d ^= s                 e0 0s  out s     write the low byte
//	7d 0s  and d s    d &= s                 f0 00  end       halt
//
// Memory addresses are taken modulo 2^16. A program is the number of its
// instructions in Elias' gamma code, then the instructions. Leaving the program
// is an error, as are the other values of nibbles and bytes written as 0.
type Register struct{}

// ID is the machine's name in certificates.
func (Register) ID() string { return "kolm-register-1" }

const (
	opSet = iota
	opExt
	opMov
	opAdd
	opAdi
	opMul
	opXor
	opAnd
	opOr
	opShl
	opShr
	opLd
	opSt
	opJnz
	opOut
	opEnd
)

// immediate tells which instructions have a number instead of a second register.
var immediate = [16]bool{opSet: true, opExt: true, opAdi: true, opShl: true, opShr: true, opJnz: true}

// instruction is one that is decoded.
type instruction struct {
	op, d, s uint8
	i        uint8
}

func (x instruction) encode() [2]byte {
	if immediate[x.op] {
		return [2]byte{x.op<<4 | x.d, x.i}
	}
	return [2]byte{x.op<<4 | x.d, x.s}
}

func decode(b [2]byte) (instruction, error) {
	x := instruction{op: b[0] >> 4, d: b[0] & 15}
	switch {
	case immediate[x.op]:
		x.i = b[1]
	case b[1] > 15, x.op >= opOut && x.d != 0, x.op == opEnd && b[1] != 0:
		return x, fmt.Errorf("%w: bytes %x are no instruction", errProgram, b)
	default:
		x.s = b[1]
	}
	return x, nil
}

// registerProgram makes the bits of a program.
func registerProgram(code []instruction) Program {
	var p Program
	n := uint(len(code))
	for range bits.Len(n) - 1 {
		p = append(p, 0)
	}
	for i := bits.Len(n) - 1; i >= 0; i-- {
		p = append(p, byte(n>>i&1))
	}
	for _, x := range code {
		for _, b := range x.encode() {
			for i := 7; i >= 0; i-- {
				p = append(p, b>>i&1)
			}
		}
	}
	return p
}

// instructions is the inverse of registerProgram.
func instructions(p Program) ([]instruction, error) {
	zeros := bytes.IndexByte(p, 1)
	if zeros < 0 || zeros > 16 || len(p) < 2*zeros+1 {
		return nil, errProgram
	}
	n := 0
	for _, bit := range p[zeros : 2*zeros+1] {
		n = n<<1 | int(bit)
	}
	p = p[2*zeros+1:]
	if len(p) != 16*n {
		return nil, fmt.Errorf("%w: %d instructions announced, %d bits follow", errProgram, n, len(p))
	}
	code := make([]instruction, n)
	var err error
	for i := range code {
		word := p[16*i:][:16].pack()
		if code[i], err = decode([2]byte(word)); err != nil {
			return nil, err
		}
	}
	return code, nil
}

// Run decodes and runs a program.
func (Register) Run(p Program, l Limits) (out []byte, steps int, err error) {
	code, err := instructions(p)
	if err != nil {
		return nil, 0, err
	}
	var r [16]uint32
	var memory [1 << 16]byte
	for at := 0; steps < l.Steps; at++ {
		if at < 0 || at >= len(code) {
			return nil, steps, fmt.Errorf("step %d leaves the program", steps)
		}
		steps++
		x := &code[at]
		d, s := &r[x.d], r[x.s]
		switch x.op {
		case opSet:
			*d = uint32(x.i)
		case opExt:
			*d = *d<<8 | uint32(x.i)
		case opMov:
			*d = s
		case opAdd:
			*d += s
		case opAdi:
			*d += uint32(int8(x.i))
		case opMul:
			*d *= s
		case opXor:
			*d ^= s
		case opAnd:
			*d &= s
		case opOr:
			*d |= s
		case opShl:
			*d <<= x.i
		case opShr:
			*d >>= x.i
		case opLd:
			*d = uint32(memory[uint16(s)])
		case opSt:
			memory[uint16(s)] = byte(*d)
		case opJnz:
			if *d != 0 {
				at += int(int8(x.i))
			}
		case opOut:
			if len(out) >= l.Output {
				return nil, steps, ErrOutput
			}
			out = append(out, byte(s))
		case opEnd:
			return out, steps, nil
		}
	}
	return nil, steps, ErrSteps
}
