package context

// structure is what a cursor remembers of structured text: the fields of lines,
// and the keys that values stand under. Any text has them; in prose they mean
// little.
type structure struct {
	field      uint32 // number of the field in this line
	fieldStart int    // where it began
	fieldHash  uint64 // hash of its bytes so far
	firstField uint64 // hash of the line's first field

	begun  [2][maxFields]int32 // where the fields of this line and of the one before began
	fields [2]uint32           // and their number
	line   uint8               // which of the two is this line

	keys   [maxDepth]uint64 // hash of the last key at each depth of brackets
	depth  uint32
	str    uint64 // hash of the string so far
	name   uint64 // hash of the last string
	quoted bool
	indent int // spaces that this line begins with

	runs     uint64 // the classes of the last sixteen runs of bytes of one class
	template uint64 // hash of the line's bytes that are no letters nor digits
}

const (
	maxFields = 64
	maxDepth  = 16
)

func (s *structure) init(pos int) {
	*s = structure{fieldStart: pos}
	s.beginField(pos)
}

// advance takes in byte b. The last word that has ended has the hash word, the
// next byte is at pos, and the line of b began at lineStart.
func (s *structure) advance(b byte, word uint64, pos, lineStart int) {
	s.advanceKeys(b, word)
	s.advanceShape(b)
	switch b {
	case '\n':
		s.endField()
		s.line ^= 1
		s.field, s.firstField, s.indent = 0, 0, 0
		s.beginField(pos)
		return
	case ',', ';', '\t', '|', ' ', '"':
		if b == ' ' && pos-1-lineStart == s.indent {
			s.indent++
		}
		s.endField()
		s.field++
		s.beginField(pos)
	default:
		s.fieldHash = (s.fieldHash + uint64(b) + 1) * mul1
	}
}

// advanceShape follows what kinds of bytes there are, however many of each.
func (s *structure) advanceShape(b byte) {
	class := uint64(byteClass[b])
	if class != s.runs&15 {
		s.runs = s.runs<<4 | class
	}
	switch class {
	case classLower, classUpper, classDigit, classLead, classRest:
	case classLine:
		s.template = 0
	default:
		s.template = (s.template + uint64(b) + 1) * mul1
	}
}

func (s *structure) endField() {
	if s.field == 0 {
		s.firstField = s.fieldHash
	}
	s.fieldHash = 0
}

func (s *structure) beginField(pos int) {
	s.fieldStart = pos
	if s.field < maxFields {
		s.begun[s.line][s.field] = int32(pos)
		s.fields[s.line] = s.field + 1
	}
}

// over returns the place in the line before that is in the same field as pos,
// as far behind its beginning; -1 if that line has no such field.
func (s *structure) over(pos int) int {
	before := s.line ^ 1
	if s.field >= s.fields[before] {
		return -1
	}
	return int(s.begun[before][s.field]) + pos - s.fieldStart
}

// advanceKeys follows quoted strings, the keys before a colon or an equals
// sign, and brackets. word is the hash of the last word that has ended.
func (s *structure) advanceKeys(b byte, word uint64) {
	switch {
	case b == '"':
		if s.quoted {
			s.name = s.str
		}
		s.quoted, s.str = !s.quoted, 0
		return
	case b == '\n':
		s.quoted = false
	case s.quoted:
		s.str = (s.str + uint64(b) + 1) * mul1
		return
	}
	switch b {
	case ':', '=':
		s.keys[s.depth%maxDepth] = s.name
		if s.name == 0 {
			s.keys[s.depth%maxDepth] = word
		}
	case '{', '[', '(':
		s.depth++
		s.keys[s.depth%maxDepth] = 0
	case '}', ']', ')':
		s.depth--
	}
}

// key returns the hash of the last key at this depth.
func (s *structure) key() uint64 { return s.keys[s.depth%maxDepth] }

// keyAround returns the hash of the last key outside the brackets that are open.
func (s *structure) keyAround() uint64 { return s.keys[(s.depth-1)%maxDepth] }
