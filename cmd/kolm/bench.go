package main

import (
	"crypto/sha256"
	"fmt"
	"io"
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
	Levels []int    `name:"levels" default:"1,2,3,5" help:"Levels of kolm to measure, such as 1,5,9."`
	Output string   `short:"o" placeholder:"FOLDER" help:"Also write bench.md, bench.json and pictures of size against time there."`
	talk
}

// benchReport is what the compressors make of one file. Each ran as a process
// of its own, except a Go library standing in for a tool that is not installed;
// each result was unpacked and compared.
type benchReport struct {
	File   string     `json:"file"`
	Plain  int64      `json:"plain_bytes"`
	SHA256 string     `json:"sha256"`
	Rows   []benchRow `json:"rows"`
}

// benchRow is one compressor. The model of a level of kolm is not counted in its
// sizes; ModelBytes says how large it is.
type benchRow struct {
	Name       string  `json:"name"`
	Packed     int64   `json:"packed_bytes"`
	Bits       float64 `json:"bits_per_byte"`
	Pack       float64 `json:"pack_seconds"`
	Unpack     float64 `json:"unpack_seconds"`
	PackCPU    float64 `json:"pack_cpu_seconds"`
	UnpackCPU  float64 `json:"unpack_cpu_seconds"`
	Model      string  `json:"model,omitempty"`
	ModelBytes int     `json:"model_bytes,omitempty"`
}

// contender is a compressor to measure, and the model that it comes with.
type contender struct {
	peer.Peer
	model *builtin.Model // nil for none
}

func (c *benchCmd) Run(a *app) error {
	c.apply(a)
	compared, err := c.compared()
	if err != nil {
		return err
	}
	var reports []benchReport
	a.each(c.Files, func(name string) error {
		r := benchReport{File: name}
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
func (c *benchCmd) compared() ([]contender, error) {
	var list []contender
	for _, l := range c.Levels {
		if l < 1 || l > 9 {
			return nil, usage("levels are 1 to 9", "no level %d", l)
		}
		m, err := levelModel(l)
		if err != nil {
			return nil, err
		}
		self := fmt.Sprintf("kolm -%d", l)
		list = append(list, contender{peer.Filter(self, self, "kolm -d"), m})
	}
	for _, p := range peer.Installed() {
		list = append(list, contender{Peer: p})
	}
	return list, nil
}

// levelModel is the built-in model that a level packs with, nil if none.
func levelModel(level int) (*builtin.Model, error) {
	w, err := kolm.NewWriter(io.Discard, kolm.WithLevel(level))
	if err != nil {
		return nil, err
	}
	if used := w.Model(); used != nil {
		for _, b := range builtin.Models() {
			if b.ID() == used.ID() {
				return b, nil
			}
		}
	}
	return nil, nil
}

func (r *benchReport) measure(a *app, name string, compared []contender) error {
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
		row := benchRow{Name: p.Name, Packed: m.Size, Bits: bitsPerByte(m.Size, r.Plain),
			Pack: seconds(m.Pack), Unpack: seconds(m.Unpack), PackCPU: seconds(m.PackCPU), UnpackCPU: seconds(m.UnpackCPU)}
		if p.model != nil {
			row.Model, row.ModelBytes = fmt.Sprintf("%x", p.model.ID()), len(p.model.File())
		}
		r.Rows = append(r.Rows, row)
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
	if models := modelsOf(r.Rows); models != "" {
		fmt.Fprintf(&b, "not counted, since they are part of the program: %s\n", models)
	}
	return b.String()
}

// modelsOf lists the models of rows.
func modelsOf(rows []benchRow) string {
	var list []string
	for _, row := range rows {
		if row.ModelBytes > 0 {
			list = append(list, fmt.Sprintf("the model of %s (%.8s, %d bytes)", row.Name, row.Model, row.ModelBytes))
		}
	}
	return strings.Join(list, ", ")
}
