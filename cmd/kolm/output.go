package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// temps are the temporary files that exist. Its lock is held while one becomes
// a final file, so that a signal finds either the one or the other.
type temps struct {
	mu    sync.Mutex
	names map[string]bool
	made  map[string]bool // outputs that are complete, by absolute path
}

// removeAll deletes them and keeps the lock: nothing is completed any more.
func (t *temps) removeAll() {
	t.mu.Lock()
	for name := range t.names {
		os.Remove(name)
	}
}

// output is a file being written. It appears under its name when it is whole,
// or not at all; what is no regular file (a device, a pipe) is written as it is.
type output struct {
	*os.File
	app   *app
	final string
	flag  string // that named it
	force bool   // an existing file may be replaced
	temp  bool   // File is a temporary file beside final
}

// create begins the output file name, which a flag gives. in describes the input, nil
// if that has no file.
func (a *app) create(name, flag string, in fs.FileInfo, force bool) (*output, error) {
	o := &output{app: a, final: name, flag: flag, force: force}
	info, err := os.Stat(name)
	switch {
	case a.temps.made[absolute(name)]: // even if existing files may be
		return nil, failed("inputs of one name want folders of their own", "%s was just written, and is not overwritten", name)
	case err == nil && in != nil && os.SameFile(info, in):
		return nil, usage("", "input and output are the same file")
	case err == nil && info.IsDir():
		return nil, failed("", "%s is a directory", name)
	case err == nil && !info.Mode().IsRegular():
		o.File, err = os.OpenFile(name, os.O_WRONLY, 0)
		return o, err
	case err == nil && !force:
		return nil, existsError(name, flag)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	a.temps.mu.Lock()
	defer a.temps.mu.Unlock()
	if o.File, err = os.CreateTemp(filepath.Dir(name), ".kolm-*.tmp"); err != nil {
		return nil, fmt.Errorf("can not write beside %s: %w", name, withoutName(err))
	}
	o.temp = true
	if a.temps.names == nil {
		a.temps.names = map[string]bool{}
	}
	a.temps.names[o.Name()] = true
	return o, nil
}

// apart refuses an output that is a file to be read, which -f would overwrite. Inputs
// without a file do not matter.
func apart(output string, inputs ...string) error {
	out, err := os.Stat(output)
	if err != nil || !out.Mode().IsRegular() {
		return nil
	}
	for _, name := range inputs {
		if in, err := os.Stat(name); err == nil && os.SameFile(in, out) {
			return usage("name another file", "%s is read, and is not overwritten", output)
		}
	}
	return nil
}

// Write does not show the name of a temporary file in errors.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.File.Write(p)
	if err != nil {
		err = fmt.Errorf("writing %s: %w", o.final, withoutName(err))
	}
	return n, err
}

// withoutName is what was wrong with a file, whose name is said elsewhere.
func withoutName(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func existsError(name, flag string) error {
	return &problem{
		code: codeFailed, text: name + " already exists", cause: fs.ErrExist,
		hint: "overwrite it with -f, or give another name with " + flag,
	}
}

// commit makes the output appear under its name, with the owner, mode and time of
// the input if it is given, as far as the user may. After an error the output must still be discarded.
func (o *output) commit(in fs.FileInfo) error {
	if !o.temp {
		return o.Close()
	}
	mode := fs.FileMode(0o666 &^ umask())
	if in != nil {
		mode = keepOwner(o.File, in)
	}
	// Not every file system has modes; a file without its mode is better than none.
	if err := o.Chmod(mode); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err := o.Sync(); err != nil {
		return err
	}
	if err := o.Close(); err != nil {
		return err
	}
	if in != nil {
		if err := os.Chtimes(o.Name(), time.Time{}, in.ModTime()); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return o.appear()
}

// appear renames the temporary file.
func (o *output) appear() error {
	t := &o.app.temps
	t.mu.Lock()
	defer t.mu.Unlock()
	var err error
	if o.force {
		err = os.Rename(o.Name(), o.final)
	} else {
		err = renameNew(o.Name(), o.final)
	}
	if errors.Is(err, fs.ErrExist) {
		return existsError(o.final, o.flag)
	}
	if err != nil {
		return err
	}
	delete(t.names, o.Name())
	if t.made == nil {
		t.made = map[string]bool{}
	}
	t.made[absolute(o.final)] = true
	return syncDir(filepath.Dir(o.final))
}

// absolute is the absolute path of a name, or the name where there is none.
func absolute(name string) string {
	if path, err := filepath.Abs(name); err == nil {
		return path
	}
	return name
}

// renameNew renames and fails if there is a file of that name, as far as the
// file system can: a link does so without a gap.
func renameNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		return os.Remove(from)
	}
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// discard removes what commit has not made final.
func (o *output) discard() {
	o.Close()
	if !o.temp {
		return
	}
	t := &o.app.temps
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names[o.Name()] {
		os.Remove(o.Name())
		delete(t.names, o.Name())
	}
}
