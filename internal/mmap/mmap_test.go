package mmap

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpen(t *testing.T) {
	for _, n := range []int{0, 1, 4095, 4096, 4097, 1 << 20} {
		want := bytes.Repeat([]byte{1, 2, 3, 5, 7}, n)[:n]
		f, err := Open(write(t, want))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(f.Data, want) {
			t.Errorf("%d bytes differ", n)
		}
		for range 2 {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		if f.Data != nil {
			t.Error("a closed file has data")
		}
	}
}

func TestBad(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
}

// TestFast opens a gigabyte, of holes: nothing is read.
func TestFast(t *testing.T) {
	path := write(t, nil)
	if err := os.Truncate(path, 1<<30); err != nil {
		t.Skip("no room for a file with holes:", err)
	}
	start := time.Now()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if d := time.Since(start); d > 500*time.Millisecond {
		t.Errorf("opening took %v", d)
	}
	if len(f.Data) != 1<<30 || f.Data[1<<29] != 0 {
		t.Error("wrong data")
	}
}
