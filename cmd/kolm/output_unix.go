//go:build unix

package main

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives f the owner and group of in, as far as the user may, and returns
// the mode it should have: that of in, but for rights of a group that f does not get.
func keepOwner(f *os.File, in fs.FileInfo) fs.FileMode {
	mode := in.Mode().Perm()
	s, ok := in.Sys().(*syscall.Stat_t)
	if !ok {
		return mode
	}
	f.Chown(int(s.Uid), -1) // for the superuser alone
	if f.Chown(-1, int(s.Gid)) != nil {
		others := mode & 0o007
		mode &= 0o707 | others<<3
	}
	return mode
}

// umask is that of the process. Reading it means setting it; nothing else runs
// that makes files then.
func umask() int {
	m := syscall.Umask(0)
	syscall.Umask(m)
	return m
}

// syncDir makes a new name in dir survive a crash.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil // a directory may be writable and not readable
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
