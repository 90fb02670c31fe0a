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
	"kolm/internal/peer"
)

type benchCmd struct {
	Files  []string `arg:"" name:"file" help:"Plain files to pack."`
	Levels []int    `name:"levels" default:"1,5" help:"Levels of kolm to measure, such as 1,5,9."`
	Output string   `short:"o" placeholder:"FOLDER" help:"Also write bench.md, bench.json and pictures of size against time there."`
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
	Name      string  `json:"name"`
	Packed    int64   `json:"packed_bytes"`
	Bits      float64 `json:"bits_per_byte"`
	Pack      float64 `json:"pack_seconds"`
	Unpack    float64 `json:"unpack_seconds"`
	PackCPU   float64 `json:"pack_cpu_seconds"`
	UnpackCPU float64 `json:"unpack_cpu_seconds"`
}

func (c *benchCmd) Run(a *app) error {
	c.apply(a)
	model, err := kolm.BuiltinModel()
	if err != nil {
		return err
	}
	compared, err := c.compared()
	if err != nil {
		return err
	}
	var reports []benchReport
	a.each(c.Files, func(name string) error {
		r := benchReport{File: name, Model: model.ID().String(), ModelBytes: len(builtin.File())}
		if err := r.measure(a, name, compared); err != nil {
			return err
		}
		reports = append(reports, r)
		if a.json {
			a.printJSON(r)
			return nil
		}
		_, err := fmt.Fprint(a.stdout, r.table())
		return err
	})
	if len(reports) == 0 {
		return nil
	}
	sum := summarise(reports)
	if len(reports) > 1 && !a.json {
		fmt.Fprint(a.stdout, sum.table())
	}
	if c.Output == "" {
		return nil
	}
	return sum.write(c.Output)
}

// compared lists the levels of kolm, fastest first, and the compressors at hand.
func (c *benchCmd) compared() ([]peer.Peer, error) {
	var list []peer.Peer
	for _, l := range c.Levels {
		if l < 1 || l > 9 {
			return nil, usage("levels are 1 to 9", "no level %d", l)
		}
		self := fmt.Sprintf("kolm -%d", l)
		list = append(list, peer.Filter(self, self, "kolm -d"))
	}
	return append(list, peer.Installed()...), nil
}

func (r *benchReport) measure(a *app, name string, compared []peer.Peer) error {
	plain, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	r.Plain, r.SHA256 = int64(len(plain)), fmt.Sprintf("%x", sha256.Sum256(plain))
	for i, p := range compared {
		stop := a.startProgress(fmt.Sprintf("%s, %d of %d: %s", filepath.Base(name), i+1, len(compared), p.Name), 0, 1)
		m, err := p.Measure(plain)
		stop()
		if err != nil {
			return err
		}
		r.Rows = append(r.Rows, benchRow{p.Name, m.Size, bitsPerByte(m.Size, r.Plain),
			seconds(m.Pack), seconds(m.Unpack), seconds(m.PackCPU), seconds(m.UnpackCPU)})
	}
	return nil
}

// seconds rounds to the milliseconds that a single run can tell.
func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

func (r *benchReport) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d bytes, sha256 %.16s; every size was unpacked and compared\n", r.File, r.Plain, r.SHA256)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "compressor\tbytes\tbits/byte\tpack s\tunpack s\tpack cpu s\tunpack cpu s\t\n")
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t\n", row.Name, row.Packed, row.Bits, row.Pack, row.Unpack, row.PackCPU, row.UnpackCPU)
	}
	w.Flush()
	fmt.Fprintf(&b, "the model of kolm -5 (%.8s, %d bytes) is part of the program and not counted\n", r.Model, r.ModelBytes)
	return b.String()
}
