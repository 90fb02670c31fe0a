// Package token turns bytes into tokens and back by byte-level byte pair
// encoding (R. Sennrich et al., "Neural machine translation of rare words with
// subword units", 2016), and learns the merges from text.
//
// Token ids 0 to 255 are the single bytes, so that any bytes encode; 256 is
// the separator between documents, which has no bytes; 257+i is the result of
// merge i. Text is first split into pre-tokens (see Split); merges never cross
// their borders. How a model file spells tokens is the affair of modelfile. The
// package must not know models.
package token

import (
	"fmt"
	"slices"
	"sync"
)

const (
	// Separator is the id that stands between documents. It has no bytes.
	Separator = 256
	// FirstMerge is the id that the first merge makes.
	FirstMerge = 257
	// MaxVocab bounds ids to 16 bits.
	MaxVocab = 1 << 16
	// MaxTokenBytes is the length of the longest token.
	MaxTokenBytes = 1 << 12
	// maxText bounds the memory that a list of merges, each of which may double
	// a token, can ask for.
	maxText = 1 << 24
)

// Tokenizer encodes and decodes. It is safe for concurrent use.
type Tokenizer struct {
	merges   [][2]int32
	text     [][]byte // id -> bytes
	rank     pairTable
	encoders sync.Pool // *encoder
}

// New returns the tokenizer of a list of merges. A merge may join only ids that
// exist before it, other than the separator, and must make bytes that no other
// token has, at most MaxTokenBytes.
func New(merges [][2]int32) (*Tokenizer, error) {
	if FirstMerge+len(merges) > MaxVocab {
		return nil, fmt.Errorf("token: %d merges, at most %d fit", len(merges), MaxVocab-FirstMerge)
	}
	t := &Tokenizer{merges: slices.Clone(merges), rank: newPairTable(len(merges))}
	for b := range 256 {
		t.text = append(t.text, []byte{byte(b)})
	}
	t.text = append(t.text, nil)
	maker := make(map[string]int, len(merges))
	total := 0
	for i, m := range t.merges {
		text, err := t.join(i, m)
		if err != nil {
			return nil, err
		}
		if other, ok := maker[string(text)]; ok {
			return nil, fmt.Errorf("token: merge %d (%d %d) makes the bytes %q, as merge %d does", i, m[0], m[1], text, other)
		}
		if total += len(text); total > maxText {
			return nil, fmt.Errorf("token: merge %d (%d %d): all tokens together have more than %d bytes", i, m[0], m[1], maxText)
		}
		maker[string(text)] = i
		t.rank.put(uint16(m[0]), uint16(m[1]), uint32(len(t.text)))
		t.text = append(t.text, text)
	}
	t.encoders.New = func() any { return &encoder{t: t} }
	return t, nil
}

// join returns the bytes that merge i makes.
func (t *Tokenizer) join(i int, m [2]int32) ([]byte, error) {
	for _, part := range m {
		if part < 0 || int(part) >= len(t.text) || part == Separator {
			return nil, fmt.Errorf("token: merge %d (%d %d) joins token %d, want a token with bytes that exists before it", i, m[0], m[1], part)
		}
	}
	a, b := t.text[m[0]], t.text[m[1]]
	if n := len(a) + len(b); n > MaxTokenBytes {
		return nil, fmt.Errorf("token: merge %d (%d %d) makes a token of %d bytes, at most %d", i, m[0], m[1], n, MaxTokenBytes)
	}
	return slices.Concat(a, b), nil
}

// Vocab returns the number of token ids, the separator included.
func (t *Tokenizer) Vocab() int { return len(t.text) }

// Merges returns the list that the tokenizer was made of. It must not be changed.
func (t *Tokenizer) Merges() [][2]int32 { return t.merges }

// Bytes returns the bytes of a token, none for the separator. They must not be
// changed.
func (t *Tokenizer) Bytes(id int) []byte { return t.text[id] }

// Encode appends the tokens of b to dst: in every pre-token, merges are applied
// in the order of the list, each from the left. Any bytes encode, and Decode
// gives them back; no separator is added. Pre-tokens of more than 1 MiB, such as
// a run of zeros, are encoded in parts of that size.
func (t *Tokenizer) Encode(dst []uint16, b []byte) []uint16 {
	e := t.encoders.Get().(*encoder)
	defer t.encoders.Put(e)
	for len(b) > 0 {
		n := Split(b)
		dst = e.word(dst, b[:n])
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
