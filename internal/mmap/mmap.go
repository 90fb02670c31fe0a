// Package mmap shows a file as bytes without reading it: its pages come from the
// disk when they are first looked at. Where the system cannot do that the file is
// read. It must not know what the bytes mean.
//
// A file that another program makes shorter while it is mapped kills this one at
// the next look beyond its end: a limit of the systems. Programs that replace
// files by renaming do no harm.
package mmap

import (
	"fmt"
	"math"
	"os"
)

// File is an open file. Data must not be changed, nor looked at after Close.
type File struct {
	Data  []byte
	unmap func([]byte) error
}

// Open maps the file, which must be a regular one.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping stays
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch size := info.Size(); {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case size > math.MaxInt:
		return nil, fmt.Errorf("%s: %d bytes are more than this machine can address", path, size)
	case size == 0: // there is no mapping of nothing
		return &File{}, nil
	}
	m, err := open(f, int(info.Size()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Close gives the memory back. A second Close does nothing.
func (f *File) Close() error {
	data, unmap := f.Data, f.unmap
	f.Data, f.unmap = nil, nil
	if unmap == nil {
		return nil
	}
	return unmap(data)
}
