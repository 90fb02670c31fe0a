package token

import (
	"iter"
	"runtime"
	"sync"
	"unicode/utf8"
)

// Learning counts a pre-token in pieces of at most pieceBytes, cut between
// characters: in scripts without spaces a pre-token is a whole clause, and
// nearly every clause is new. A merge across a cut is not seen there.
const pieceBytes = 24

// piece is a part of a pre-token, padded with zeros. It holds no pointers, so
// that maps of millions cost the garbage collector nothing.
type piece struct {
	text [pieceBytes]byte
	size uint8
}

// batch is text on its way to a counter: documents one after another.
type batch struct {
	text []byte
	ends []int // of each document in text
}

// batchBytes is the text that a counter takes at a time.
const batchBytes = 1 << 20

// countPieces counts the pieces of two bytes and more, on all processors.
func countPieces(docs iter.Seq[[]byte]) map[piece]int {
	counts := make([]map[piece]int, runtime.GOMAXPROCS(0))
	work := make(chan *batch)
	spare := make(chan *batch, len(counts)+1)
	var done sync.WaitGroup
	for i := range counts {
		counts[i] = make(map[piece]int)
		spare <- new(batch)
		done.Go(func() {
			for b := range work {
				b.count(counts[i])
				spare <- b
			}
		})
	}
	b := new(batch)
	for doc := range docs {
		b.text = append(b.text, doc...)
		b.ends = append(b.ends, len(b.text))
		if len(b.text) >= batchBytes {
			work <- b
			b = <-spare
		}
	}
	work <- b
	close(work)
	done.Wait()
	for _, more := range counts[1:] {
		for p, n := range more {
			counts[0][p] += n
		}
	}
	return counts[0]
}

// count adds the pieces of a batch and empties it.
func (b *batch) count(to map[piece]int) {
	from := 0
	for _, end := range b.ends {
		for doc := b.text[from:end]; len(doc) > 0; {
			n := Split(doc)
			countWord(to, doc[:n])
			doc = doc[n:]
		}
		from = end
	}
	if cap(b.text) > 4*batchBytes {
		b.text = nil // one huge document should not stay in memory
	}
	b.text, b.ends = b.text[:0], b.ends[:0]
}

func countWord(to map[piece]int, word []byte) {
	for len(word) > 1 {
		var p piece
		n := pieceLength(word)
		copy(p.text[:], word[:n])
		p.size = uint8(n)
		to[p]++
		word = word[n:]
	}
}

// pieceLength returns pieceBytes or, to end between characters, a little less.
func pieceLength(word []byte) int {
	if len(word) <= pieceBytes {
		return len(word)
	}
	n := pieceBytes
	for n > pieceBytes-utf8.UTFMax && !utf8.RuneStart(word[n]) {
		n--
	}
	return n
}
