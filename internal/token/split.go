package token

import (
	"unicode"
	"unicode/utf8"
)

// kind sorts characters as Split sees them.
type kind uint8

const (
	other   kind = iota // neither space nor letter nor number
	letter              // \p{L}
	number              // \p{N}
	space               // \s without CR and LF
	newline             // CR or LF
)

// kinds holds the kind of every character of the basic plane.
var kinds [1 << 16]kind

func init() {
	mark(unicode.L, letter)
	mark(unicode.N, number)
	mark(unicode.White_Space, space)
	kinds['\r'], kinds['\n'] = newline, newline
}

func mark(t *unicode.RangeTable, k kind) {
	for _, r := range t.R16 {
		for c := int(r.Lo); c <= int(r.Hi); c += int(r.Stride) {
			kinds[c] = k
		}
	}
}

// highKind is kinds beyond the basic plane, which has no white space.
func highKind(r rune) kind {
	switch {
	case unicode.Is(unicode.L, r):
		return letter
	case unicode.Is(unicode.N, r):
		return number
	}
	return other
}

// next returns the kind and length of the first character of b, and other and 0
// at the end. A byte that is not UTF-8 is one character of kind other.
func next(b []byte) (kind, int) {
	if len(b) == 0 {
		return other, 0
	}
	if b[0] < utf8.RuneSelf {
		return kinds[b[0]], 1
	}
	r, n := utf8.DecodeRune(b)
	switch {
	case n == 1:
		return other, 1
	case r < 1<<16:
		return kinds[r], n
	}
	return highKind(r), n
}

// Split returns the length of the first pre-token of b, 0 if b is empty. It is
// the pre-tokenizer that llama.cpp knows as "qwen2":
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|
//	 ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// with the Unicode classes of package unicode; bytes that are not UTF-8 count as
// symbols, one by one. To split a whole text takes time linear in its length.
// Another edition of Unicode may split text of its new characters elsewhere:
// that changes what Encode chooses, never what Decode gives.
func Split(b []byte) int {
	k, n := next(b)
	if n == 0 {
		return 0
	}
	if b[0] == '\'' {
		if c := contraction(b); c > 0 {
			return c
		}
	}
	switch k {
	case letter:
		return n + run(b[n:], letter)
	case number:
		return n
	}
	if k != newline {
		if l := run(b[n:], letter); l > 0 {
			return n + l
		}
	}
	if k == other {
		return symbols(b, 0)
	}
	if b[0] == ' ' {
		if after, _ := next(b[1:]); len(b) > 1 && after == other {
			return symbols(b, 1)
		}
	}
	return spaces(b)
}

// run returns the length of the characters of kind k at the start of b.
func run(b []byte, k kind) int {
	i := 0
	for {
		have, n := next(b[i:])
		if n == 0 || have != k {
			return i
		}
		i += n
	}
}

// symbols matches [^\s\p{L}\p{N}]+[\r\n]* from b[i:].
func symbols(b []byte, i int) int {
	i += run(b[i:], other)
	return i + run(b[i:], newline)
}

// spaces matches the last three alternatives: up to the last line end of a run
// of white space; without one, all but the last character of the run, which
// may lead the next word, or all of it at the end of the text.
func spaces(b []byte) int {
	i, last, line := 0, 0, 0
	for {
		k, n := next(b[i:])
		if n == 0 || k != space && k != newline {
			break
		}
		last = i
		i += n
		if k == newline {
			line = i
		}
	}
	switch {
	case line > 0:
		return line
	case i == len(b) || last == 0:
		return i
	}
	return last
}

// contraction matches (?i:'s|'t|'re|'ve|'m|'ll|'d).
func contraction(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] | 0x20 {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(b) < 3 {
		return 0
	}
	switch string([]byte{b[1] | 0x20, b[2] | 0x20}) {
	case "re", "ve", "ll":
		return 3
	}
	return 0
}
