package token

import (
	"unicode"
	"unicode/utf8"
)

// class is a set of the classes of characters that pre-tokenizers see. A
// character that is none of them is of no class.
type class uint8

const (
	letter  class = 1 << iota // \p{L}
	upper                     // \p{Lu}\p{Lt}
	lower                     // \p{Ll}
	mark                      // \p{M}
	number                    // \p{N}
	space                     // \s without CR and LF
	newline                   // CR or LF
	punct                     // \p{P} and $+<=>^~|
)

// other are the classes of [^\s\p{L}\p{N}].
const notOther = letter | number | space | newline

// classes holds the classes of every character of the basic plane.
var classes [1 << 16]class

// classTables lists the tables of package unicode that make the classes.
var classTables = []struct {
	table *unicode.RangeTable
	class class
}{
	{unicode.L, letter}, {unicode.Lu, upper}, {unicode.Lt, upper}, {unicode.Ll, lower},
	{unicode.M, mark}, {unicode.N, number}, {unicode.P, punct}, {unicode.White_Space, space},
}

func init() {
	for _, t := range classTables {
		for _, r := range t.table.R16 {
			for c := int(r.Lo); c <= int(r.Hi); c += int(r.Stride) {
				classes[c] |= t.class
			}
		}
	}
	for _, c := range "$+<=>^~|" {
		classes[c] |= punct
	}
	classes['\r'], classes['\n'] = newline, newline
}

// highClass is classes beyond the basic plane.
func highClass(r rune) (k class) {
	for _, t := range classTables {
		if len(t.table.R32) > 0 && unicode.Is(t.table, r) {
			k |= t.class
		}
	}
	return k
}

// next returns the classes and length of the first character of b, and no class
// and 0 at the end. A byte that is not UTF-8 is one character of no class.
func next(b []byte) (class, int) {
	if len(b) == 0 {
		return 0, 0
	}
	if b[0] < utf8.RuneSelf {
		return classes[b[0]], 1
	}
	r, n := utf8.DecodeRune(b)
	switch {
	case n == 1:
		return 0, 1
	case r < 1<<16:
		return classes[r], n
	}
	return highClass(r), n
}

// run returns the length of the characters at the start of b that are of one of
// the classes k.
func run(b []byte, k class) int {
	i := 0
	for {
		have, n := next(b[i:])
		if have&k == 0 { // as at the end
			return i
		}
		i += n
	}
}

// runOther returns the length of the characters at the start of b that are of
// none of the classes k.
func runOther(b []byte, k class) int {
	i := 0
	for {
		have, n := next(b[i:])
		if n == 0 || have&k != 0 {
			return i
		}
		i += n
	}
}
