package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"

	"kolm/internal/corpus"
	"kolm/internal/token"
)

// dataset is a tokenised corpus.
type dataset struct {
	tok   *token.Tokenizer
	train *cache
	held  []uint16  // tokens that are never trained on
	bytes []float64 // length of each token
	key   [32]byte
}

// listing describes the files of a corpus.
type listing struct {
	files []string // names and contents: what moves or is touched stays the same
	size  int64    // of all text, about
}

// list describes the files under paths.
func list(paths []string) (l listing, err error) {
	for _, root := range paths {
		err := corpus.Files(root, func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if !info.Mode().IsRegular() {
				return fmt.Errorf("%s is no regular file, which can be read more than once", path)
			}
			sum, err := hashFile(path)
			if err != nil {
				return err
			}
			l.files = append(l.files, fmt.Sprintf("%s %x", shortName(path, root), sum))
			l.size += info.Size()
			if ext := filepath.Ext(path); ext == ".xz" || ext == ".zst" || ext == ".gz" {
				l.size += 3 * info.Size() // text packs about four to one
			}
			return nil
		})
		if err != nil {
			return l, fmt.Errorf("train: corpus: %w", err)
		}
	}
	if len(l.files) == 0 {
		return l, errors.New("train: no corpus: name at least one file or folder")
	}
	return l, nil
}

// hashFile hashes what is in a file: a second or two for a gigabyte.
func hashFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return sum.Sum(nil), err
}

// prepare makes or reopens tokenizer and token caches in the run folder.
// merges, if not nil, are the tokenizer's.
func prepare(ctx context.Context, o *Options, merges [][2]int32, emit func(Event)) (*dataset, error) {
	l, err := list(o.Corpus)
	if err != nil {
		return nil, err
	}
	held := listing{files: []string{fmt.Sprint("every ", o.HoldOut)}}
	if len(o.Held) > 0 {
		held, err = list(o.Held)
	} else if o.alone, err = isAlone(ctx, o.Corpus); o.alone {
		held = listing{files: []string{"tail"}}
	}
	if err != nil {
		return nil, err
	}
	l.files = append(l.files, held.files...)
	if merges == nil {
		if merges, err = vocabulary(ctx, o, l, emit); err != nil {
			return nil, err
		}
	}
	if n := 257 + len(merges); n != o.Shape.Vocab {
		return nil, fmt.Errorf("train: tokenizer has %d tokens, the model wants %d", n, o.Shape.Vocab)
	}
	d := &dataset{bytes: make([]float64, o.Shape.Vocab)}
	if d.tok, err = token.New(merges); err != nil {
		return nil, err
	}
	for i := range d.bytes {
		d.bytes[i] = float64(len(d.tok.Bytes(i)))
	}
	d.key = keyOf(strings.Join(l.files, "\n"), fmt.Sprint(merges), fmt.Sprint(o.HeldBytes))
	if err := d.open(o.Dir); err == nil {
		return d, nil
	}
	if err := tokenise(ctx, o, d, l.size, emit); err != nil {
		return nil, err
	}
	if err := d.sweep(o.Dir); err != nil {
		return nil, err
	}
	return d, d.open(o.Dir)
}

// sweep removes the caches of a run folder that are not the dataset's.
func (d *dataset) sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		what, _, found := strings.Cut(e.Name(), "-")
		path := filepath.Join(dir, e.Name())
		if found && (what == "held" || what == "tokens") && path != cachePath(dir, what, d.key) {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// open opens the caches in a run folder.
func (d *dataset) open(dir string) error {
	held, err := openCache(cachePath(dir, "held", d.key), d.key, len(d.bytes))
	if err != nil {
		return err
	}
	defer held.close()
	d.held = make([]uint16, held.tokens)
	if err := held.read(d.held, make([]byte, 2*held.tokens), 0); err != nil {
		return err
	}
	d.train, err = openCache(cachePath(dir, "tokens", d.key), d.key, len(d.bytes))
	return err
}

// vocabulary learns the merges from a sample of the corpus, or reads those
// learned before.
func vocabulary(ctx context.Context, o *Options, l listing, emit func(Event)) ([][2]int32, error) {
	key := keyOf(strings.Join(l.files, "\n"), fmt.Sprint(o.Shape.Vocab, o.VocabBytes))
	path := filepath.Join(o.Dir, "merges-"+hex.EncodeToString(key[:6]))
	if text, err := os.ReadFile(path); err == nil {
		return readMerges(path, text, o.Shape.Vocab)
	}
	var failed error
	sample := func(yield func([]byte) bool) {
		share := min(1, float64(o.VocabBytes)/float64(l.size))
		for doc, err := range trainingDocs(ctx, o) {
			if err != nil {
				failed = err
				return
			}
			if pick := scramble(hashName(doc.Name)); float64(pick) > share*math.MaxUint64 && !o.alone {
				continue
			}
			if !yield(doc.Text[:min(int64(len(doc.Text)), o.VocabBytes)]) {
				return
			}
		}
	}
	merges, err := token.Train(iter.Seq[[]byte](sample), o.Shape.Vocab, func(done float64) {
		emit(Event{Kind: Preparing, Text: "learning the vocabulary", Done: done})
	})
	if err := errors.Join(failed, err, ctx.Err()); err != nil {
		return nil, err
	}
	if n := 257 + len(merges); n < o.Shape.Vocab {
		return nil, fmt.Errorf("train: the corpus yields only %d tokens, the model wants %d: give more text or a smaller vocabulary", n, o.Shape.Vocab)
	}
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return nil, err
	}
	return merges, replace(f, path, token.WriteMerges(f, merges))
}

// readMerges parses the file of a vocabulary of so many tokens.
func readMerges(path string, text []byte, vocab int) ([][2]int32, error) {
	merges, err := token.ReadMerges(bytes.NewReader(text))
	if n := 257 + len(merges); err == nil && (n != vocab || text[len(text)-1] != '\n') {
		err = fmt.Errorf("cut short: it has %d tokens, the model wants %d", n, vocab)
	}
	if err != nil {
		return nil, fmt.Errorf("train: vocabulary %s is damaged: remove it: %w", path, err)
	}
	return merges, nil
}

// tokenise writes the two caches.
func tokenise(ctx context.Context, o *Options, d *dataset, size int64, emit func(Event)) error {
	enc := &encoder{tok: d.tok, threads: o.Threads}
	limited := func(yield func(corpus.Doc, error) bool) {
		left := o.HeldBytes
		for doc, err := range heldDocs(ctx, o) {
			if left <= 0 {
				return
			}
			doc.Text = doc.Text[:min(int64(len(doc.Text)), left)]
			left -= int64(len(doc.Text))
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
	held, err := enc.writeCache(cachePath(o.Dir, "held", d.key), d.key, limited, func(int64) {})
	if err == nil {
		err = enoughHeld(held, o.Recipe.Seq)
	}
	if err != nil {
		return err
	}
	_, err = enc.writeCache(cachePath(o.Dir, "tokens", d.key), d.key, trainingDocs(ctx, o), func(bytes int64) {
		emit(Event{Kind: Preparing, Text: "tokenising the corpus", Done: min(1, float64(bytes)/float64(size))})
	})
	return err
}

// encoder turns documents into tokens, several at a time.
type encoder struct {
	tok     *token.Tokenizer
	threads int
	docs    [][]byte
	out     [][]uint16
}

// encodeBytes is the text that is encoded between two writes.
const encodeBytes = 8 << 20

// writeCache writes the tokens of docs, in order, to a cache, and returns their number.
func (e *encoder) writeCache(path string, key [32]byte, docs iter.Seq2[corpus.Doc, error], done func(bytes int64)) (tokens int64, err error) {
	c, err := createCache(path)
	if err != nil {
		return 0, err
	}
	pending, bytes := 0, int64(0)
	for doc, err := range docs {
		if err != nil {
			c.abandon()
			return 0, err
		}
		e.docs = append(e.docs, doc.Text)
		pending += len(doc.Text)
		bytes += int64(len(doc.Text))
		if pending >= encodeBytes {
			if err := e.flush(c); err != nil {
				c.abandon()
				return 0, err
			}
			pending = 0
			done(bytes)
		}
	}
	if err := e.flush(c); err != nil {
		c.abandon()
		return 0, err
	}
	return c.tokens, c.commit(key)
}

// flush encodes and writes the documents that wait.
func (e *encoder) flush(c *cacheWriter) error {
	for len(e.out) < len(e.docs) {
		e.out = append(e.out, nil)
	}
	parallel(e.threads, len(e.docs), func(_, i int) {
		e.out[i] = e.tok.Encode(append(e.out[i][:0], token.Separator), e.docs[i])
	})
	for i := range e.docs {
		if err := c.write(e.out[i]); err != nil {
			return err
		}
	}
	e.docs = e.docs[:0]
	return nil
}
