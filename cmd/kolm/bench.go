package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"kolm"
	"kolm/internal/builtin"
	"kolm/internal/peer"
)

type benchCmd struct {
	Files  []string `arg:"" name:"file" type:"existingfile" help:"Plain files to pack."`
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
	compared := peer.Installed()
	for i := len(c.Levels) - 1; i >= 0; i-- {
		if l := c.Levels[i]; l < 1 || l > 9 {
			return usage("levels are 1 to 9", "no level %d", l)
		}
		self := fmt.Sprintf("kolm -%d", c.Levels[i])
		compared = append([]peer.Peer{peer.Filter(self, self, "kolm -d")}, compared...)
	}
	a.each(c.Files, func(name string) error {
		r := benchReport{File: name, Model: model.ID().String(), ModelBytes: len(builtin.File())}
		if err := r.measure(name, compared); err != nil {
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

func (r *benchReport) measure(name string, compared []peer.Peer) error {
	plain, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	r.Plain, r.SHA256 = int64(len(plain)), fmt.Sprintf("%x", sha256.Sum256(plain))
	for _, p := range compared {
		m, err := p.Measure(plain)
		if err != nil {
			return err
		}
		r.Rows = append(r.Rows, benchRow{p.Name, m.Size, bitsPerByte(m.Size, r.Plain), seconds(m.Pack), seconds(m.Unpack)})
	}
	return nil
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
