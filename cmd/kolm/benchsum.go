package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"text/tabwriter"

	"kolm/internal/chart"
)

// benchSum is the sum over files.
type benchSum struct {
	reports []benchReport
	plain   int64
	rows    []benchRow
}

func summarise(reports []benchReport) *benchSum {
	s := &benchSum{reports: reports, rows: make([]benchRow, len(reports[0].Rows))}
	for _, r := range reports {
		s.plain += r.Plain
		for i, row := range r.Rows {
			t := &s.rows[i]
			t.Name, t.Model, t.ModelBytes = row.Name, row.Model, row.ModelBytes
			t.Packed += row.Packed
			t.Pack += row.Pack
			t.Unpack += row.Unpack
			t.PackCPU += row.PackCPU
			t.UnpackCPU += row.UnpackCPU
		}
	}
	for i := range s.rows {
		s.rows[i].Bits = bitsPerByte(s.rows[i].Packed, s.plain)
	}
	return s
}

// rate is megabytes of plain text a second.
func (s *benchSum) rate(seconds float64) float64 { return float64(s.plain) / 1e6 / max(seconds, 1e-3) }

// breakEven is how many bytes of such data a compressor must pack, its model
// counted, until it has saved what the model takes against another; 0 if it never has.
func (s *benchSum) breakEven(row, other benchRow) float64 {
	if other.Bits <= row.Bits {
		return 0
	}
	return 8 * float64(row.ModelBytes) / (other.Bits - row.Bits)
}

func (s *benchSum) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d files, %d bytes\n", len(s.reports), s.plain)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "compressor\tbytes\tbits/byte\tpack MB/s\tunpack MB/s\tpack cpu s/MB\tunpack cpu s/MB\t\n")
	for _, r := range s.rows {
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%.3f\t%.3f\t%.2f\t%.2f\t\n", r.Name, r.Packed, r.Bits,
			s.rate(r.Pack), s.rate(r.Unpack), 1/s.rate(r.PackCPU), 1/s.rate(r.UnpackCPU))
	}
	w.Flush()
	b.WriteString(s.evenText())
	return b.String()
}

// evenText says from how much data on each level pays its model against xz.
func (s *benchSum) evenText() string {
	var b strings.Builder
	for _, xz := range s.rows {
		if !strings.HasPrefix(xz.Name, "xz") {
			continue
		}
		for _, r := range s.rows {
			if n := s.breakEven(r, xz); n > 0 {
				fmt.Fprintf(&b, "with its model counted (%d bytes), %s is smaller than %s from %.1f MB of such data on (computed)\n",
					r.ModelBytes, r.Name, xz.Name, n/1e6)
			}
		}
	}
	return b.String()
}

// write makes the folder's files: a page, the numbers, the pictures.
func (s *benchSum) write(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	b, err := json.MarshalIndent(s.reports, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "bench.json"), append(b, '\n'), 0o666); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "bench.md"), []byte(s.page(version().line())), 0o666); err != nil {
		return err
	}
	for _, c := range []chart.Chart{
		s.front("bench-pack", "packing", func(r benchRow) float64 { return r.PackCPU }),
		s.front("bench-unpack", "unpacking", func(r benchRow) float64 { return r.UnpackCPU }),
	} {
		if _, err := c.Write(dir); err != nil {
			return err
		}
	}
	return nil
}

// front is the picture of size against time, with the line of those that nothing
// else beats in both.
func (s *benchSum) front(name, what string, cpu func(benchRow) float64) chart.Chart {
	c := chart.Chart{Name: name, Title: fmt.Sprintf("size against time of %s, %d files", what, len(s.reports)),
		X: "CPU seconds per MB", Y: "bits/byte", LogX: true}
	for _, r := range s.rows {
		c.Marks = append(c.Marks, chart.Mark{Name: r.Name, X: 1 / s.rate(cpu(r)), Y: r.Bits})
	}
	sort.SliceStable(c.Marks, func(i, j int) bool { return c.Marks[i].X < c.Marks[j].X })
	line := chart.Line{Name: "front"}
	for _, m := range c.Marks {
		if n := len(line.Y); n == 0 || m.Y < line.Y[n-1] {
			line.Add(m.X, m.Y)
		}
	}
	c.Lines = []chart.Line{line}
	return c
}

// page is the report as a document.
func (s *benchSum) page(version string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; %d CPUs. Every size was unpacked and compared.\n\n", version, runtime.NumCPU())
	if models := modelsOf(s.rows); models != "" {
		fmt.Fprintf(&b, "Not counted, since they are part of the program: %s.\n\n", models)
	}
	b.WriteString("Bits per byte:\n\n| file | bytes |")
	for _, r := range s.rows {
		fmt.Fprintf(&b, " %s |", r.Name)
	}
	b.WriteString("\n|---|---:|" + strings.Repeat("---:|", len(s.rows)) + "\n")
	for _, r := range s.reports {
		fmt.Fprintf(&b, "| %s | %d |", filepath.Base(r.File), r.Plain)
		for _, row := range r.Rows {
			fmt.Fprintf(&b, " %.3f |", row.Bits)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n| compressor | bytes | bits/byte | pack MB/s | unpack MB/s | pack CPU s/MB | unpack CPU s/MB |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range s.rows {
		fmt.Fprintf(&b, "| %s | %d | %.3f | %.3f | %.3f | %.2f | %.2f |\n", r.Name, r.Packed, r.Bits,
			s.rate(r.Pack), s.rate(r.Unpack), 1/s.rate(r.PackCPU), 1/s.rate(r.UnpackCPU))
	}
	for line := range strings.Lines(s.evenText()) {
		b.WriteString("\n" + strings.ToUpper(line[:1]) + line[1:])
	}
	b.WriteString("\n| file | sha256 |\n|---|---|\n")
	for _, r := range s.reports {
		fmt.Fprintf(&b, "| %s | %s |\n", filepath.Base(r.File), r.SHA256)
	}
	return b.String()
}
