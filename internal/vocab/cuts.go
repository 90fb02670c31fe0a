package vocab

import "unicode/utf8"

// charLen is the length of the first character of b; a byte that is not UTF-8 is
// one.
func charLen(b []byte) int {
	if len(b) > 0 && b[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRune(b)
	return n
}

// cuts finds borders that no merge can cross: between two characters that are
// neighbours in no token that is made by merging. Words between such borders are
// encoded one by one, which changes no token. It is a set of hashes, so that it
// misses some borders.
type cuts struct {
	inside []uint64 // bit by hash of two characters
	mask   uint32
	spaces bool // there is one before every space
}

func newCuts(t *Tokenizer, list []pair) cuts {
	bits := 1 << 10
	for bits < 16*len(list) {
		bits *= 2
	}
	c := cuts{make([]uint64, bits/64), uint32(bits - 1), t.SpaceWords}
	for _, e := range list {
		p := t.Pieces[e.id]
		for n := charLen(p); n < len(p); {
			next := charLen(p[n:])
			h := c.hash(p[:n], p[n:n+next])
			c.inside[h/64] |= 1 << (h % 64)
			n += next
		}
	}
	return c
}

// hash returns the place of the last character of a and the character b.
func (c *cuts) hash(a, b []byte) uint32 {
	x := uint64(a[len(a)-1])
	if r, n := utf8.DecodeLastRune(a); n > 1 {
		x = uint64(r)
	}
	y := uint64(b[0])
	if r, n := utf8.DecodeRune(b); n > 1 {
		y = uint64(r)
	}
	h := (x<<21 | y) * 0x9e3779b97f4a7c15
	return uint32(h>>40) & c.mask
}

// word returns the length of the first word of b.
func (c *cuts) word(b []byte) int {
	n := charLen(b)
	for n < len(b) {
		h := c.hash(b[:n], b[n:])
		if c.inside[h/64]&(1<<(h%64)) == 0 || c.spaces && b[n] == ' ' {
			break
		}
		n += charLen(b[n:])
	}
	return n
}
