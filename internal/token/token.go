// Package token turns bytes into tokens and back by byte-level byte pair
// encoding (R. Sennrich et al., "Neural machine translation of rare words with
// subword units", 2016), and learns the merges from text.
//
// Token ids 0 to 255 are the single bytes, so that any bytes encode; 256 is
// the separator between documents, which has no bytes; 257+i is the result of
// merge i. Text is first split into pre-tokens (see Split); merges never cross
// their borders. The package must not know models.
package token

import (
	"bytes"
	"fmt"
	"sync"
)

const (
	// Separator is the id that stands between documents. It has no bytes.
	Separator = 256
	// FirstMerge is the id that the first merge makes.
	FirstMerge = 257
	// MaxVocab bounds ids to 16 bits.
	MaxVocab = 1 << 16
)

// Tokenizer encodes and decodes. It is safe for concurrent use.
type Tokenizer struct {
	merges  [][2]int32
	text    [][]byte // id -> bytes
	rank    pairTable
	scratch sync.Pool // *encoder
}

// New returns the tokenizer of a list of merges. A merge may join only ids that
// exist before it, and must make bytes that no other token has.
func New(merges [][2]int32) (*Tokenizer, error) {
	if FirstMerge+len(merges) > MaxVocab {
		return nil, fmt.Errorf("token: %d merges, at most %d fit", len(merges), MaxVocab-FirstMerge)
	}
	t := &Tokenizer{merges: merges, rank: newPairTable(len(merges))}
	for b := range 256 {
		t.text = append(t.text, []byte{byte(b)})
	}
	t.text = append(t.text, nil)
	seen := make(map[string]int, len(merges))
	for i, m := range merges {
		id := FirstMerge + i
		for _, part := range m {
			if part < 0 || int(part) >= id || part == Separator {
				return nil, fmt.Errorf("token: merge %d joins token %d, which does not exist before it", i, part)
			}
		}
		text := bytes.Join([][]byte{t.text[m[0]], t.text[m[1]]}, nil)
		if other, ok := seen[string(text)]; ok {
			return nil, fmt.Errorf("token: merges %d and %d make the same bytes %q", other, i, text)
		}
		seen[string(text)] = i
		t.text = append(t.text, text)
		t.rank.put(uint32(m[0]), uint32(m[1]), uint32(id))
	}
	t.scratch.New = func() any { return newEncoder(t) }
	return t, nil
}

// Vocab returns the number of token ids, the separator included.
func (t *Tokenizer) Vocab() int { return len(t.text) }

// Merges returns the list that the tokenizer was made of. It must not be changed.
func (t *Tokenizer) Merges() [][2]int32 { return t.merges }

// Bytes returns the bytes of a token, none for the separator. They must not be
// changed.
func (t *Tokenizer) Bytes(id int) []byte { return t.text[id] }

// Encode appends the tokens of b to dst.
func (t *Tokenizer) Encode(dst []uint16, b []byte) []uint16 {
	e := t.scratch.Get().(*encoder)
	defer t.scratch.Put(e)
	for len(b) > 0 {
		n := Split(b)
		dst = e.preToken(dst, b[:n])
		b = b[n:]
	}
	return dst
}

// Decode appends the bytes of ids to dst. Separators add nothing.
func (t *Tokenizer) Decode(dst []byte, ids []uint16) ([]byte, error) {
	for i, id := range ids {
		if int(id) >= len(t.text) {
			return dst, fmt.Errorf("token: id %d at place %d, the vocabulary has %d", id, i, len(t.text))
		}
		dst = append(dst, t.text[id]...)
	}
	return dst, nil
}

// pairTable maps pairs of ids to the id they merge into: open addressing, at
// most half full.
type pairTable struct {
	key  []uint32 // pair + 1, or 0 where empty
	id   []uint32
	mask uint32
}

func newPairTable(n int) pairTable {
	size := 16
	for size < 2*n {
		size *= 2
	}
	return pairTable{make([]uint32, size), make([]uint32, size), uint32(size - 1)}
}

// place returns where the pair is, or where it would be. The ids of a pair are
// below 65535, so that pair + 1 does not overflow to 0.
func (p *pairTable) place(a, b uint32) (at, key uint32) {
	key = (a<<16 | b) + 1
	at = key * 0x9E3779B1 >> 7 & p.mask
	for p.key[at] != 0 && p.key[at] != key {
		at = (at + 1) & p.mask
	}
	return at, key
}

// put keeps the first id that a pair was given.
func (p *pairTable) put(a, b, id uint32) {
	if at, key := p.place(a, b); p.key[at] == 0 {
		p.key[at], p.id[at] = key, id
	}
}

// get returns the id that the pair merges into, or noMerge.
func (p *pairTable) get(a, b uint32) uint32 {
	if at, key := p.place(a, b); p.key[at] == key {
		return p.id[at]
	}
	return noMerge
}

const noMerge = ^uint32(0)
