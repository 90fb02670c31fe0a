package prefix

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var mnemonics = []string{"set", "ext", "mov", "add", "adi", "mul", "xor", "and", "or", "shl", "shr", "ld", "st", "jnz", "out", "end"}

// Assemble makes a program of the register machine of its text: an instruction
// a line as in the table at [Register], with registers named r0 to r15 or by
// lines "name = r3", numbers in Go's notation, jumps to labels ("label:" on a
// line of its own), and comments after a semicolon.
func Assemble(text string) (Program, error) {
	a := &assembler{names: map[string]string{}, labels: map[string]int{}}
	var lines []string
	var numbers []int
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, ";")
		line = strings.TrimSpace(line)
		name, register, isName := strings.Cut(line, "=")
		label, isLabel := strings.CutSuffix(line, ":")
		switch {
		case line == "":
		case isName:
			a.names[strings.TrimSpace(name)] = strings.TrimSpace(register)
		case isLabel:
			a.labels[label] = len(lines)
		default:
			lines = append(lines, line)
			numbers = append(numbers, i+1)
		}
	}
	code := make([]instruction, len(lines))
	for i, line := range lines {
		var err error
		if code[i], err = a.instruction(i, strings.Fields(line)); err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", numbers[i], line, err)
		}
	}
	if len(code) == 0 {
		return nil, fmt.Errorf("no instruction: a program has one at least")
	}
	return registerProgram(code), nil
}

type assembler struct {
	names  map[string]string
	labels map[string]int
}

// instruction assembles the words of the one at a place.
func (a *assembler) instruction(at int, words []string) (x instruction, err error) {
	op := slices.Index(mnemonics, words[0])
	if op < 0 {
		return x, fmt.Errorf("no instruction %q", words[0])
	}
	x.op = uint8(op)
	operands := words[1:]
	want := 2
	switch op {
	case opOut:
		want = 1
	case opEnd:
		want = 0
	}
	if len(operands) != want {
		return x, fmt.Errorf("%d operands, must be %d", len(operands), want)
	}
	switch {
	case op == opEnd:
		return x, nil
	case op == opOut:
		x.s, err = a.register(operands[0])
		return x, err
	}
	if x.d, err = a.register(operands[0]); err != nil {
		return x, err
	}
	if !immediate[op] {
		x.s, err = a.register(operands[1])
		return x, err
	}
	x.i, err = a.number(at, op, operands[1])
	return x, err
}

func (a *assembler) register(word string) (uint8, error) {
	if name, ok := a.names[word]; ok {
		word = name
	}
	digits, ok := strings.CutPrefix(word, "r")
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil || n > 15 {
		return 0, fmt.Errorf("no register %q: they are r0 to r15", word)
	}
	return uint8(n), nil
}

func (a *assembler) number(at, op int, word string) (uint8, error) {
	if to, ok := a.labels[word]; ok && op == opJnz {
		skip := to - at - 1
		if skip < -128 || skip > 127 {
			return 0, fmt.Errorf("label %q is %d instructions away, at most 127 is possible", word, skip)
		}
		return uint8(skip), nil
	}
	n, err := strconv.ParseInt(word, 0, 16)
	if err != nil || n < -128 || n > 255 {
		return 0, fmt.Errorf("%q is no byte", word)
	}
	return uint8(n), nil
}
