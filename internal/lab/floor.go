package lab

import (
	"bytes"
	"encoding/json"
	"fmt"

	"kolm/internal/chart"
	"kolm/internal/mdl"
	"kolm/internal/mdl/prefix"
	"kolm/internal/source"
)

var floor = Experiment{
	Name:      "floor",
	Question:  "does a gap of zero reach Kolmogorov complexity?",
	Criterion: "no statistical code makes an AES or xorshift stream smaller than .999 of its size; a certificate whose program writes it verifies and is under 1 % of it",
	run:       runFloor,
}

func runFloor(r *run) error {
	n := r.choose(1<<19, 1<<17) // bytes
	noise := chart.Chart{Name: "noise", Title: "AES in counter mode: files, and a program that writes it", X: "bytes", Parts: []string{"bytes"}}
	t := r.table(fmt.Sprintf("Streams of %d bytes. Files are decoded, the context-tree length is computed; the program is run and its output compared.", n),
		"stream", "kolm -1", "kolm -5", "gzip", "xz", "zstd", "context trees to depth 8", "program", "certificate")
	programs := map[string]func(int) (prefix.Program, error){"aes counter": prefix.AES, "xorshift": prefix.Xorshift}
	r.steps(len(source.Deterministic()))
	for _, s := range source.Deterministic() {
		x := s.Sample(r.Seed, 8*n)
		text := s.Text(x)
		r.input(s.Name(), text)
		row, best := []any{s.Name()}, float64(n)
		for _, c := range fileCodes() {
			size, err := c.size(text)
			if err != nil {
				return err
			}
			row, best = append(row, size), min(best, float64(size))
		}
		trees := mdl.CodeLength(mdl.NewCTW(8, nil), x[:n]) // a number of bits enough to see the rate
		row, best = append(row, fmt.Sprintf("%.4f of the size", trees/float64(n))), min(best, trees)
		program, ok := programs[s.Name()]
		if !ok {
			t.row(append(row, "-", "-")...)
			r.step()
			continue
		}
		r.atLeast(s.Name()+": best file, of the size", best/float64(n), .999)
		p, err := program(n)
		if err != nil {
			return err
		}
		bits, size, err := r.certify(s.Name(), prefix.Register{}, p, text)
		if err != nil {
			return err
		}
		t.row(append(row, fmt.Sprintf("%d bytes", (bits+7)/8), fmt.Sprintf("%d bytes", size))...)
		if s.Name() == "aes counter" {
			for i, name := range t.Columns[1:6] {
				noise.Bars = append(noise.Bars, chart.Bar{Name: name, Parts: []float64{figure(row[i+1])}})
			}
			noise.Bars = append(noise.Bars, chart.Bar{Name: "certificate", Parts: []float64{float64(size)}})
		}
		r.atMost(s.Name()+": certificate, of the size", float64(size)/float64(n), .01)
		r.step()
	}
	r.Plots = append(r.Plots, noise)
	r.note("A model whose cross-entropy equals the entropy of what it was shown says nothing about the complexity of one stream: for the AES stream every distribution that passes for right gives one bit a bit, while a program of some hundred bytes writes it. Nobody can certify that there is none shorter.")
	return nil
}

// certify makes, checks and keeps a certificate that a program writes an
// output, and returns the bits of the program and the bytes of the certificate.
func (r *run) certify(name string, m prefix.Machine, p prefix.Program, want []byte) (bits, size int, err error) {
	c, err := prefix.Certify(m, p, prefix.Limits{Steps: 1 << 30, Output: len(want)})
	if err != nil {
		return 0, 0, err
	}
	out, err := c.Verify()
	if err != nil {
		return 0, 0, err
	}
	r.count(name+": output of the certified program differs", bytes.Compare(out, want), 0)
	r.Certificates = append(r.Certificates, c)
	text, err := json.Marshal(c)
	return c.Bits, len(text), err
}
