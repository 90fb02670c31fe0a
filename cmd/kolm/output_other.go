//go:build !unix

package main

import (
	"io/fs"
	"os"
)

// keepOwner returns the mode of in: elsewhere files have no owner of this kind.
func keepOwner(_ *os.File, in fs.FileInfo) fs.FileMode { return in.Mode().Perm() }

func umask() int { return 0 }

// syncDir does nothing where directories can not be synced.
func syncDir(string) error { return nil }
