//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

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
