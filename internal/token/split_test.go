package token

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// words splits a whole text.
func words(split func([]byte) int, b []byte) (list []string) {
	for len(b) > 0 {
		n := split(b)
		list = append(list, string(b[:n]))
		b = b[n:]
	}
	return list
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Hello world", "Hello| world"},
		{"don't WE'LL x'\u017f", "don|'t| WE|'LL| x|'\u017f"}, // long s is no 's
		{"'sane 'quote' ''s", "'s|ane| '|quote|'| ''|s"},
		{"a1b22", "a|1|b|2|2"},
		{" 12", " |1|2"},
		{"x = (y+1);\n\n  z", "x| =| (|y|+|1|);\n\n| | z"},
		{"a\n b\r\n\r\n  c", "a|\n| b|\r\n\r\n| | c"},
		{"a  \n  \n   b", "a|  \n  \n|  | b"},
		{"a   ", "a|   "},
		{"\t\tx\t!", "\t|\tx|\t|!"},
		{"你好,世界。3", "你好|,世界|。|3"},
		{"e\u0301a", "e|\u0301a"}, // a combining mark is no letter
		{"\xff\xfe!a\xffb", "\xff\xfe!|a|\xffb"},
		{"\xe4\xbda", "\xe4\xbd|a"},
		{"\u3000\u3000字", "\u3000|\u3000字"},
		{"½Ⅷ", "½|Ⅷ"},
		{"😀😀\U00020000", "😀😀|\U00020000"},
		{" 😀\n", " 😀\n"},
	} {
		if got := strings.Join(words(Split, []byte(c.text)), "|"); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
	if n := Split(nil); n != 0 {
		t.Errorf("Split(nil) = %d, want 0", n)
	}
}

// The reference is the pattern itself by package regexp, which lacks the
// lookahead, knows only the white space of ASCII and folds case beyond it.
const (
	blank    = `\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}`
	headExpr = `^(?:'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|` +
		` ?[^` + blank + `\p{L}\p{N}]+[\r\n]*|[` + blank + `]*[\r\n]+)`
	tailExpr = `^[` + blank + `]+`
)

var headRegexp, tailRegexp = regexp.MustCompile(headExpr), regexp.MustCompile(tailExpr)

func slowSplit(b []byte) int {
	if at := headRegexp.FindIndex(b); at != nil {
		return at[1]
	}
	n := tailRegexp.FindIndex(b)[1]
	_, last := utf8.DecodeLastRune(b[:n])
	if n < len(b) && n > last { // \s+(?!\S) gives one character back
		return n - last
	}
	return n
}

func compareSplit(t *testing.T, text []byte) {
	t.Helper()
	if got, want := words(Split, text), words(slowSplit, text); !slices.Equal(got, want) {
		t.Fatalf("%q:\n got %q\nwant %q", text, got, want)
	}
}

// TestSplitShort tries every short text of characters that differ to the pattern.
func TestSplitShort(t *testing.T) {
	alphabet := []string{"'", "s", "L", "é", "7", " ", "\t", "\r", "\n", ".", "\u3000", "\xff"}
	const longest = 4
	var try func(text []byte)
	try = func(text []byte) {
		compareSplit(t, text)
		if utf8.RuneCount(text) < longest {
			for _, c := range alphabet {
				try(append(text[:len(text):len(text)], c...))
			}
		}
	}
	try(nil)
}

// randomText draws from few characters of every kind and, rarely, any.
func randomText(r *rand.Rand, n int) []byte {
	common := []string{"a", "b", "R", "e", "V", "l", "'", "'", "5", " ", " ", "  ", "\n", "\r", "\t", "\v", "-", "=", "中", "文", "，",
		"д", "\u0301", "\u200d", "\u2028", "\u0085", "\u00a0", "٣", "Ⅻ", "\U0001d7d9", "𐐷", "😀", "\u017f", "\u212a", "\x80", "\xe4", "\xf0\x9f", "\xed\xa0\x80", "\xc0\x80"}
	var b []byte
	for range n {
		switch r.IntN(12) {
		case 0:
			b = utf8.AppendRune(b, rune(r.IntN(unicode.MaxRune)))
		case 1:
			b = append(b, byte(r.Uint32()))
		default:
			b = append(b, common[r.IntN(len(common))]...)
		}
	}
	return b
}

func TestSplitRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		compareSplit(t, randomText(r, r.IntN(24)))
	}
}

// TestClasses checks the tables character by character.
func TestClasses(t *testing.T) {
	letters := regexp.MustCompile(`^\p{L}$`)
	for c := rune(0); c <= unicode.MaxRune; c++ {
		text := string(c)
		if !utf8.ValidRune(c) {
			continue
		}
		var want class
		for _, is := range []struct {
			is    bool
			class class
		}{
			{c == '\r' || c == '\n', newline}, {unicode.IsSpace(c) && c != '\r' && c != '\n', space},
			{unicode.IsLetter(c), letter}, {unicode.IsUpper(c) || unicode.IsTitle(c), upper}, {unicode.Is(unicode.Ll, c), lower},
			{unicode.IsMark(c), mark}, {unicode.IsNumber(c), number},
			{unicode.IsPunct(c) || strings.ContainsRune("$+<=>^~|", c), punct},
		} {
			if is.is {
				want |= is.class
			}
		}
		if got, n := next([]byte(text)); got != want || n != len(text) {
			t.Fatalf("%U: classes %b, length %d; want %b, %d", c, got, n, want, len(text))
		}
		if c < 0x3000 && letters.MatchString(text) != (want&letter != 0) {
			t.Fatalf("%U: package regexp does not agree that it is %b", c, want)
		}
	}
}

// TestSplitLinear splits long runs; were it quadratic, it would take days.
func TestSplitLinear(t *testing.T) {
	for _, unit := range []string{" ", "\n", " \n", "\n ", "a", "'", "'s", ".", "1", " .", "\xff", "\u3000", "中", ".\n", "\t ", "\u0301"} {
		text := bytes.Repeat([]byte(unit), 1<<20/len(unit))
		for rest := text; len(rest) > 0; {
			n := Split(rest)
			if n <= 0 {
				t.Fatalf("run of %q: a pre-token of length %d", unit, n)
			}
			rest = rest[n:]
		}
	}
}
