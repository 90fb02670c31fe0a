// Package corpus reads documents out of archives, files and folders, as a
// stream. It must not know what is done with them.
package corpus

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Doc is one document.
type Doc struct {
	Name string // path of the file, and of the member where it is an archive
	Text []byte // the reader's to keep
}

// MaxDoc is the largest document, in bytes.
const MaxDoc = 1 << 30

// Open streams the documents of paths in order: a member of a tar archive is a
// document, any other file is one; folders are walked in the order of names.
// Files packed by gzip, xz or zstd are unpacked. What a file is, its first
// bytes say. An error ends the stream.
func Open(paths ...string) iter.Seq2[Doc, error] {
	return func(yield func(Doc, error) bool) {
		for _, path := range paths {
			if !walk(path, yield) {
				return
			}
		}
	}
}

// walk yields the documents under path and reports whether to go on.
func walk(path string, yield func(Doc, error) bool) bool {
	more := true
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// A link named by the user is followed, one found in a folder is not.
		if d.IsDir() || name != path && !d.Type().IsRegular() {
			return nil
		}
		if more, err = file(name, yield); err == nil && !more {
			err = fs.SkipAll
		}
		return err
	})
	if err != nil {
		yield(Doc{}, fmt.Errorf("corpus: %w", err))
		return false
	}
	return more
}

func file(name string, yield func(Doc, error) bool) (more bool, err error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	r, done, err := unpack(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	defer done()
	if head, _ := r.Peek(262); len(head) == 262 && string(head[257:]) == "ustar" {
		return members(name, tar.NewReader(r), yield)
	}
	text, err := readAll(r, 0)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return yield(Doc{name, text}, nil), nil
}

// unpack returns the plain content of r, and what to call when it is read.
func unpack(r *bufio.Reader) (plain *bufio.Reader, done func(), err error) {
	head, _ := r.Peek(6)
	done = func() {}
	var p io.Reader
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		p, err = gzip.NewReader(r)
	case bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		p, err = xz.NewReader(r)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		var d *zstd.Decoder
		if d, err = zstd.NewReader(r); err == nil {
			p, done = d, d.Close
		}
	default:
		return r, done, nil
	}
	if err != nil {
		return nil, done, err
	}
	return bufio.NewReaderSize(p, 1<<16), done, nil
}

func members(name string, t *tar.Reader, yield func(Doc, error) bool) (more bool, err error) {
	for {
		h, err := t.Next()
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		text, err := readAll(t, h.Size)
		if err != nil {
			return false, fmt.Errorf("%s: member %s: %w", name, h.Name, err)
		}
		if !yield(Doc{name + "/" + h.Name, text}, nil) {
			return false, nil
		}
	}
}

// readAll reads a document. size is what an archive says of it, which is only
// trusted when it is small.
func readAll(r io.Reader, size int64) ([]byte, error) {
	var b bytes.Buffer
	if size > 0 && size <= 1<<20 {
		b.Grow(int(size) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(io.LimitReader(r, MaxDoc+1)); err != nil {
		return nil, err
	}
	if b.Len() > MaxDoc {
		return nil, fmt.Errorf("document is larger than %d bytes: split it", MaxDoc)
	}
	return b.Bytes(), nil
}
