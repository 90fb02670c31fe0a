package codec

// Whether a block is coded with the contexts of structured text is a decision at
// even chances before its first byte.

// structured reports whether b is something like a table, a log, markup or
// program text, or no text at all: whether many of its bytes are neither
// letters nor blanks. On such data the further contexts save several per cent;
// in prose they only cost time.
func structured(b []byte) bool {
	if len(b) < leastStructure {
		return false
	}
	var count [256]int
	for _, c := range b {
		count[c]++
	}
	signs := 0
	for c, n := range count {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80 || c == ' ' || c == '\n'
		if !letter {
			signs += n
		}
	}
	return signs > len(b)/leastSigns
}

const (
	leastStructure = 256 // bytes, in fewer there is none to learn
	leastSigns     = 8   // one byte in so many is no letter
)

// codeMode codes which contexts are used in a block without a language model.
func codeMode(c bitCoder, m Mode) Mode {
	fast := 0
	if m.Fast {
		fast = 1
	}
	if c.code(fast, evenChance) == 1 {
		return Mode{Fast: true}
	}
	return Mode{Rich: codeRich(c, m.Rich)}
}

// codeRich codes whether the contexts of structured text are used.
func codeRich(c bitCoder, rich bool) bool { return codeChoice(c, rich) }

// codeChoice codes a yes or no at even chances.
func codeChoice(c bitCoder, yes bool) bool {
	bit := 0
	if yes {
		bit = 1
	}
	return c.code(bit, evenChance) == 1
}
