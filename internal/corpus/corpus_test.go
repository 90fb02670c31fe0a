package corpus

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// collect reads all documents of paths as "name=text", names relative to dir.
func collect(dir string, paths ...string) (docs []string, err error) {
	for doc, err := range Open(paths...) {
		if err != nil {
			return docs, err
		}
		docs = append(docs, strings.TrimPrefix(filepath.ToSlash(doc.Name), filepath.ToSlash(dir)+"/")+"="+string(doc.Text))
	}
	return docs, nil
}

func write(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// archive makes a tar of "name=text" members; a name that ends in / is a folder.
func archive(t *testing.T, format tar.Format, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		name, text, _ := strings.Cut(m, "=")
		h := &tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644, Format: format, Typeflag: tar.TypeReg}
		if strings.HasSuffix(name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var packers = map[string]func(io.Writer) (io.WriteCloser, error){
	"gz":  func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
	"xz":  func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) },
	"zst": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
}

func pack(t *testing.T, how string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := packers[how](&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func same(t *testing.T, what string, got []string, err error, want ...string) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if g, w := fmt.Sprintf("%q", got), fmt.Sprintf("%q", want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// TestPackings reads every kind of file under a name that says nothing of it.
func TestPackings(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("more text ", 50000)
	shard := archive(t, tar.FormatPAX, "b/two=2", "d/", "b/one=1"+long, "空=")
	plain := write(t, dir, "plain", []byte("hello\x00\xff"))
	docs, err := collect(dir, plain)
	same(t, "plain", docs, err, "plain=hello\x00\xff")
	docs, err = collect(dir, write(t, dir, "shard", shard))
	same(t, "tar", docs, err, "shard/b/two=2", "shard/b/one=1"+long, "shard/空=")
	for how := range packers {
		name := "packed-" + how
		docs, err = collect(dir, write(t, dir, name, pack(t, how, []byte(long))))
		same(t, how, docs, err, name+"="+long)
		docs, err = collect(dir, write(t, dir, name, pack(t, how, shard)))
		same(t, "tar."+how, docs, err, name+"/b/two=2", name+"/b/one=1"+long, name+"/空=")
	}
}

func TestTarFormats(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		docs, err := collect(dir, write(t, dir, "shard", archive(t, f, "a=1", "b=2")))
		same(t, f.String(), docs, err, "shard/a=1", "shard/b=2")
	}
	// The oldest format has no magic: the name must say what it is.
	old := archive(t, tar.FormatUSTAR, "a=1")
	sum := 0
	copy(old[257:265], make([]byte, 8))
	copy(old[148:156], "        ")
	for _, c := range old[:512] {
		sum += int(c)
	}
	copy(old[148:156], fmt.Sprintf("%06o\x00 ", sum))
	docs, err := collect(dir, write(t, dir, "old.tar", old))
	same(t, "v7", docs, err, "old.tar/a=1")
}

func TestFolders(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "top/b.txt", []byte("b"))
	write(t, dir, "top/a/z", []byte("z"))
	write(t, dir, "top/a/y.gz", pack(t, "gz", []byte("y")))
	write(t, dir, "top/c.tar", archive(t, tar.FormatPAX, "m=1"))
	outside := write(t, dir, "outside", []byte("o"))
	top := filepath.Join(dir, "top")
	want := []string{"top/a/y.gz=y", "top/a/z=z", "top/b.txt=b", "top/c.tar/m=1"}
	docs, err := collect(dir, top)
	same(t, "folder", docs, err, want...)
	docs, err = collect(dir, outside, top+"/")
	same(t, "paths in order", docs, err, append([]string{"outside=o"}, want...)...)

	link := filepath.Join(dir, "link")
	if err := os.Symlink(top, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(top, "inner")); err != nil {
		t.Fatal(err)
	}
	docs, err = collect(link, link)
	same(t, "a link asked for is followed, one found is not", docs, err, "a/y.gz=y", "a/z=z", "b.txt=b", "c.tar/m=1")
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	text := []byte(strings.Repeat("text ", 10000))
	shard := archive(t, tar.FormatPAX, "good=1", "broken=22222222")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		content []byte
		want    []string
		before  int // documents before the error
	}{
		{"cut.gz", pack(t, "gz", text)[:90], []string{"cut.gz", "gzip", "unexpected EOF"}, 0},
		{"cut.xz", pack(t, "xz", text)[:90], []string{"cut.xz", "xz", "EOF"}, 0},
		{"cut.zst", pack(t, "zst", text)[:20], []string{"cut.zst", "zstd", "EOF"}, 0},
		{"cut.tar", shard[:len(shard)-1024-512+4], []string{"cut.tar", "member broken", "EOF"}, 1},
		{"bad.tar", append(shard[:1024:1024], text...), []string{"bad.tar", "after member good", "header"}, 1},
		{"not.tar", text, []string{"not.tar", "header"}, 0},
		{"none.tar", archive(t, tar.FormatPAX), []string{"none.tar", "no documents"}, 0},
		{"empty", nil, []string{"empty", "no documents"}, 0},
		{"missing", nil, []string{"missing"}, 0},
	} {
		path := filepath.Join(dir, c.name)
		if c.content != nil {
			write(t, dir, c.name, c.content)
		}
		docs, err := collect(dir, path, path)
		if err == nil || len(docs) != c.before {
			t.Errorf("%s: %d documents, error %v; want %d and an error", c.name, len(docs), err, c.before)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q does not say %q", c.name, err, w)
			}
		}
	}
}

func TestStop(t *testing.T) {
	dir := t.TempDir()
	shard := write(t, dir, "shard", archive(t, tar.FormatPAX, "a=1", "b=2"))
	n := 0
	for _, err := range Open(shard, filepath.Join(dir, "missing")) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d documents before the stop, want 1", n)
	}
}

func TestLimit(t *testing.T) {
	for _, c := range []struct {
		text        string
		size, limit int64
		ok          bool
	}{
		{"12345678", 0, 8, true},
		{"12345678", 8, 8, true},
		{"123456789", 0, 8, false},
		{"123456789", 9, 8, false},
		{"", 1 << 60, 8, false}, // refused on the archive's word, without memory
	} {
		got, err := readAll(strings.NewReader(c.text), c.size, c.limit)
		if (err == nil) != c.ok || c.ok && string(got) != c.text {
			t.Errorf("%q, size %d, limit %d: %q, %v", c.text, c.size, c.limit, got, err)
		}
		if err != nil && !strings.Contains(err.Error(), "more than 8 bytes") {
			t.Errorf("error %q does not say the limit", err)
		}
	}
}
