package token

// The patterns of GPT-4o and of Mistral's Tekken cut words before capital letters:
//
//	[^\r\n\p{L}\p{N}]?[U]*[W]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|
//	[^\r\n\p{L}\p{N}]?[U]+[W]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|
//	\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// with U = \p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M} and W = \p{Ll}\p{Lm}\p{Lo}\p{M}. That of
// Tekken has no contractions and single numbers.

func splitGPT4o(b []byte) int  { return splitCased(b, 3, true) }
func splitTekken(b []byte) int { return splitCased(b, 1, false) }

func splitCased(b []byte, digits int, contractions bool) int {
	k, n := next(b)
	if n == 0 {
		return 0
	}
	if w := casedWord(b, k, n); w > 0 {
		if contractions && w < len(b) && b[w] == '\'' {
			w += contraction(b[w:], 0x20)
		}
		return w
	}
	if k&number != 0 {
		return numbers(b, digits)
	}
	return symbolsOrSpaces(b, k, newline, "/")
}

// casedWord matches the first two alternatives without the contraction, where the
// first character is of class k and n bytes long.
func casedWord(b []byte, k class, n int) int {
	lead := 0
	if k&(newline|letter|number) == 0 {
		lead = n
	}
	if w := endsLow(b[lead:]); w > 0 {
		return lead + w
	}
	if lead > 0 {
		if w := endsLow(b); w > 0 {
			return w
		}
	}
	if w := runCapital(b[lead:]); w > 0 {
		return lead + w
	}
	return runCapital(b)
}

func isCapital(k class) bool { return k&(letter|mark) != 0 && k&lower == 0 }
func isLow(k class) bool     { return k&(letter|mark) != 0 && k&upper == 0 }

// endsLow matches [U]*[W]+. Where no W follows the characters of U, the last of
// them that is W too ends the match.
func endsLow(b []byte) int {
	i, shared := 0, 0
	for {
		k, n := next(b[i:])
		if !isCapital(k) {
			break
		}
		i += n
		if isLow(k) {
			shared = i
		}
	}
	from := i
	for {
		k, n := next(b[i:])
		if !isLow(k) {
			break
		}
		i += n
	}
	if i > from {
		return i
	}
	return shared
}

// runCapital matches [U]+[W]* where endsLow found no W: there are only U.
func runCapital(b []byte) int {
	i := 0
	for {
		k, n := next(b[i:])
		if !isCapital(k) {
			return i
		}
		i += n
	}
}
