package train

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"kolm/internal/token"
)

// A token cache is a header and the tokens of many documents as little-endian
// uint16, a separator before each document.
//
//	offset  0  "kolmtok1"
//	offset  8  number of tokens, uint64
//	offset 16  SHA-256 of what the tokens were made from
//	offset 48  tokens
const (
	cacheMagic  = "kolmtok1"
	cacheHeader = 48
)

// cache is an open token cache, read at random: the operating system keeps in
// memory what fits there.
type cache struct {
	f      *os.File
	tokens int64
	vocab  int // all tokens are below it
}

// cachePath is where the cache with a key lies.
func cachePath(dir, what string, key [32]byte) string {
	return filepath.Join(dir, what+"-"+hex.EncodeToString(key[:6])+".u16")
}

// openCache opens the cache at path if it is whole and has the key. That its tokens
// are of the vocabulary is checked when they are read.
func openCache(path string, key [32]byte, vocab int) (*cache, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	var head [cacheHeader]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return nil, errors.Join(fmt.Errorf("train: token cache %s: %w", path, err), f.Close())
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	n := int64(binary.LittleEndian.Uint64(head[8:]))
	if string(head[:8]) != cacheMagic || [32]byte(head[16:]) != key || info.Size() != cacheHeader+2*n {
		return nil, errors.Join(fmt.Errorf("train: token cache %s is not whole or not of this corpus: remove it", path), f.Close())
	}
	return &cache{f, n, vocab}, nil
}

func (c *cache) close() error { return c.f.Close() }

// read fills dst with the tokens from position at.
func (c *cache) read(dst []uint16, buf []byte, at int64) error {
	if _, err := c.f.ReadAt(buf[:2*len(dst)], cacheHeader+2*at); err != nil {
		return fmt.Errorf("train: token cache %s: %w", c.f.Name(), err)
	}
	for i := range dst {
		dst[i] = binary.LittleEndian.Uint16(buf[2*i:])
		if int(dst[i]) >= c.vocab {
			return fmt.Errorf("train: token cache %s is damaged: token %d is %d, the vocabulary has %d: remove it", c.f.Name(), at+int64(i), dst[i], c.vocab)
		}
	}
	return nil
}

// cacheWriter writes a token cache under a temporary name.
type cacheWriter struct {
	f      *os.File
	w      *bufio.Writer
	path   string
	tokens int64
	buf    []byte
}

func createCache(path string) (*cacheWriter, error) {
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return nil, err
	}
	c := &cacheWriter{f: f, w: bufio.NewWriterSize(f, 1<<20), path: path}
	_, err = c.w.Write(make([]byte, cacheHeader))
	return c, err
}

func (c *cacheWriter) write(tokens []uint16) error {
	c.buf = c.buf[:0]
	for _, t := range tokens {
		c.buf = binary.LittleEndian.AppendUint16(c.buf, t)
	}
	c.tokens += int64(len(tokens))
	_, err := c.w.Write(c.buf)
	return err
}

// commit completes the header and gives the file its name.
func (c *cacheWriter) commit(key [32]byte) error {
	head := append([]byte(cacheMagic), make([]byte, 8)...)
	binary.LittleEndian.PutUint64(head[8:], uint64(c.tokens))
	head = append(head, key[:]...)
	err := c.w.Flush()
	if err == nil {
		_, err = c.f.WriteAt(head, 0)
	}
	return replace(c.f, c.path, err)
}

// abandon removes the temporary file.
func (c *cacheWriter) abandon() {
	c.f.Close()
	os.Remove(c.f.Name())
}

// replace syncs and closes the temporary file f and renames it to path; if err
// is not nil it removes it instead.
func replace(f *os.File, path string, err error) error {
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes renames in a folder last. Not every system can; then there is
// nothing to be done.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

// order is where a run stands in its data. An epoch is one pass over
// consecutive windows of Seq tokens, which begin at an offset drawn for the
// epoch, in an order drawn for the epoch.
type order struct {
	Epoch int64
	Next  int64 // index into the epoch's order
}

// windows serves training windows in order.
type windows struct {
	data *cache
	seq  int
	seed uint64
	at   order
	base int64
	perm []uint32 // of the epoch
	buf  []byte
	toks []uint16 // (seq+1)
}

func newWindows(data *cache, seq int, seed uint64, at order) (*windows, error) {
	if data.tokens < 2*int64(seq)+1 {
		return nil, fmt.Errorf("train: corpus of %d tokens is too small for sequences of %d: give more text", data.tokens, seq)
	}
	w := &windows{data: data, seq: seq, seed: seed, at: at, buf: make([]byte, 2*(seq+1)), toks: make([]uint16, seq+1)}
	w.shuffle()
	return w, nil
}

// shuffle draws the order of the current epoch.
func (w *windows) shuffle() {
	rnd := rand.New(rand.NewPCG(w.seed, uint64(w.at.Epoch)))
	w.base = rnd.Int64N(int64(w.seq))
	n := (w.data.tokens - 1 - w.base) / int64(w.seq)
	w.perm = make([]uint32, n)
	for i := range w.perm {
		w.perm[i] = uint32(i)
	}
	rnd.Shuffle(len(w.perm), func(i, j int) { w.perm[i], w.perm[j] = w.perm[j], w.perm[i] })
}

// next fills tokens and targets, (seq), with the next window.
func (w *windows) next(tokens, targets []int32) error {
	if w.at.Next >= int64(len(w.perm)) {
		w.at = order{Epoch: w.at.Epoch + 1}
		w.shuffle()
	}
	at := w.base + int64(w.perm[w.at.Next])*int64(w.seq)
	w.at.Next++
	if err := w.data.read(w.toks, w.buf, at); err != nil {
		return err
	}
	fill(tokens, targets, w.toks)
	return nil
}

// fill splits a window of len(tokens)+1 tokens into inputs and targets; the
// separator is never a target to be scored.
func fill(tokens, targets []int32, window []uint16) {
	for i := range tokens {
		tokens[i], targets[i] = int32(window[i]), int32(window[i+1])
		if window[i+1] == token.Separator {
			targets[i] = -1
		}
	}
}

// keyOf hashes a list of parts unambiguously.
func keyOf(parts ...string) (key [32]byte) {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	h.Sum(key[:0])
	return key
}
