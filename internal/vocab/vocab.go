// Package vocab holds the tokenizers of models that others trained: byte-level
// byte pair encoding as of GPT-2, Llama 3 and Qwen, and SentencePiece's, as of
// Llama 2, Gemma and Phi 3. It reads them out of GGUF metadata, of tokenizer.json
// as Hugging Face lays it out, and of llama2.c's tokenizer.bin. It must not know
// models. (Package token makes the tokenizers of kolm's own models, and is faster.)
//
// A tokenizer here codes bytes: Decode gives back the very bytes that Encode took,
// or Encode says which of them have no token. So that this holds for any bytes,
// four habits of other programs are not followed:
//
//   - Text is not normalised (Qwen's tokenizer.json asks for NFC).
//   - The names of control tokens, such as <s>, are ordinary text where they occur
//     in a text.
//   - White space beside tokens that users defined stays where it is.
//   - U+2581, by which SentencePiece spells spaces, is coded by its own bytes where
//     it occurs in a text.
package vocab

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"kolm/internal/token"
)

// Kind is the algorithm of a tokenizer.
type Kind int

// The algorithms.
const (
	ByteBPE Kind = iota // merges by rank, over bytes, within pre-tokens
	CharBPE             // merges by rank, over characters; others as bytes
	Scores              // SentencePiece: merges by score, over characters; others as bytes
)

func (k Kind) String() string {
	return []string{"byte-level BPE", "BPE with byte fallback", "SentencePiece"}[k]
}

// Type says what a token is for. The numbers are those of GGUF.
type Type int32

// The types of tokens.
const (
	Normal      Type = 1
	Unknown     Type = 2 // stands for what has no token; never used
	Control     Type = 3 // no text
	UserDefined Type = 4 // found in the text before all others
	Unused      Type = 5
	Byte        Type = 6 // one byte of a character that has no token
)

// None is the id of a token that a vocabulary does not have.
const None = -1

const (
	maxTokens = 1 << 24
	// maxPiece bounds the time to find what makes a piece, which is quadratic in
	// its length. Longer pieces are never made.
	maxPiece = 1 << 9
)

// Spec describes a tokenizer.
type Spec struct {
	Kind   Kind
	Pieces [][]byte // by id: the bytes in the text; of tokens without text, their name
	Types  []Type   // by id
	Scores []float32
	Merges [][2]int32 // first merge first
	Pre    string     // name of the pre-tokenizer, for ByteBPE

	WholeWords  bool // a pre-token that is a piece is that token, whatever the merges; for ByteBPE
	SpaceWords  bool // no merge crosses the border before a space; for CharBPE
	SpacePrefix bool // a text is encoded as if a space were before it
	BOS, EOS    int32
	AddBOS      bool // models of this vocabulary want BOS before every text
	AddEOS      bool
}

// Tokenizer encodes and decodes. It is safe for concurrent use.
type Tokenizer struct {
	Spec
	split token.Splitter
	ids   map[string]int32 // text of normal tokens
	bytes [256]int32       // tokens of single bytes
	pairs pairTable
	added added
	cuts  cuts // where no merge can be, for kinds without pre-tokenizer
	hash  [32]byte

	encoders sync.Pool // *encoder
}

// New checks a description and makes the tokenizer. The slices of s must not be
// changed afterwards.
func New(s Spec) (*Tokenizer, error) {
	t := &Tokenizer{Spec: s}
	for _, step := range []func() error{t.check, t.index, t.rank} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("tokenizer: %w", err)
		}
	}
	t.hash = t.sum()
	t.encoders.New = func() any { return &encoder{t: t, words: map[string][]int32{}} }
	return t, nil
}

// check looks at sizes and numbers.
func (t *Tokenizer) check() error {
	n := len(t.Pieces)
	switch {
	case n == 0 || n > maxTokens:
		return fmt.Errorf("%d tokens, want 1 to %d", n, maxTokens)
	case len(t.Types) != n:
		return fmt.Errorf("%d token types for %d tokens", len(t.Types), n)
	case t.Kind == Scores && len(t.Scores) != n:
		return fmt.Errorf("%d scores for %d tokens", len(t.Scores), n)
	case t.Kind == ByteBPE && token.SplitterNamed(t.Pre) == nil:
		return fmt.Errorf("pre-tokenizer %.40q is not known; known are %q", t.Pre, token.SplitterNames())
	case t.Kind != ByteBPE && t.WholeWords:
		return fmt.Errorf("whole words before merges are supported with byte-level BPE only, this is %v", t.Kind)
	}
	for _, id := range []*int32{&t.BOS, &t.EOS} {
		if *id < 0 || int(*id) >= n { // 0xffffffff stands for none in some files
			*id = None
		}
	}
	for i, s := range t.Scores {
		if s != s || math.IsInf(float64(s), 0) {
			return fmt.Errorf("score of token %d is %v", i, s)
		}
	}
	t.split = token.SplitterNamed(t.Pre)
	return nil
}

// index finds the tokens of texts and of bytes.
func (t *Tokenizer) index() error {
	t.ids = make(map[string]int32, len(t.Pieces))
	for i := range t.bytes {
		t.bytes[i] = None
	}
	for i, p := range t.Pieces {
		id := int32(i)
		switch t.Types[i] {
		case Byte:
			if len(p) != 1 {
				return fmt.Errorf("token %d is for a byte, but has %d", i, len(p))
			}
			if other := t.bytes[p[0]]; other != None {
				return fmt.Errorf("tokens %d and %d are both for the byte %#02x", other, i, p[0])
			}
			t.bytes[p[0]] = id
		case UserDefined:
			t.added.add(p, id)
		case Normal, Unused:
			if len(p) == 0 || len(p) > maxPiece {
				continue // never made
			}
			if other, ok := t.ids[string(p)]; ok {
				return fmt.Errorf("tokens %d and %d are both %q", other, i, p)
			}
			t.ids[string(p)] = id
		case Unknown, Control:
		default:
			return fmt.Errorf("token %d has type %d, want 1 to 6", i, t.Types[i])
		}
	}
	if t.Kind == ByteBPE {
		for b := range t.bytes {
			if id, ok := t.ids[string([]byte{byte(b)})]; ok {
				t.bytes[b] = id
			}
		}
	}
	return nil
}

// Vocab is the number of token ids.
func (t *Tokenizer) Vocab() int { return len(t.Pieces) }

// Text returns the bytes of a token in a text: none for tokens that are no text.
// They must not be changed.
func (t *Tokenizer) Text(id int32) []byte {
	if k := t.Types[id]; k == Control || k == Unknown {
		return nil
	}
	return t.Pieces[id]
}

// Prefix is what Encode puts before a text that is not empty.
func (t *Tokenizer) Prefix() string {
	if t.SpacePrefix {
		return " "
	}
	return ""
}

// Lookup returns the token of a name or text, as the file spells tokens that are no
// text; None if there is none.
func (t *Tokenizer) Lookup(name string) int32 {
	if id, ok := t.ids[name]; ok {
		return id
	}
	return int32(slices.IndexFunc(t.Pieces, func(p []byte) bool { return string(p) == name }))
}

// Decode appends the bytes of ids to dst, without the prefix.
func (t *Tokenizer) Decode(dst []byte, ids []int32) ([]byte, error) {
	from := len(dst)
	for i, id := range ids {
		if id < 0 || int(id) >= len(t.Pieces) {
			return dst, fmt.Errorf("tokenizer: id %d at place %d, the vocabulary has %d", id, i, len(t.Pieces))
		}
		dst = append(dst, t.Text(id)...)
	}
	if p := t.Prefix(); p != "" && bytes.HasPrefix(dst[from:], []byte(p)) {
		dst = append(dst[:from], dst[from+len(p):]...)
	}
	return dst, nil
}

// ErrRoundTrip says that tokens do not decode to the text they were made of.
var ErrRoundTrip = errors.New("tokenizer: the tokens do not decode to the text")

// EncodeExact is Encode, checked: the tokens decode to text byte for byte.
func (t *Tokenizer) EncodeExact(text []byte) ([]int32, error) {
	ids, err := t.Encode(nil, text)
	if err != nil {
		return nil, err
	}
	rest, prefix := text, len(t.Prefix())
	if len(text) == 0 {
		prefix = 0
	}
	for _, id := range ids {
		p := t.Text(id)
		if prefix > 0 {
			if !bytes.HasPrefix(p, []byte(t.Prefix())) {
				return nil, ErrRoundTrip
			}
			p, prefix = p[prefix:], 0
		}
		if !bytes.HasPrefix(rest, p) {
			return nil, fmt.Errorf("%w: they differ at byte %d", ErrRoundTrip, len(text)-len(rest))
		}
		rest = rest[len(p):]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%w: they end at byte %d", ErrRoundTrip, len(text)-len(rest))
	}
	return ids, nil
}

// Hash identifies what the tokenizer does: two with the same hash give every text
// the same tokens.
func (t *Tokenizer) Hash() [32]byte { return t.hash }

func (t *Tokenizer) sum() [32]byte {
	var b []byte
	h := sha256.New()
	number := func(n int) { b = binary.LittleEndian.AppendUint64(b, uint64(n)) }
	flag := map[bool]int{true: 1}
	b = append(b, "kolm tokenizer 1"...)
	for _, n := range []int{int(t.Kind), len(t.Pre), flag[t.WholeWords], flag[t.SpaceWords], flag[t.SpacePrefix], len(t.Pieces), len(t.Merges)} {
		number(n)
	}
	b = append(b, t.Pre...)
	for i, p := range t.Pieces {
		number(int(t.Types[i]))
		number(len(p))
		b = append(b, p...)
		if t.Kind == Scores {
			number(int(math.Float32bits(t.Scores[i])))
		}
		h.Write(b)
		b = b[:0]
	}
	for _, m := range t.Merges {
		number(int(m[0]))
		number(int(m[1]))
	}
	h.Write(b)
	return [32]byte(h.Sum(nil))
}
