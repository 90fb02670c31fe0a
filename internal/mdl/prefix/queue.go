package prefix

import "strings"

// Queue is a machine on a string of bits that it appends to and, with a pointer
// of its own, reads: a relative of tag systems. Its instructions are
//
//	00   0  append 0
//	01   1  append 1
//	10   ?  read the next bit, if there is one; if it is 1, start again at the
//	        first instruction
//	110  D  append a copy of the string
//	111  .  halt; the string is the output
//
// which is a complete prefix code, and so are programs. A step is an instruction
// done, or a bit copied. Every string of n bits has a program of 2n+3 bits, and
// whether a program halts is not obvious: 1?. does not, 10?. does.
// The output is written in the characters 0 and 1.
type Queue struct{}

// ID is the machine's name in certificates.
func (Queue) ID() string { return "kolm-queue-1" }

var queueCodes = map[byte]string{'0': "00", '1': "01", '?': "10", 'D': "110", '.': "111"}

// QueueProgram makes a program of the signs of its instructions.
func QueueProgram(signs string) (Program, error) {
	var p Program
	for i := range len(signs) {
		code, ok := queueCodes[signs[i]]
		if !ok {
			return nil, errProgram
		}
		for _, c := range code {
			p = append(p, byte(c-'0'))
		}
	}
	return p, nil
}

// Signs is the inverse of QueueProgram; it is an error if p is not one program.
func (Queue) Signs(p Program) (string, error) {
	var signs strings.Builder
	for i := 0; i < len(p); {
		switch rest := p[i:]; {
		case len(rest) >= 2 && rest[0] == 0:
			signs.WriteByte('0' + rest[1])
			i += 2
		case len(rest) >= 2 && rest[1] == 0:
			signs.WriteByte('?')
			i += 2
		case len(rest) >= 3 && rest[2] == 0:
			signs.WriteByte('D')
			i += 3
		case len(rest) == 3:
			signs.WriteByte('.')
			return signs.String(), nil
		default:
			return "", errProgram
		}
	}
	return "", errProgram
}

// Run decodes and runs a program.
func (q Queue) Run(p Program, l Limits) (out []byte, steps int, err error) {
	signs, err := q.Signs(p)
	if err != nil {
		return nil, 0, err
	}
	return runQueue(signs, l)
}

func runQueue(signs string, l Limits) (out []byte, steps int, err error) {
	read := 0
	for at := 0; steps < l.Steps; at++ {
		if len(out) > l.Output {
			return nil, steps, ErrOutput
		}
		steps++
		switch signs[at] {
		case '.':
			return out, steps, nil
		case 'D':
			if steps += len(out); steps > l.Steps {
				return nil, steps, ErrSteps
			}
			if 2*len(out) > l.Output {
				return nil, steps, ErrOutput
			}
			out = append(out, out...)
		case '?':
			if read < len(out) {
				read++
				if out[read-1] == '1' {
					at = -1
				}
			}
		default:
			out = append(out, signs[at])
		}
	}
	return nil, steps, ErrSteps
}

// Shortest is the best program known for an output.
type Shortest struct {
	Program string // signs
	Bits    int
	Steps   int
}

// Enumeration is what the queue machine writes in all programs of some length.
type Enumeration struct {
	MaxBits, Limit int
	Programs       int
	Halted         int
	Kraft          float64 // sum of 2^-|p| over all programs
	Found          map[string]Shortest
	bound          map[string][]Shortest // none is both longer and slower than another
	lengths        map[string][]int      // of all programs that write the string
}

// Enumerate runs all programs of the queue machine of at most maxBits, each for
// at most limit steps.
func Enumerate(maxBits, limit int) *Enumeration {
	e := &Enumeration{MaxBits: maxBits, Limit: limit, Found: map[string]Shortest{}, bound: map[string][]Shortest{}, lengths: map[string][]int{}}
	e.extend(nil, 0)
	return e
}

// extend completes the program that begins with signs in all ways.
func (e *Enumeration) extend(signs []byte, bits int) {
	for _, sign := range []byte("01?D.") {
		n := bits + len(queueCodes[sign])
		if n > e.MaxBits {
			continue
		}
		if sign != '.' {
			e.extend(append(signs, sign), n)
			continue
		}
		e.Programs++
		e.Kraft += 1 / float64(int64(1)<<n)
		program := string(signs) + "."
		out, steps, err := runQueue(program, Limits{e.Limit, e.Limit})
		if err == nil {
			e.Halted++
			e.add(string(out), Shortest{program, n, steps})
		}
	}
}

// add keeps a program if none that is known is both as short and as fast.
func (e *Enumeration) add(out string, s Shortest) {
	e.lengths[out] = append(e.lengths[out], s.Bits)
	if best, ok := e.Found[out]; !ok || s.Bits < best.Bits || s.Bits == best.Bits && s.Steps < best.Steps {
		e.Found[out] = s
	}
	kept := e.bound[out][:0]
	for _, k := range e.bound[out] {
		if k.Bits <= s.Bits && k.Steps <= s.Steps {
			return
		}
		if k.Bits < s.Bits || k.Steps < s.Steps {
			kept = append(kept, k)
		}
	}
	e.bound[out] = append(kept, s)
}

// K is the length of the shortest program that writes the string, has at most
// maxBits and halts within so many steps; ok is false if none is known. It can
// only fall when maxBits or steps grow.
func (e *Enumeration) K(out string, maxBits, steps int) (bits int, ok bool) {
	for _, s := range e.bound[out] {
		if s.Bits <= maxBits && s.Steps <= steps && (!ok || s.Bits < bits) {
			bits, ok = s.Bits, true
		}
	}
	return bits, ok
}

// Lengths are those of all programs that write the string, in bits.
func (e *Enumeration) Lengths(out string) []int { return e.lengths[out] }

// Traded counts the strings for which a longer program halts sooner than the
// shortest: there K_T falls more than once.
func (e *Enumeration) Traded() int {
	n := 0
	for _, s := range e.bound {
		if len(s) > 1 {
			n++
		}
	}
	return n
}
