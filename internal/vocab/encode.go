package vocab

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"kolm/internal/token"
)

// MissingError says that a text cannot be encoded: no token stands for one of its
// bytes.
type MissingError struct {
	Offset int // in the text
	Byte   byte
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("tokenizer: byte %d of the text is %#02x, for which the vocabulary has no token", e.Offset, e.Byte)
}

// encoder is the working memory of one Encode at a time. What it remembers changes
// speed only.
type encoder struct {
	t     *Tokenizer
	words map[string][]int32
	links []link
	queue token.MergeQueue
}

const (
	cachedWord = 48      // longest word that is remembered, in bytes
	cacheWords = 1 << 15 // then all are forgotten
	maxWord    = 1 << 20 // longer words are encoded in parts of about this size
)

// link is a token in a list. Characters that have no token are spelled by bytes in
// the end.
type link struct {
	id         int32 // None: a character without token
	at, n      int32 // its bytes in the word
	prev, next int32
	gone       bool // joined to the one before
}

// Encode appends the tokens of text to dst, without BOS and EOS. The error is of
// type *MissingError. Words of more than 1 MiB, such as a run of one character, are
// encoded in parts.
func (t *Tokenizer) Encode(dst []int32, text []byte) ([]int32, error) {
	if len(text) == 0 {
		return dst, nil
	}
	prefix := t.Prefix()
	if prefix != "" {
		text = slices.Concat([]byte(prefix), text)
	}
	e := t.encoders.Get().(*encoder)
	defer t.encoders.Put(e)
	for at := 0; at < len(text); {
		plain, n, id := t.added.find(text[at:])
		var bad int
		if dst, bad = e.plain(dst, text[at:at+plain]); bad >= 0 {
			return dst, &MissingError{at + bad - len(prefix), text[at+bad]}
		}
		if at += plain + n; n > 0 {
			dst = append(dst, id)
		}
	}
	return dst, nil
}

// plain appends the tokens of text without added ones. bad is the place of a byte
// that has no token, or -1.
func (e *encoder) plain(dst []int32, text []byte) (_ []int32, bad int) {
	for at := 0; at < len(text); {
		n := e.border(text[at:])
		if dst, bad = e.word(dst, text[at:at+n]); bad >= 0 {
			return dst, at + bad
		}
		at += n
	}
	return dst, -1
}

// border returns the length of the first word of text.
func (e *encoder) border(text []byte) int {
	var n int
	if e.t.Kind == ByteBPE {
		n = e.t.split(text)
	} else {
		n = e.t.cuts.word(text)
	}
	if n > maxWord {
		n = maxWord
		for n > maxWord-utf8.UTFMax && !utf8.RuneStart(text[n]) {
			n--
		}
	}
	return n
}

// word appends the tokens of one word.
func (e *encoder) word(dst []int32, w []byte) (_ []int32, bad int) {
	if len(w) > cachedWord {
		return e.merge(dst, w)
	}
	if ids, ok := e.words[string(w)]; ok {
		return append(dst, ids...), -1
	}
	from := len(dst)
	dst, bad = e.merge(dst, w)
	if bad < 0 {
		if len(e.words) >= cacheWords {
			clear(e.words)
		}
		e.words[string(w)] = slices.Clone(dst[from:])
	}
	return dst, bad
}

// merge appends the tokens of a word: it joins neighbours, those of lowest rank
// first, and of equal ones the leftmost.
func (e *encoder) merge(dst []int32, w []byte) (_ []int32, bad int) {
	if e.t.WholeWords {
		if id, ok := e.t.ids[string(w)]; ok {
			return append(dst, id), -1
		}
	}
	e.start(w)
	for i := range e.links {
		e.offer(int32(i))
	}
	for len(e.queue) > 0 {
		e.join(e.queue.Pop())
	}
	for i := int32(0); i >= 0; i = e.links[i].next {
		l := &e.links[i]
		if l.id != None {
			dst = append(dst, l.id)
			continue
		}
		for j, b := range w[l.at : l.at+l.n] {
			id := e.t.bytes[b]
			if id == None {
				return dst, int(l.at) + j
			}
			dst = append(dst, id)
		}
	}
	return dst, -1
}

// start makes the links of the bytes or characters of a word.
func (e *encoder) start(w []byte) {
	e.links = e.links[:0]
	if cap(e.links) > 1<<16 && len(w) < 1<<12 { // do not keep the memory of a long word
		e.links, e.queue = nil, nil
	}
	for at := 0; at < len(w); {
		n, id := 1, e.t.bytes[w[at]]
		if e.t.Kind != ByteBPE {
			n, id = charLen(w[at:]), None
			if known, ok := e.t.ids[string(w[at:at+n])]; ok {
				id = known
			}
		}
		i := int32(len(e.links))
		e.links = append(e.links, link{id: id, at: int32(at), n: int32(n), prev: i - 1, next: i + 1})
		at += n
	}
	e.links[len(e.links)-1].next = -1
}

// merged returns what token i and the next one merge into.
func (e *encoder) merged(i int32) (rank uint32, id int32) {
	l := &e.links[i]
	if l.gone || l.next < 0 || l.id == None || e.links[l.next].id == None {
		return noRank, None
	}
	return e.t.pairs.get(l.id, e.links[l.next].id)
}

// offer queues the merge of token i and the next one, if there is one.
func (e *encoder) offer(i int32) {
	if rank, _ := e.merged(i); rank != noRank {
		e.queue.Push(token.Merge{Rank: rank, At: i})
	}
}

// join does a queued merge, unless another one took a token of it.
func (e *encoder) join(m token.Merge) {
	rank, id := e.merged(m.At)
	if rank != m.Rank {
		return
	}
	l := &e.links[m.At]
	right := &e.links[l.next]
	right.gone = true
	l.id, l.n, l.next = id, l.n+right.n, right.next
	if l.next >= 0 {
		e.links[l.next].prev = m.At
	}
	if l.prev >= 0 {
		e.offer(l.prev)
	}
	e.offer(m.At)
}
