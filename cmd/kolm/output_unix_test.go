//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestKeepOwner packs another's file as the superuser, who may give it back, and
// one's own, whose group one may have.
func TestKeepOwner(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	for _, name := range []string{in, out} {
		if err := os.WriteFile(name, nil, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 {
		if err := os.Chown(in, 12345, 12346); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(in)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(out, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if mode := keepOwner(f, info); mode != 0o640 {
		t.Errorf("mode is %v", mode)
	}
	got, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	a, b := info.Sys().(*syscall.Stat_t), got.Sys().(*syscall.Stat_t)
	if a.Uid != b.Uid || a.Gid != b.Gid {
		t.Errorf("owner %d:%d, want %d:%d", b.Uid, b.Gid, a.Uid, a.Gid)
	}
	f.Close()
	if mode := keepOwner(f, info); mode != fs.FileMode(0o600) { // no group to give
		t.Errorf("mode without the group is %v", mode)
	}
}
