package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"time"

	"kolm"
	"kolm/internal/twopart"
)

func (d *decoding) reader(a *app) (*kolm.Reader, error) {
	opts, err := d.options(a)
	if err != nil {
		return nil, err
	}
	return kolm.NewReader(strings.NewReader(""), opts...)
}

type unpackCmd struct {
	Files []string `arg:"" optional:"" name:"file" help:"Files to unpack; - or none: standard input to standard output."`
	places
	decoding
	talk
}

type unpackReport struct {
	File    string  `json:"file"`
	Output  string  `json:"output,omitempty"`
	Plain   int64   `json:"plain_bytes"`
	Packed  int64   `json:"packed_bytes"`
	Seconds float64 `json:"seconds"`
}

func (c *unpackCmd) Run(a *app) error {
	c.apply(a)
	files, err := c.inputs(a, c.Files)
	if err != nil {
		return err
	}
	r, err := c.reader(a)
	if err != nil {
		return err
	}
	a.each(files, func(name string) error { return c.unpack(a, r, name) })
	return nil
}

func cutExtension(name string) (string, error) {
	plain, ok := strings.CutSuffix(name, extension)
	if !ok || plain == "" || strings.HasSuffix(plain, "/") {
		return "", failed("give the name of the output with -o, or use -c", "does not end in %s", extension)
	}
	return plain, nil
}

func (c *unpackCmd) unpack(a *app, r *kolm.Reader, name string) error {
	start := time.Now()
	in, err := a.open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := c.sink(a, in, cutExtension)
	if err != nil {
		return err
	}
	defer out.discard()
	if out.file == nil && c.Output != "-" && !c.Force && isTerminal(a.stdout) {
		out.Writer = textOnly{a.stdout}
	}
	n, err := decode(a, r, in, out, c.threads())
	if err != nil {
		return err
	}
	if err := c.finish(a, in, out); err != nil {
		return err
	}
	rep := unpackReport{File: label(name), Output: out.name, Plain: n, Packed: in.read, Seconds: seconds(time.Since(start))}
	if a.json {
		a.printJSON(rep)
	}
	a.say("%s: %s => %s  %s", label(name), size(rep.Packed), size(n), clock(time.Since(start)))
	return nil
}

// decode unpacks in to w and returns the number of plain bytes.
func decode(a *app, r *kolm.Reader, in *source, w io.Writer, threads int) (int64, error) {
	start := bufio.NewReader(in)
	if magic, _ := start.Peek(len(twopart.Magic)); bytes.Equal(magic, twopart.Magic) {
		return decodeTwoPart(a, in.name, start, w, threads)
	}
	total := int64(0)
	if in.size > 0 && a.showsProgress() {
		if x, err := kolm.OpenReaderAt(in.File, in.size); err == nil {
			total = x.Size()
		}
	}
	defer a.startProgress(label(in.name), total, 1)()
	r.Reset(start)
	return r.WriteTo(w)
}

// decodeTwoPart unpacks a file that "kolm weigh --archive" wrote. It is read as a
// whole, because it holds its own model.
func decodeTwoPart(a *app, name string, in io.Reader, w io.Writer, threads int) (int64, error) {
	defer a.startProgress(label(name), 0, 1)()
	file, err := io.ReadAll(in)
	if err != nil {
		return 0, err
	}
	plain, err := twopart.Decode(file, threads)
	if err != nil {
		return 0, explainTwoPart(err)
	}
	n, err := w.Write(plain)
	return int64(n), err
}

// explainTwoPart gives an error about such a file its exit status.
func explainTwoPart(err error) error {
	if errors.Is(err, twopart.ErrCorrupt) {
		return &problem{code: codeCorrupt, text: err.Error(), cause: err}
	}
	return err
}

type testCmd struct {
	Files []string `arg:"" optional:"" name:"file" help:"Packed files; - or none: standard input."`
	decoding
	talk
}

func (c *testCmd) Run(a *app) error {
	c.apply(a)
	files, err := a.orStdin(c.Files)
	if err != nil {
		return err
	}
	r, err := c.reader(a)
	if err != nil {
		return err
	}
	a.each(files, func(name string) error {
		start := time.Now()
		in, err := a.open(name)
		if err != nil {
			return err
		}
		defer in.Close()
		n, err := decode(a, r, in, io.Discard, c.threads())
		if err != nil {
			return err
		}
		if a.json {
			a.printJSON(unpackReport{File: label(name), Plain: n, Packed: in.read, Seconds: seconds(time.Since(start))})
		}
		a.say("%s: ok  (%s => %s)  %s", label(name), size(in.read), size(n), clock(time.Since(start)))
		return nil
	})
	return nil
}

// filterCmd is kolm without a verb: what tar -I kolm expects.
type filterCmd struct {
	Decompress bool `short:"d" aliases:"unpack" help:"Unpack."`
	Stdout     bool `short:"c" help:"Accepted: output goes to standard output anyway."`
	Force      bool `short:"f" help:"Write packed bytes to a terminal."`
	coding
	Quiet bool `short:"q" help:"Accepted: nothing is printed but errors anyway."`
}

func (c *filterCmd) Run(a *app) error {
	a.quiet = true
	if c.Decompress {
		u := unpackCmd{decoding: c.decoding, talk: talk{Quiet: true}}
		u.Force = c.Force
		return u.Run(a)
	}
	p := packCmd{coding: c.coding, talk: talk{Quiet: true}}
	p.Force = c.Force
	return p.Run(a)
}
