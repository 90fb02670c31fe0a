// Package corpus reads documents out of archives, files and folders, as a
// stream with one document in memory at a time. It must not know what is done
// with them.
package corpus

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
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
// Links, devices and the like are passed over, unless they are a path that was
// asked for. Files packed by gzip, xz or zstd are unpacked. What a file is, its
// first bytes say. An error names the file and the member, and ends the stream;
// a path without any document is one.
func Open(paths ...string) iter.Seq2[Doc, error] {
	return func(yield func(Doc, error) bool) {
		for _, path := range paths {
			found := false
			err := walk(path, func(doc Doc) error {
				found = true
				if !yield(doc, nil) {
					return errStop
				}
				return nil
			})
			if err == nil && !found {
				err = fmt.Errorf("%s: no documents in it", path)
			}
			if errors.Is(err, errStop) {
				return
			}
			if err != nil {
				yield(Doc{}, fmt.Errorf("corpus: %w", err))
				return
			}
		}
	}
}

// errStop travels up when the reader wants no more.
var errStop = errors.New("stop")

// walk sees the documents of the file or folder path.
func walk(path string, see func(Doc) error) error {
	return Files(path, func(name string) error { return file(name, see) })
}

// Files sees the names of the files that Open reads of path, which is itself one of
// them if it is no folder.
func Files(path string, see func(name string) error) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return see(path)
	}
	return fs.WalkDir(os.DirFS(path), ".", func(name string, d fs.DirEntry, err error) error {
		name = filepath.Join(path, filepath.FromSlash(name))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return see(name)
	})
}

// file sees the documents of one file.
func file(name string, see func(Doc) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	r, done, err := unpack(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer done()
	if isTar(name, r) {
		return members(name, tar.NewReader(r), see)
	}
	text, err := readAll(r, 0, MaxDoc)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return see(Doc{name, text})
}

// isTar says whether a file is a tar archive. Very old and empty ones carry no
// sign of it but the name.
func isTar(name string, r *bufio.Reader) bool {
	const magic, at = "ustar", 257
	if head, _ := r.Peek(at + len(magic)); len(head) == at+len(magic) && string(head[at:]) == magic {
		return true
	}
	base := strings.ToLower(filepath.Base(name))
	for _, end := range []string{".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.zst", ".tzst"} {
		if strings.HasSuffix(base, end) {
			return true
		}
	}
	return false
}

// members sees the regular files of an archive.
func members(name string, t *tar.Reader, see func(Doc) error) error {
	last := "the first member"
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: at or after %s: %w", name, last, err)
		}
		last = "member " + h.Name
		if h.Typeflag != tar.TypeReg {
			continue
		}
		text, err := readAll(t, h.Size, MaxDoc)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, last, err)
		}
		if err := see(Doc{name + "/" + h.Name, text}); err != nil {
			return err
		}
	}
}

// trusted is how much memory is taken on the word of an archive alone.
const trusted = 1 << 20

// readAll reads a document of at most limit bytes. size is what an archive says
// of it, or 0.
func readAll(r io.Reader, size int64, limit int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(size, trusted)) + bytes.MinRead)
	if size <= limit {
		if _, err := b.ReadFrom(io.LimitReader(r, limit+1)); err != nil {
			return nil, err
		}
		size = int64(b.Len())
	}
	if size > limit {
		return nil, fmt.Errorf("document has more than %d bytes: split it", limit)
	}
	return b.Bytes(), nil
}
