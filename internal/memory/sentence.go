package memory

import (
	"errors"
	"unicode/utf8"
)

// maxSentence bounds the bytes of a sentence: what is longer is cut.
const maxSentence = 400

// sentenceEnd returns the length of the first sentence of b: up to a line's end, a
// full stop and the like before white space, or such a mark of Chinese.
func sentenceEnd(b []byte) int {
	for i := 0; i < len(b) && i < maxSentence; {
		r, n := utf8.DecodeRune(b[i:])
		i += n
		switch r {
		case '\n', '。', '！', '？':
			return i
		case '.', '!', '?':
			if i < len(b) && (b[i] == ' ' || b[i] == '\t') {
				return i // a space belongs to the token after it
			}
		}
	}
	if len(b) <= maxSentence {
		return len(b)
	}
	end := maxSentence
	for end > maxSentence-utf8.UTFMax && !utf8.RuneStart(b[end]) {
		end--
	}
	return end
}

// sentence is the context of triggers.
type sentence struct {
	doc   string
	text  string
	start int64 // position of its first token in the corpus
}

// piece is a passage of a document with its sentences.
type piece struct {
	doc       string
	tokens    []int32 // start token in front, if the model has one
	starts    []int   // by token: byte in its sentence; the start token has none
	of        []*sentence
	next      []int32 // by token: the one after it, -1 at the end of the document
	bytes     int
	skip      int   // 1 with a start token, which is no trigger
	positions int64 // of the first token after skip, in the corpus
	ends      int   // documents that end with it
	after     int64 // if any: position in the corpus of the next one's first token
}

// errNoRoom is about a model that can see its start token and nothing else.
var errNoRoom = errors.New("the model's context holds no text behind its start token")

// pieces cuts a document so that each piece fits the context. Where it can, it cuts
// between sentences; a sentence that is cut counts as two.
func (m *Model) pieces(name string, text []byte, position int64) ([]*piece, error) {
	tokens, err := m.Vocab.Encode(text)
	if err != nil {
		return nil, err
	}
	d := &dissection{vocab: m.Vocab, tokens: tokens, text: text}
	d.cut()
	start, room := m.Vocab.Start(), m.LM.Config.Context
	skip := 0
	if start >= 0 {
		room, skip = room-1, 1
	}
	if room < 1 {
		return nil, errNoRoom
	}
	var list []*piece
	for from := 0; from < len(tokens); {
		to := min(from+room, len(tokens))
		for t := to; t > from+room/2 && to < len(tokens); t-- {
			if d.first[t] {
				to = t
				break
			}
		}
		p := d.piece(name, from, to, position, skip)
		if skip == 1 {
			p.tokens[0] = start
		}
		list = append(list, p)
		from = to
	}
	return list, nil
}

// dissection is a document by tokens and sentences.
type dissection struct {
	vocab  Vocab
	tokens []int32
	text   []byte
	at     []int  // by token: its first byte; len(text) at the end
	first  []bool // by token: it begins a sentence
}

// cut finds the sentences. One begins with the first token that begins at or after
// the end of the one before.
func (d *dissection) cut() {
	d.at, d.first = make([]int, len(d.tokens)+1), make([]bool, len(d.tokens)+1)
	pos, end := len(d.text), 0
	for _, t := range d.tokens { // some tokenizers put a space in front
		pos -= len(d.vocab.Bytes(t))
	}
	for i, t := range d.tokens {
		d.at[i] = min(max(0, pos), len(d.text))
		if pos >= end {
			d.first[i] = true
			for end <= pos && end < len(d.text) {
				end += max(1, sentenceEnd(d.text[end:]))
			}
		}
		pos += len(d.vocab.Bytes(t))
	}
	d.at[len(d.tokens)] = len(d.text)
}

func (d *dissection) piece(name string, from, to int, position int64, skip int) *piece {
	p := &piece{
		doc: name, tokens: make([]int32, skip, to-from+skip), starts: make([]int, skip), of: make([]*sentence, skip), next: make([]int32, skip),
		bytes: d.at[to] - d.at[from], skip: skip, positions: position + int64(from),
	}
	var s *sentence
	begin := 0
	for i := from; i < to; i++ {
		if s == nil || d.first[i] {
			end := i + 1
			for end < to && !d.first[end] {
				end++
			}
			begin = d.at[i]
			s = &sentence{name, string(d.text[begin:d.at[end]]), position + int64(i)}
		}
		next := int32(-1)
		if i+1 < len(d.tokens) {
			next = d.tokens[i+1]
		}
		p.tokens, p.starts = append(p.tokens, d.tokens[i]), append(p.starts, d.at[i]-begin)
		p.of, p.next = append(p.of, s), append(p.next, next)
	}
	return p
}
