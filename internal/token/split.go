package token

// A Splitter returns the length of the first pre-token of b, 0 if b is empty; the
// rest of b is split in the same way. Splitters follow their patterns as Split does.
type Splitter func(b []byte) int

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
func Split(b []byte) int { return splitLines(b, 1) }

// splitLines is Split with \p{N}{1,digits}.
func splitLines(b []byte, digits int) int {
	k, n := next(b)
	if n == 0 {
		return 0
	}
	if b[0] == '\'' {
		if c := contraction(b, 0x20); c > 0 {
			return c
		}
	}
	switch {
	case k&letter != 0:
		return n + run(b[n:], letter)
	case k&number != 0:
		return numbers(b, digits)
	}
	if k != newline {
		if l := run(b[n:], letter); l > 0 {
			return n + l
		}
	}
	return symbolsOrSpaces(b, k, newline, "")
}

// numbers matches \p{N}{1,most}, of which the first is there.
func numbers(b []byte, most int) int {
	i := 0
	for range most {
		k, n := next(b[i:])
		if k&number == 0 {
			break
		}
		i += n
	}
	return i
}

// symbolsOrSpaces matches
//
//	?[^\s\p{L}\p{N}]+[after also]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// where the first character is of class k and no letter or number, and also is
// one more character of ASCII or none.
func symbolsOrSpaces(b []byte, k, after class, also string) int {
	i := 0
	if b[0] == ' ' && len(b) > 1 {
		k, _ = next(b[1:])
		i = 1
	}
	if k&notOther != 0 {
		return spaces(b, newline, 0)
	}
	i += runOther(b[i:], notOther)
	for {
		i += run(b[i:], after)
		if also == "" || i == len(b) || b[i] != also[0] {
			return i
		}
		i++
	}
}

// spaces matches \s*[lines]+|\s+(?!\S)|\s+ : up to the last line end of a run of
// white space; without one, all but the last character of the run, which may lead
// the next word, or all of it at the end of the text. Without lines, line ends are
// white space as any. A character of the classes stop is an end of the text.
func spaces(b []byte, lines, stop class) int {
	i, last, line := 0, 0, 0
	for {
		k, n := next(b[i:])
		if k&(space|newline) == 0 {
			if k&stop != 0 {
				return i
			}
			break
		}
		last = i
		i += n
		if k&lines != 0 {
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

// contraction matches 's|'t|'re|'ve|'m|'ll|'d after its apostrophe, in either case
// if fold is 0x20, the bit of ASCII that tells the cases apart; only in small
// letters if it is 0.
func contraction(b []byte, fold byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] | fold {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(b) < 3 {
		return 0
	}
	switch string([]byte{b[1] | fold, b[2] | fold}) {
	case "re", "ve", "ll":
		return 3
	}
	return 0
}
