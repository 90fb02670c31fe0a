package score

import (
	"unicode"
	"unicode/utf8"
)

// Words counts the words of a text as lm-evaluation-harness does for its
// word_perplexity: one more than there are runs of white space.
func Words(text []byte) int {
	n, before := 1, false
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		is := unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f // as Python's \s
		if is && !before {
			n++
		}
		before, text = is, text[size:]
	}
	return n
}
