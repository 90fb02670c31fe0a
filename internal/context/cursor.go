package context

// Cursor is one stream's place in the block and what it remembers of the bytes
// before it. The tables are common to all streams; a Cursor is all that a
// stream has of its own.
type Cursor struct {
	start, pos int    // first and next position of the stream in the block
	tail       uint64 // the last eight bytes, the last one lowest
	classes    uint64 // the classes of the last sixteen bytes, four bits each

	word, word1, word2 uint64 // hashes of the current and the two words before
	wordLen            int

	lineStart, lineBefore int    // where this line and the one before began
	first                 uint32 // the line's first two bytes
	indent                int

	field              uint32 // number of the field in this line
	fieldHash          uint64 // hash of the field so far
	key                uint64 // hash of the last quoted name or tag
	quoted             uint64 // hash of the string being read
	nest               [16]uint64
	depth              int
	char, char1, char2 uint64 // hash of the bytes of the current character, and the characters before
	charLeft           int

	match     [2]matchState
	token     uint64 // hash of the bytes since the last mark
	sinceFlag int    // and their number
}

// Init places the cursor before the stream's first byte.
func (c *Cursor) Init(start int) {
	*c = Cursor{start: start, pos: start, lineStart: start, lineBefore: -1}
}

// Pos returns the position of the stream's next byte.
func (c *Cursor) Pos() int { return c.pos }

const (
	mul1 = 0x9E3779B97F4A7C15
	mul2 = 0xD6E8FEB86659FD93
)

// byteClass sorts bytes into sixteen kinds of text.
var byteClass [256]uint8

func init() {
	for i := range 256 {
		c := byte(i)
		k := uint8(0)
		switch {
		case c >= 'a' && c <= 'z':
			k = 1
		case c >= 'A' && c <= 'Z':
			k = 2
		case c >= '0' && c <= '9':
			k = 3
		case c == ' ':
			k = 4
		case c == '\n':
			k = 5
		case c == '.' || c == '!' || c == '?':
			k = 6
		case c == ',' || c == ';' || c == ':':
			k = 7
		case c == '"' || c == '\'':
			k = 8
		case c == '(' || c == '[' || c == '{' || c == '<':
			k = 9
		case c == ')' || c == ']' || c == '}' || c == '>':
			k = 10
		case c == '-' || c == '_' || c == '/' || c == '=' || c == '+' || c == '*' || c == '|' || c == '\\':
			k = 11
		case c >= 0xC0:
			k = 12
		case c >= 0x80:
			k = 13
		case c == '\t' || c == '\r':
			k = 14
		case c > ' ':
			k = 15
		}
		byteClass[i] = k
	}
}

// advance takes byte b into the cursor's memory.
func (c *Cursor) advance(b byte) {
	class := byteClass[b]
	before := c.tail
	c.tail = c.tail<<8 | uint64(b)
	c.classes = c.classes<<4 | uint64(class)
	c.pos++
	c.token = (c.token + uint64(b) + 1) * mul1
	c.sinceFlag++
	c.advanceWord(b, class)
	c.advanceChar(b)
	c.advanceLine(b, class)
	c.advanceNest(b, byte(before))
}

func (c *Cursor) advanceWord(b byte, class uint8) {
	switch class {
	case 1, 12, 13:
		c.word = (c.word + uint64(b)) * mul1
		c.wordLen++
	case 2:
		c.word = (c.word + uint64(b) + 32) * mul1
		c.wordLen++
	default:
		if c.word != 0 {
			c.word2, c.word1, c.word = c.word1, c.word, 0
			c.wordLen = 0
		}
	}
}

// advanceChar follows UTF-8 characters. Bytes that are not UTF-8 are
// characters of their own.
func (c *Cursor) advanceChar(b byte) {
	switch {
	case b&0xC0 == 0x80 && c.charLeft > 0:
		c.char = (c.char + uint64(b)) * mul1
		c.charLeft--
	default:
		c.char2, c.char1 = c.char1, c.char
		c.char = (uint64(b) + 1) * mul1
		c.charLeft = 0
		if b >= 0xF0 {
			c.charLeft = 3
		} else if b >= 0xE0 {
			c.charLeft = 2
		} else if b >= 0xC0 {
			c.charLeft = 1
		}
	}
}

func (c *Cursor) advanceLine(b byte, class uint8) {
	if b == '\n' {
		c.lineBefore, c.lineStart = c.lineStart, c.pos
		c.field, c.fieldHash, c.first, c.indent = 0, 0, 0, 0
		return
	}
	col := c.pos - c.lineStart
	if col <= 2 {
		c.first = c.first<<8 | uint32(b)
	}
	if (b == ' ' || b == '\t') && c.indent == col-1 {
		c.indent = col
	}
	switch b {
	case ',', ';', '\t', '|', ' ', '"':
		c.field++
		c.fieldHash = 0
	default:
		c.fieldHash = (c.fieldHash + uint64(b) + 1) * mul1
	}
}

// advanceNest keeps the last name before a colon, an equals sign or inside a
// tag, for each level of brackets.
func (c *Cursor) advanceNest(b, before byte) {
	switch b {
	case '"', '<':
		c.quoted = 0
	case ':', '=', '>':
		c.key = c.quoted
	case '{', '[':
		c.nest[c.depth&15] = c.key
		c.depth++
	case '}', ']':
		if c.depth > 0 {
			c.depth--
			c.key = c.nest[c.depth&15]
		}
	case '\n':
		c.quoted = 0
	default:
		if b != ' ' {
			c.quoted = (c.quoted + uint64(b) + 1) * mul2
		}
	}
}

// Tail returns the last eight bytes, the last one lowest.
func (c *Cursor) Tail() uint64 { return c.tail }

// Classes returns the kinds of the last sixteen bytes, four bits each, the last
// one lowest.
func (c *Cursor) Classes() uint64 { return c.classes }
