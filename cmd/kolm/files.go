package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"
)

const extension = ".kolm"

// source is an input.
type source struct {
	*os.File
	name string      // as given
	info fs.FileInfo // when it was opened; nil for standard input
	size int64       // 0 if it is not known before the end
	read int64       // bytes so far
	r    io.Reader
}

// testInput lets tests slow down reading. It is nil outside of them.
var testInput func(io.Reader) io.Reader

// open opens an input; - is standard input.
func (a *app) open(name string) (*source, error) {
	s := &source{name: name, File: a.stdin}
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		s.File = f
		if s.info, err = f.Stat(); err != nil {
			return nil, err
		}
		if s.info.IsDir() {
			f.Close()
			return nil, failed(fmt.Sprintf("tar it: tar -I kolm -cf %s.tar%s %s", filepath.Base(name), extension, name), "is a directory")
		}
		if s.info.Mode().IsRegular() {
			s.size = s.info.Size()
		}
	}
	s.r = s.File
	if testInput != nil {
		s.r = testInput(s.r)
	}
	return s, nil
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.read += int64(n)
	return n, err
}

// WriteTo hides that of *os.File, which passes Read by.
func (s *source) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{s})
}

// changed says whether the file is another than when it was opened. Files of
// /proc have no size and may hold bytes all the same.
func (s *source) changed() bool {
	if s.info == nil || !s.info.Mode().IsRegular() {
		return false
	}
	now, err := s.Stat()
	return err != nil || now.Size() != s.info.Size() || !now.ModTime().Equal(s.info.ModTime()) || now.Size() > 0 && s.read != now.Size()
}

// label is how an input is called in messages.
func label(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// places are the flags that say where output goes and what becomes of the input.
type places struct {
	Output string `short:"o" placeholder:"OUT" help:"Write to the file OUT, into the folder OUT, or to standard output (-)."`
	Stdout bool   `short:"c" help:"Write to standard output."`
	Keep   bool   `short:"k" help:"Keep the input. This is so anyway, unless --rm."`
	Rm     bool   `name:"rm" help:"Remove each input when its output is complete."`
	Force  bool   `short:"f" help:"Overwrite files; write packed bytes to a terminal."`
}

// inputs are the files that are meant, if the flags can be meant for them.
func (p *places) inputs(a *app, named []string) ([]string, error) {
	files, err := a.orStdin(named)
	if err != nil {
		return nil, err
	}
	return files, p.check(a, files)
}

// check refuses what can not be meant.
func (p *places) check(a *app, files []string) error {
	p.Stdout = p.Stdout || p.Output == "" && len(files) == 1 && files[0] == "-"
	folder := p.folder()
	switch {
	case p.Stdout && p.Output != "":
		return usage("", "-c and -o exclude each other")
	case p.Keep && p.Rm:
		return usage("", "-k and --rm exclude each other")
	case p.Rm && (p.stdout() || p.Output != "" && !folder && !p.regular()):
		return usage("", "--rm goes with an output file only")
	case p.Output != "" && p.Output != "-" && !folder && len(files) > 1:
		return usage("name a folder with -o, or use -c to join them", "%d inputs and one output file", len(files))
	case a.json && p.stdout():
		return usage("", "--json goes with an output file only: it prints to standard output")
	}
	return nil
}

func (p *places) stdout() bool { return p.Stdout || p.Output == "-" }

func (p *places) folder() bool {
	info, err := os.Stat(p.Output)
	return err == nil && info.IsDir()
}

// regular says whether the output is a regular file, or will be.
func (p *places) regular() bool {
	info, err := os.Stat(p.Output)
	return err != nil || info.Mode().IsRegular()
}

// sink is where one output goes: a file, or standard output.
type sink struct {
	io.Writer
	file *output // nil for standard output
	name string
}

// sink opens the output for an input. derived is its name if no flag gives one.
func (p *places) sink(a *app, in *source, derived func(string) (string, error)) (*sink, error) {
	if p.stdout() {
		return &sink{Writer: a.stdout, name: "-"}, nil
	}
	name := p.Output
	if name == "" || p.folder() {
		switch {
		case in.name == "-" && name == "":
			return nil, usage("say where it goes with -o FILE or -c", "standard input has no name to make another from")
		case in.name == "-":
			return nil, usage("name the file", "-o is a folder, and standard input has no name")
		}
		beside, err := derived(in.name)
		if err != nil {
			return nil, err
		}
		if in.info != nil && !in.info.Mode().IsRegular() {
			return nil, failed("say where its contents go with -o or -c", "is not a regular file")
		}
		if name = beside; p.Output != "" {
			name = filepath.Join(p.Output, filepath.Base(beside))
		}
		if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
			return nil, failed("name another output with -o", "%s is not a regular file", name)
		}
	}
	f, err := a.create(name, "-o", in.info, p.Force)
	if err != nil {
		return nil, err
	}
	return &sink{Writer: f, file: f, name: name}, nil
}

// finish completes the output and, if it was asked for, removes the input.
func (p *places) finish(a *app, in *source, out *sink) error {
	if out.file != nil {
		if err := out.file.commit(in.info); err != nil {
			return err
		}
	}
	changed := in.changed()
	if p.Rm && changed {
		return failed("", "changed while it was read; it is kept")
	}
	if changed {
		a.warn(label(in.name), "changed while it was read; %s has what it was then", out.name)
	}
	if !p.Rm || in.info == nil {
		return nil
	}
	in.Close() // some systems do not remove open files
	return os.Remove(in.name)
}

func (s *sink) discard() {
	if s.file != nil {
		s.file.discard()
	}
}

// each does f for every input, reporting errors and going on. It stops when
// nobody reads standard output any more.
func (a *app) each(files []string, f func(name string) error) {
	for _, name := range files {
		if err := f(name); err != nil {
			a.report(label(name), err)
			if a.brokenPipe(err) {
				return
			}
		}
	}
}

// orStdin is standard input if no files are named and somebody fills it.
func (a *app) orStdin(files []string) ([]string, error) {
	if len(files) > 0 {
		return files, nil
	}
	if isTerminal(a.stdin) {
		return nil, usage(`name files, or - to type; see "kolm --help"`, "nothing to do: standard input is a terminal")
	}
	return []string{"-"}, nil
}

// textOnly passes text to a terminal and refuses anything that could set it off.
type textOnly struct{ w io.Writer }

func (t textOnly) Write(p []byte) (int, error) {
	for i := 0; i < len(p); {
		r, n := utf8.DecodeRune(p[i:])
		whole := n > 1 || r != utf8.RuneError || len(p)-i < utf8.UTFMax // a rune may be cut by the end of p
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' && r != '\f' || r == 0x7f || !whole {
			return 0, usage("write to a file with -o FILE, or force it with -o -", "binary data is not written to a terminal")
		}
		i += n
	}
	return t.w.Write(p)
}

// counter counts what is written through it.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
