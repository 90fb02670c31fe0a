package token

import "encoding/binary"

// encoder is the working memory of one Encode at a time. What it remembers
// changes speed only.
type encoder struct {
	t     *Tokenizer
	cache [cacheSlots]slot
	next  [shortWord]uint32
	long  longWord
}

const (
	cacheSlots = 1 << 13
	cacheKey   = 16      // longest pre-token in the cache, in bytes
	cacheIDs   = 7       // most tokens of a pre-token in the cache
	shortWord  = 32      // longest pre-token that is searched for merges plainly
	maxWord    = 1 << 20 // longer pre-tokens are encoded in parts of this size
)

// slot holds the tokens of one pre-token, until another takes its place.
type slot struct {
	key  [2]uint64 // its bytes, padded with zeros
	size uint8     // number of bytes, 0 while the slot is empty
	n    uint8     // number of tokens
	ids  [cacheIDs]uint16
}

// word appends the tokens of one pre-token.
func (e *encoder) word(dst []uint16, b []byte) []uint16 {
	for len(b) > maxWord {
		dst = e.long.encode(dst, b[:maxWord], &e.t.rank)
		b = b[maxWord:]
	}
	switch {
	case len(b) == 1:
		return append(dst, uint16(b[0]))
	case len(b) > shortWord:
		return e.long.encode(dst, b, &e.t.rank)
	case len(b) > cacheKey:
		return e.merge(dst, b)
	}
	return e.cached(dst, b)
}

// cached is merge for a pre-token that may have been seen before.
func (e *encoder) cached(dst []uint16, b []byte) []uint16 {
	var text [cacheKey]byte
	copy(text[:], b)
	key := [2]uint64{binary.LittleEndian.Uint64(text[:]), binary.LittleEndian.Uint64(text[8:])}
	hash := (key[0] ^ key[1]*0xff51afd7ed558ccd) * 0x9e3779b97f4a7c15
	s := &e.cache[hash>>40%cacheSlots]
	if s.key == key && int(s.size) == len(b) {
		return append(dst, s.ids[:s.n]...)
	}
	from := len(dst)
	dst = e.merge(dst, b)
	if made := dst[from:]; len(made) <= cacheIDs {
		s.key, s.size, s.n = key, uint8(len(b)), uint8(len(made))
		copy(s.ids[:], made)
	}
	return dst
}

// merge applies the merges to at most shortWord bytes: always the earliest of
// the list, and of equal ones the leftmost.
func (e *encoder) merge(dst []uint16, b []byte) []uint16 {
	from := len(dst)
	for _, c := range b {
		dst = append(dst, uint16(c))
	}
	ids := dst[from:]
	next := e.next[:len(ids)-1] // what a token and the one after it merge into
	for i := range next {
		next[i] = e.t.rank.get(ids[i], ids[i+1])
	}
	for {
		best, at := uint32(noMerge), 0
		for i, id := range next {
			if id < best {
				best, at = id, i
			}
		}
		if best == noMerge {
			return dst[:from+len(ids)]
		}
		ids[at] = uint16(best)
		ids = append(ids[:at+1], ids[at+2:]...)
		if at+1 < len(next) {
			next = append(next[:at], next[at+1:]...)
			next[at] = e.t.rank.get(ids[at], ids[at+1])
		} else {
			next = next[:at]
		}
		if at > 0 {
			next[at-1] = e.t.rank.get(ids[at-1], ids[at])
		}
	}
}
