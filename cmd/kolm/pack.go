package main

import (
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode"

	"kolm"
)

// coding are the flags of everything that packs.
type coding struct {
	Level     int    `default:"5" help:"Effort, 1 to 9, also written -1 to -9. 1 is contexts only, fast; 2 more contexts for tables, logs, markup and program text; 3 and 4 are contexts and the small built-in model; 5 is contexts and the larger one; 6 to 8 the same in one stream, smaller and slower; at 9 the model also learns, at a few KB a second."`
	NoVerify  bool   `help:"Do not decode what was packed to compare it with the input."`
	BlockSize string `placeholder:"SIZE" help:"Pack blocks of this size, each on its own: up to 64MiB. If not given: equal ones of up to 4MiB, or 2 MB at levels 1 and 2."`
	decoding
}

// decoding are the flags of everything that packs or unpacks.
type decoding struct {
	Model   string `short:"m" placeholder:"MODEL" help:"Use this model: a GGUF file, or the beginning of the ID of one that \"kolm model list\" shows."`
	Threads int    `short:"T" default:"0" placeholder:"N" help:"Use N threads; 0: one a CPU."`
}

// threads is how many are meant.
func (d *decoding) threads() int {
	if d.Threads == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return d.Threads
}

func (d *decoding) options(a *app) ([]kolm.Option, error) {
	opts := []kolm.Option{
		kolm.WithWorkers(d.threads()),
		kolm.WithModels(findModel),
		kolm.WithProgress(func(n int) { a.bar.Load().add(n) }),
	}
	if d.Model == "" {
		return opts, nil
	}
	m, err := openModel(d.Model)
	return append(opts, kolm.WithModel(m)), err
}

func (c *coding) writer(a *app) (*kolm.Writer, error) {
	opts, err := c.options(a)
	if err != nil {
		return nil, err
	}
	if c.BlockSize != "" {
		block, err := parseSize(c.BlockSize)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kolm.WithBlockSize(block))
	}
	opts = append(opts, kolm.WithLevel(c.Level), kolm.WithVerify(!c.NoVerify))
	return kolm.NewWriter(io.Discard, opts...)
}

// passes is how often each byte is coded.
func (c *coding) passes() int64 {
	if c.NoVerify {
		return 1
	}
	return 2
}

type packCmd struct {
	Files []string `arg:"" optional:"" name:"file" help:"Files to pack; - or none: standard input to standard output."`
	places
	coding
	talk
}

type packReport struct {
	File     string  `json:"file"`
	Output   string  `json:"output"`
	Level    int     `json:"level"`
	Model    string  `json:"model,omitempty"` // ID of the model at hand, used or not
	Plain    int64   `json:"plain_bytes"`
	Packed   int64   `json:"packed_bytes"`
	Bits     float64 `json:"bits_per_byte"`
	Seconds  float64 `json:"seconds"`
	Verified bool    `json:"verified"`
}

func (c *packCmd) Run(a *app) error {
	c.apply(a)
	files, err := c.inputs(a, c.Files)
	if err != nil {
		return err
	}
	if c.NoVerify && c.Rm {
		return usage("", "--rm removes what was verified only: it does not go with --no-verify")
	}
	if c.Stdout && !c.Force && isTerminal(a.stdout) {
		return usage("write to a file with -o FILE, or force it with -o -", "packed bytes are not written to a terminal")
	}
	w, err := c.writer(a)
	if err != nil {
		return err
	}
	a.each(files, func(name string) error { return c.pack(a, w, name) })
	return nil
}

func addExtension(name string) (string, error) {
	if strings.HasSuffix(name, extension) {
		return "", failed("give the name with -o to pack it again", "already ends in %s", extension)
	}
	return name + extension, nil
}

func (c *packCmd) pack(a *app, w *kolm.Writer, name string) error {
	start := time.Now()
	in, err := a.open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := c.sink(a, in, addExtension)
	if err != nil {
		return err
	}
	defer out.discard()
	defer a.startProgress(label(name), in.size, c.passes())()
	packed := &counter{w: out}
	w.Reset(packed)
	w.Expect(in.size)
	if _, err := io.Copy(w, in); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := c.finish(a, in, out); err != nil {
		return err
	}
	c.summary(a, w, packReport{
		File: label(name), Output: out.name, Level: c.Level, Plain: in.read, Packed: packed.n,
		Bits: bitsPerByte(packed.n, in.read), Seconds: seconds(time.Since(start)), Verified: !c.NoVerify,
	})
	return nil
}

func (c *packCmd) summary(a *app, w *kolm.Writer, r packReport) {
	model, verified := "", "verified"
	if m := w.Model(); m != nil {
		r.Model = m.ID().String()
		model = "  model " + r.Model[:8]
	}
	if !r.Verified {
		verified = "not verified"
	}
	if a.json {
		a.printJSON(r)
	}
	a.say("%s: %s  (%s => %s)  %.3f bits/byte  %s%s  %s", r.File, percent(r.Packed, r.Plain),
		size(r.Plain), size(r.Packed), r.Bits, clock(time.Duration(r.Seconds*float64(time.Second))), model, verified)
}

// parseSize reads a number of bytes: 65536, 64KiB, 4MiB; B and iB may be left out.
func parseSize(s string) (int, error) {
	digits := strings.TrimRightFunc(s, unicode.IsLetter)
	shift, ok := map[string]int{"": 0, "b": 0, "k": 10, "kib": 10, "m": 20, "mib": 20}[strings.ToLower(s[len(digits):])]
	n, err := strconv.Atoi(digits)
	if err != nil || !ok || n < 0 || n > 1<<30>>shift {
		return 0, usage("write for example 64KiB or 4MiB", "%q is no size of a block", s)
	}
	return n << shift, nil
}
