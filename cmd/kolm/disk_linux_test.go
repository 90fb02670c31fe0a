package main

import (
	"os"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// canMount says whether a file system of a few pages can be made to be filled.
var canMount = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "kolm-mount-")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	if syscall.Mount("none", dir, "tmpfs", 0, "size=64k") != nil {
		return false
	}
	return syscall.Unmount(dir, 0) == nil
})

// smalldisk DIR: mounts a file system of 64 KiB there until the script ends.
func cmdSmallDisk(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o777))
	ts.Check(syscall.Mount("none", dir, "tmpfs", 0, "size=64k"))
	ts.Defer(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}
