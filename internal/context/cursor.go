package context

import "kolm/internal/mix"

// Cursor is one stream's place in the block and what it remembers of the bytes
// before it. The tables are common to all streams; a Cursor is all that a
// stream has of its own.
type Cursor struct {
	start, pos int    // first and next position of the stream in the block
	tail       uint64 // the last eight bytes, the last one lowest
	tail8      uint64 // the eight bytes before them
	classes    uint64 // the classes of the last sixteen bytes, four bits each

	word, word1, word2 uint64 // hashes of this word, 0 between words, and of the two before

	charHash, charHash1 uint64 // hashes of this character so far and of the one before
	char                byte   // first byte of this character
	charLeft            int    // bytes of it still to come

	lineStart, lineBefore int    // where this line and the one before began; -1 for none
	first                 uint32 // the line's first two bytes

	structure structure // kept only for the rich contexts

	match       [matchers]matchState
	token       uint64 // hash of the bytes since the last mark
	sinceMark   int    // and their number
	tokenBefore uint64 // hash of the bytes between the last two marks

	_ mix.Apart
}

// Init places the cursor before the stream's first byte.
func (c *Cursor) Init(start int) {
	*c = Cursor{start: start, pos: start, lineStart: start, lineBefore: -1}
	c.structure.init(start)
}

// Pos returns the position of the stream's next byte.
func (c *Cursor) Pos() int { return c.pos }

// Tail returns the last eight bytes, the last one lowest.
func (c *Cursor) Tail() uint64 { return c.tail }

// Classes returns the classes of the last sixteen bytes, four bits each, the
// last one lowest.
func (c *Cursor) Classes() uint64 { return c.classes }

// Field returns the number of the field in its line, kept only with the rich
// contexts.
func (c *Cursor) Field() int { return int(c.structure.field) }

// Classes of bytes.
const (
	classControl = iota
	classLower
	classUpper
	classDigit
	classSpace
	classLine
	classStop
	classComma
	classQuote
	classOpen
	classClose
	classSign
	classLead // first byte of a character of several
	classRest // its other bytes
	classTab
	classOther
)

var byteClass [256]uint8

func init() {
	of := func(class uint8, bytes string) {
		for i := range len(bytes) {
			byteClass[bytes[i]] = class
		}
	}
	for i := range 256 {
		switch c := byte(i); {
		case c >= 0xC0:
			byteClass[i] = classLead
		case c >= 0x80:
			byteClass[i] = classRest
		case c > ' ':
			byteClass[i] = classOther
		}
	}
	of(classLower, "abcdefghijklmnopqrstuvwxyz")
	of(classUpper, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	of(classDigit, "0123456789")
	of(classSpace, " ")
	of(classLine, "\n")
	of(classStop, ".!?")
	of(classComma, ",;:")
	of(classQuote, "\"'")
	of(classOpen, "([{<")
	of(classClose, ")]}>")
	of(classSign, "-_/=+*|\\")
	of(classTab, "\t\r")
}

// advance takes byte b into the cursor's memory.
func (c *Cursor) advance(b byte) {
	class := byteClass[b]
	c.tail8 = c.tail8<<8 | c.tail>>56
	c.tail = c.tail<<8 | uint64(b)
	c.classes = c.classes<<4 | uint64(class)
	c.pos++
	c.token = (c.token + uint64(b) + 1) * mul1
	c.sinceMark++
	c.advanceWord(b, class)
	c.advanceChar(b)
	c.advanceLine(b)
}

// advanceWord hashes runs of letters without regard to case; every byte of a
// character of several bytes is a letter.
func (c *Cursor) advanceWord(b byte, class uint8) {
	switch class {
	case classUpper:
		b += 'a' - 'A'
		fallthrough
	case classLower, classLead, classRest:
		c.word = (c.word + uint64(b)) * mul1
	default:
		if c.word != 0 {
			c.word2, c.word1, c.word = c.word1, c.word, 0
		}
	}
}

// advanceChar follows UTF-8 characters. A byte that is out of place begins a
// character.
func (c *Cursor) advanceChar(b byte) {
	if b&0xC0 == 0x80 && c.charLeft > 0 {
		c.charHash = (c.charHash + uint64(b)) * mul1
		c.charLeft--
		return
	}
	c.charHash1 = c.charHash
	c.charHash = (uint64(b) + 1) * mul1
	c.char, c.charLeft = b, 0
	switch {
	case b >= 0xF0:
		c.charLeft = 3
	case b >= 0xE0:
		c.charLeft = 2
	case b >= 0xC0:
		c.charLeft = 1
	}
}

// advanceLine follows lines.
func (c *Cursor) advanceLine(b byte) {
	if b == '\n' {
		c.lineBefore, c.lineStart = c.lineStart, c.pos
		c.first = 0
		return
	}
	if c.pos-c.lineStart <= 2 {
		c.first = c.first<<8 | uint32(b)
	}
}
