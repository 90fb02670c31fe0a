package context

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestStates(t *testing.T) {
	used := 0
	for s := range 256 {
		n := counts[s][0] + counts[s][1]
		if s > 0 && n == 0 {
			continue
		}
		used++
		for bit := range 2 {
			next := nextState[bit][s]
			if next == 0 {
				t.Fatalf("state %d forgets everything at a %d", s, bit)
			}
			if counts[next][bit] < counts[s][bit] {
				t.Errorf("state %d (%v) loses decisions like the one it sees: %v", s, counts[s], counts[next])
			}
			if counts[next][1-bit] > counts[s][1-bit] {
				t.Errorf("state %d (%v) gains decisions it has not seen: %v", s, counts[s], counts[next])
			}
		}
	}
	if used != 255 {
		t.Errorf("%d states in use, want 255", used)
	}
	// A short history is remembered exactly.
	s := uint8(0)
	for _, bit := range []int{1, 0, 0} {
		s = nextState[bit][s]
	}
	if int(s) != exactState(3, 0b100) {
		t.Errorf("after 1, 0, 0 the state is %d", s)
	}
	// A long run is broken by one decision, but not forgotten.
	s = 0
	for range 100 {
		s = nextState[1][s]
	}
	if c := counts[s]; c[0] > 0 || int(c[1]) != maxMajor[0] {
		t.Errorf("after a hundred ones: %v", c)
	}
	if c := counts[nextState[0][s]]; c[1] > 8 || c[1] < 3 {
		t.Errorf("and a zero: %v", c)
	}
}

func TestTable(t *testing.T) {
	var tb table
	tb.reset(8)
	seen := map[uint32]bool{}
	for i := range uint32(257) {
		for j := range uint32(17) {
			s := tb.directSlot(i, j)
			if int(s)+15 >= len(tb.b) || s+1 < tb.direct || seen[s] {
				t.Fatalf("direct slot %d,%d at %d of %d", i, j, s, len(tb.b))
			}
			seen[s] = true
		}
	}
	// Four contexts of one line live together, a fifth takes the least used.
	slots := map[uint32]byte{}
	for check := byte(1); check <= 4; check++ {
		s := tb.slot(128, check)
		for n := uint32(1); n <= 15; n++ {
			tb.b[s+n] = uint8(exactState(3, 0)) + check
		}
		slots[s] = check
	}
	if len(slots) != 4 {
		t.Fatalf("four contexts share slots: %v", slots)
	}
	first := tb.slot(128, 2)
	tb.b[first+1] = nextState[0][0]
	fifth := tb.slot(128, 9)
	if fifth != first {
		t.Errorf("the fifth context is at %d, want the place of the least used, %d", fifth, first)
	}
	for n := uint32(1); n <= 15; n++ {
		if tb.b[fifth+n] != 0 {
			t.Fatalf("node %d of a new slot is %d", n, tb.b[fifth+n])
		}
	}
}

// run codes text with a fresh model and returns a hash of all inputs.
func run(m *Model, text []byte, skip bool) string {
	m.Reset(len(text), false, Rich)
	var c Cursor
	c.Init(0)
	h := sha256.New()
	x := make([]int32, Rich.Inputs())
	buf := make([]byte, 4*len(x))
	for i, b := range text {
		m.Begin(&c)
		for node := 1; node < 256; {
			bit := int(b) >> (7 - depthOf(node)) & 1
			// Some decisions are known to the caller.
			if !skip || (i+node)%5 != 0 {
				m.Predict(uint32(node), x)
				for k, v := range x {
					buf[4*k], buf[4*k+1] = byte(v), byte(v>>8)
				}
				h.Write(buf)
				m.Update(bit)
			}
			node = node<<1 | bit
		}
		m.End(&c, b)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func depthOf(node int) int {
	d := 0
	for node > 1 {
		node >>= 1
		d++
	}
	return d
}

func sample() []byte {
	var b bytes.Buffer
	b.WriteString(strings.Repeat("id,name,value\n17,alpha,\"x y\"\n18,beta,3.5\n", 20))
	b.WriteString("狂人日記。某君昆仲,今隱其名,皆余昔日在中學校時良友。\r\n")
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		b.WriteByte(byte(r.Uint32()))
	}
	b.WriteString(strings.Repeat("a", 300))
	return b.Bytes()
}

// TestInputs pins all inputs over a sample, with and without known decisions,
// and that a model used before gives the same as a new one.
func TestInputs(t *testing.T) {
	for skip, want := range map[bool]string{false: "c9213a21893c6620", true: "2f7e6f35b46f3f1e"} {
		m := NewModel()
		if got := run(m, sample(), skip); got != want {
			t.Errorf("known decisions %v: hash %s, want %s", skip, got, want)
		}
		run(m, bytes.Repeat([]byte("other text "), 3000), false)
		if got := run(m, sample(), skip); got != want {
			t.Errorf("known decisions %v: second use gives %s, want %s", skip, got, want)
		}
	}
}

func TestMatchFindsRepeats(t *testing.T) {
	m := NewModel()
	text := []byte("an unusual sentence, once. Some other words; an unusual sentence, once.")
	m.Reset(len(text), false, Rich)
	var c Cursor
	c.Init(0)
	x := make([]int32, Rich.Inputs())
	right := 0
	for i, b := range text {
		m.Begin(&c)
		m.Predict(1, x)
		if i >= 52 && m.Match() > 0 && x[2*Contexts] < 0 {
			right++ // these bytes are ASCII: a zero is predicted first
		}
		m.End(&c, b)
	}
	if right < 15 {
		t.Errorf("%d predictions by the match in the repeated sentence, want at least 15", right)
	}
}

// TestStreams checks that a match never looks at bytes of another stream that
// are not coded yet.
func TestStreams(t *testing.T) {
	m := NewModel()
	half := []byte(strings.Repeat("abcdefghij", 30))
	m.Reset(2*len(half), true, Rich)
	var a, b Cursor
	a.Init(0)
	b.Init(len(half))
	for i, v := range half {
		for _, c := range []*Cursor{&b, &a} {
			m.Begin(c)
			m.End(c, v)
			m.Mark(c, i%3 == 0)
			if p := c.match[0].ptr; p > 0 && !m.hist.known(int(p)) {
				t.Fatalf("at %d the match points to %d, which is not coded", c.Pos(), p)
			}
		}
	}
	if a.Pos() != len(half) || b.Pos() != 2*len(half) {
		t.Errorf("cursors end at %d and %d", a.Pos(), b.Pos())
	}
}

func TestLengthClass(t *testing.T) {
	last := -1
	for n := int32(0); n <= longestMatch; n++ {
		k := lengthClass(n)
		if k < last || k > last+1 || k >= lengths {
			t.Fatalf("length %d is in class %d after class %d, of %d", n, k, last, lengths)
		}
		last = k
	}
	if last != lengths-1 {
		t.Errorf("%d classes, want %d", last+1, lengths)
	}
}

func TestCharacters(t *testing.T) {
	var a, b Cursor
	a.Init(0)
	b.Init(0)
	for _, v := range []byte("x的一") {
		a.advance(v)
	}
	for _, v := range []byte("的一") {
		b.advance(v)
	}
	if a.charHash != b.charHash || a.charHash1 != b.charHash1 || a.charLeft != 0 {
		t.Error("the last two characters depend on what stands before them")
	}
	a.advance(0x80)
	if a.char != 0x80 || a.charLeft != 0 {
		t.Error("a stray byte does not begin a character")
	}
}

func TestFields(t *testing.T) {
	m := NewModel()
	text := []byte("id,name,size\n1,alpha,100\n22,be,")
	m.Reset(len(text)+1, false, Rich)
	var c Cursor
	c.Init(0)
	for _, b := range text {
		m.End(&c, b)
	}
	// The next byte begins field 2; over it is the 1 of 100.
	if over, next := m.overField(&c); over != '1' || next != '0' || c.Field() != 2 {
		t.Errorf("in field %d over %d and %d", c.Field(), over, next)
	}
	if over, _ := m.over(&c); over != 'a' {
		t.Errorf("over %d in the same column", over)
	}
	m.End(&c, '\n')
	if over, next := m.overField(&c); over != '2' || next != '2' || c.Field() != 0 {
		t.Errorf("in field %d of the next line over %d and %d", c.Field(), over, next)
	}
}

func TestKeys(t *testing.T) {
	var c Cursor
	at := func(text string) (key, around uint64) {
		c.Init(0)
		for _, b := range []byte(text) {
			c.advance(b)
			c.structure.advance(b, c.word1, c.pos, c.lineStart)
		}
		return c.structure.key(), c.structure.keyAround()
	}
	user, _ := at(`"user": `)
	name, around := at(`{"id": 7, "user": {"size": [1, 2], "name": `)
	if other, _ := at(`"name":`); other != name || name == user || around != user {
		t.Errorf("keys %x in %x, want %x in %x", name, around, other, user)
	}
	if again, _ := at(`{"user": {"name": "x"}, `); again != user {
		t.Errorf("behind the brackets the key is %x, want %x", again, user)
	}
	word, _ := at("port = ")
	if other, _ := at("[net]\nport ="); other != word || word == 0 {
		t.Errorf("keys out of quotes %x and %x", word, other)
	}
}
