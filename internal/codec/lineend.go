package codec

import (
	"bytes"
	"fmt"
	"math/bits"
)

// Text whose lines end in CR LF is coded as if they ended in LF: the language
// model has hardly seen CR, and nothing is lost where every LF has its CR. The
// first decision of a payload says whether that was done; if so, the number of
// lines follows, highest bit first, at even chances, in as many decisions as
// half the plain length has bits.
const (
	linesChance = 1 << 28 // probability / 2^32 that line ends are changed
	evenChance  = 1 << 31
)

// stripCR returns b without the CR before every LF, and the number of these.
// It returns b itself and 0 if some LF has no CR before it.
func stripCR(b []byte) (stripped []byte, lines int) {
	lines = bytes.Count(b, []byte{'\n'})
	if lines == 0 || bytes.Count(b, []byte("\r\n")) != lines {
		return b, 0
	}
	stripped = make([]byte, 0, len(b)-lines)
	for i, c := range b {
		if c != '\r' || i+1 == len(b) || b[i+1] != '\n' {
			stripped = append(stripped, c)
		}
	}
	return stripped, lines
}

// insertCR fills dst with b and a CR before every LF.
func insertCR(dst, b []byte) error {
	if lines := bytes.Count(b, []byte{'\n'}); len(b)+lines != len(dst) {
		return fmt.Errorf("%w: %d line ends where %d were announced", ErrCorrupt, lines, len(dst)-len(b))
	}
	at := 0
	for _, c := range b {
		if c == '\n' {
			dst[at] = '\r'
			at++
		}
		dst[at] = c
		at++
	}
	return nil
}

// codeLines codes the number of lines whose ends were changed, at most total.
func codeLines(c bitCoder, lines, total int) (int, error) {
	if c.code(min(lines, 1), linesChance) == 0 {
		return 0, nil
	}
	n := 0
	for i := bits.Len(uint(total/2)) - 1; i >= 0; i-- {
		n = n<<1 | c.code(lines>>i&1, evenChance)
	}
	if n == 0 || n > total/2 {
		return 0, fmt.Errorf("%w: %d line ends of two bytes in %d bytes", ErrCorrupt, n, total)
	}
	return n, nil
}

// encodeLines returns the text to be coded for plain, and codes what was
// changed about its line ends.
func encodeLines(e *encoder, plain []byte) []byte {
	text, lines := stripCR(plain)
	if _, err := codeLines(e, lines, len(plain)); err != nil {
		panic(err) // every line end has two bytes
	}
	return text
}

// decodeLines has decode fill the text, checks that it took the whole payload,
// and makes dst of it.
func decodeLines(d *decoder, dst []byte, decode func(text []byte) error) error {
	lines, err := codeLines(d, 0, len(dst))
	if err != nil {
		return err
	}
	text := dst
	if lines > 0 {
		text = make([]byte, len(dst)-lines)
	}
	if err := decode(text); err != nil {
		return err
	}
	if err := checkEnd(&d.Decoder); err != nil {
		return err
	}
	if lines > 0 {
		return insertCR(dst, text)
	}
	return nil
}
