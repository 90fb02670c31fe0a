package lab

import (
	"fmt"
	"strings"

	"kolm/internal/mdl"
	"kolm/internal/source"
)

var files = Experiment{
	Name:      "files",
	Question:  "how near do real compressors come to the entropy of a source, and what does more data bring?",
	Criterion: "no code is more than 20 bits shorter than -log2 P of its sample; for every file, and for context trees, bits a symbol above -log2 P fall from the smallest sample to the largest; all files decode",
	run:       runFiles,
}

func runFiles(r *run) error {
	sources := []source.Source{source.Markov(), source.Order2(), source.Tree(), source.HMM(), source.Even(), source.Zipf(1000), source.Dyck{Open: .3}, source.Grammar{}}
	sizes := []int{2000, 8000, 32000}
	if r.Quick {
		sources = []source.Source{source.Order2(), source.Even(), source.Dyck{Open: .3}}
		sizes = []int{1000, 4000}
	}
	t := r.table("Length less -log2 P of the same sample. Files hold a symbol a byte (Zipf: two) and were decoded; lengths of the codes below them are computed.",
		"source", "symbols", "code", "bytes", "bits above", "bits a symbol above", "length")
	r.steps(len(sources) * len(sizes))
	for _, s := range sources {
		closing := map[string]*Line{}
		var order []string
		for _, n := range sizes {
			x := s.Sample(r.Seed, n)
			truth := s.Bits(x)
			text := s.Text(x)
			r.input(fmt.Sprintf("%d symbols of %s", len(x), s.Name()), text)
			add := func(code string, bytes any, bits float64, how string) {
				above := bits - truth
				t.row(s.Name(), len(x), code, bytes, above, above/float64(len(x)), how)
				r.atLeast(fmt.Sprintf("%s, %d symbols: %s, bits above the source", s.Name(), len(x), code), above, -20)
				if closing[code] == nil {
					closing[code] = &Line{Name: code}
					order = append(order, code)
				}
				closing[code].add(float64(len(x)), above/float64(len(x)))
			}
			for _, c := range fileCodes() {
				size, err := c.size(text)
				if err != nil {
					return err
				}
				add(c.name, size, 8*float64(size), "decoded")
			}
			for _, k := range []int{0, 1, 2} {
				if s.Alphabet() <= 3 || k == 0 {
					add(fmt.Sprintf("KT of order %d", k), "-", mdl.Length(mdl.Markov(s.Alphabet(), k, nil), x), "computed")
				}
			}
			if s.Alphabet() == 2 {
				add("context trees to depth 10", "-", mdl.CodeLength(mdl.NewCTW(10, nil), x), "computed")
			}
			r.step()
		}
		var lines []Line
		for _, code := range order {
			l := closing[code]
			lines = append(lines, *l)
			// KT of a fixed order has no reason to fall further than to its approximation error.
			if !strings.HasPrefix(code, "KT") {
				r.atMost(fmt.Sprintf("%s: %s, bits a symbol above at the end, against the beginning", s.Name(), code), l.Y[len(l.Y)-1], l.Y[0])
			}
		}
		r.plot(fileName(s.Name()), "distance to the source "+s.Name(), "symbols", "bits a symbol above -log2 P", true, lines...)
	}
	return nil
}

// fileName makes part of a file name of a title.
func fileName(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c == ' ' || c == '.' {
			b[i] = '_'
		}
	}
	return string(b)
}
