package train

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"kolm/internal/corpus"
)

// heldOut says whether a document is kept out of training: about one in k is, by
// the hash of its name, so that it stays out whatever else the corpus holds.
func heldOut(name string, k int) bool { return k > 0 && hashName(name)%uint64(k) == 0 }

func hashName(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// scramble spreads a hash over all 64 bits, apart from the residues that
// heldOut uses.
func scramble(h uint64) uint64 {
	h ^= h >> 31
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// docs yields the documents under paths, each named from the last element of
// its path on, so that what is held out does not depend on where a corpus lies.
func docs(ctx context.Context, paths []string) iter.Seq2[corpus.Doc, error] {
	return func(yield func(corpus.Doc, error) bool) {
		for _, path := range paths {
			for doc, err := range corpus.Open(path) {
				if err == nil {
					err = ctx.Err()
				}
				doc.Name = shortName(doc.Name, path)
				if !yield(doc, err) || err != nil {
					return
				}
			}
		}
	}
}

// shortName is the name of a file or document under path from the path's last element
// on.
func shortName(name, path string) string {
	return strings.TrimLeft(filepath.ToSlash(strings.TrimPrefix(name, filepath.Dir(path))), "/")
}

// trainingDocs yields the documents of the corpus that may be trained on.
func trainingDocs(ctx context.Context, o *Options) iter.Seq2[corpus.Doc, error] {
	return func(yield func(corpus.Doc, error) bool) {
		for doc, err := range docs(ctx, o.Corpus) {
			switch {
			case err != nil:
			case o.alone:
				doc.Text = doc.Text[:o.tail(doc.Text)]
			case heldOut(doc.Name, o.holdOut()):
				continue
			}
			if !yield(doc, err) {
				return
			}
		}
	}
}

// holdOut is the rule by names, which explicit held-out paths replace.
func (o *Options) holdOut() int {
	if len(o.Held) > 0 {
		return 0
	}
	return o.HoldOut
}

// heldDocs yields held-out documents.
func heldDocs(ctx context.Context, o *Options) iter.Seq2[corpus.Doc, error] {
	if len(o.Held) > 0 {
		return docs(ctx, o.Held)
	}
	return func(yield func(corpus.Doc, error) bool) {
		for doc, err := range docs(ctx, o.Corpus) {
			switch {
			case err != nil:
			case o.alone:
				doc.Text = doc.Text[o.tail(doc.Text):]
			case !heldOut(doc.Name, o.HoldOut):
				continue
			}
			if !yield(doc, err) {
				return
			}
		}
	}
}

// isAlone says whether the corpus is a single document.
func isAlone(ctx context.Context, paths []string) (bool, error) {
	n := 0
	for _, err := range docs(ctx, paths) {
		if err != nil {
			return false, err
		}
		if n++; n > 1 {
			break
		}
	}
	return n == 1, nil
}

// tail is where the held-out end of a single document begins: a twentieth of the text,
// no more than is measured on, in whole characters.
func (o *Options) tail(text []byte) int {
	at := len(text) - int(min(int64(len(text)/20), o.HeldBytes))
	for at < len(text) && !utf8.RuneStart(text[at]) {
		at++
	}
	return at
}

// enoughHeld refuses to measure on less than a sequence.
func enoughHeld(tokens int64, seq int) error {
	switch {
	case tokens == 0:
		return errors.New("train: no document is held out: name some with --held, or give a smaller --hold-out")
	case tokens <= int64(seq):
		return fmt.Errorf("train: %d tokens are held out, fewer than one sequence of %d: give more text, or hold out more of it with --held or a smaller --hold-out", tokens, seq)
	}
	return nil
}
