package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"kolm"
	"kolm/internal/builtin"
)

type benchCmd struct {
	Files  []string `arg:"" name:"file" help:"Plain files to pack."`
	Levels []int    `name:"levels" default:"1,5" help:"Levels of kolm to measure."`
	talk
}

// benchReport is what the compressors make of one file. Each ran as a process
// of its own, except a Go library standing in for a tool that is not installed;
// each result was unpacked and compared. The model of kolm is not counted in
// its sizes; ModelBytes says how large it is.
type benchReport struct {
	File       string     `json:"file"`
	Plain      int64      `json:"plain_bytes"`
	SHA256     string     `json:"sha256"`
	Model      string     `json:"model"`
	ModelBytes int        `json:"model_bytes"`
	Rows       []benchRow `json:"rows"`
}

type benchRow struct {
	Name   string  `json:"name"`
	Packed int64   `json:"packed_bytes"`
	Bits   float64 `json:"bits_per_byte"`
	Pack   float64 `json:"pack_seconds"`
	Unpack float64 `json:"unpack_seconds"`
}

func (c *benchCmd) Run(a *app) error {
	c.apply(a)
	model, err := kolm.BuiltinModel()
	if err != nil {
		return err
	}
	compared := peers()
	for i := len(c.Levels) - 1; i >= 0; i-- {
		if l := c.Levels[i]; l < 1 || l > 9 {
			return usage("levels are 1 to 9", "no level %d", l)
		}
		self := fmt.Sprintf("kolm -%d", c.Levels[i])
		compared = append([]peer{filter(self, self, "kolm -d")}, compared...)
	}
	a.each(c.Files, func(name string) error {
		r := benchReport{File: name, Model: model.ID().String(), ModelBytes: len(builtin.File())}
		if err := r.measure(a, name, compared); err != nil {
			return err
		}
		if a.json {
			a.printJSON(r)
			return nil
		}
		_, err := fmt.Fprint(a.stdout, r.table())
		return err
	})
	return nil
}

func (r *benchReport) measure(a *app, name string, compared []peer) error {
	plain, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	r.Plain, r.SHA256 = int64(len(plain)), fmt.Sprintf("%x", sha256.Sum256(plain))
	for i, p := range compared {
		stop := a.startProgress(fmt.Sprintf("%s, %d of %d: %s", filepath.Base(name), i+1, len(compared), p.name), 0, 1)
		row, err := p.row(plain)
		stop()
		if err != nil {
			return err
		}
		r.Rows = append(r.Rows, row)
	}
	return nil
}

// row measures one compressor in a scratch folder of its own.
func (p peer) row(plain []byte) (benchRow, error) {
	dir, err := os.MkdirTemp("", "kolm-bench-")
	if err != nil {
		return benchRow{}, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, plainName), plain, 0o600); err != nil {
		return benchRow{}, err
	}
	size, pack, unpack, err := p.measure(dir, plain)
	return benchRow{p.name, size, bitsPerByte(size, int64(len(plain))), seconds(pack), seconds(unpack)}, err
}

// seconds rounds to the milliseconds that a single run can tell.
func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

func (r *benchReport) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d bytes, sha256 %.16s; every size was unpacked and compared\n", r.File, r.Plain, r.SHA256)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "compressor\tbytes\tbits/byte\tpack s\tunpack s\t\n")
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%.3f\t%.3f\t\n", row.Name, row.Packed, row.Bits, row.Pack, row.Unpack)
	}
	w.Flush()
	fmt.Fprintf(&b, "the model of kolm -5 (%.8s, %d bytes) is part of the program and not counted\n", r.Model, r.ModelBytes)
	return b.String()
}
