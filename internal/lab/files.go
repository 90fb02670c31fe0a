package lab

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kolm"
	"kolm/internal/chart"
	"kolm/internal/codes"
	"kolm/internal/ledger"
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
	sizes := []int{1000, 4000, 16000}
	if r.Quick {
		sources = []source.Source{source.Order2(), source.Even(), source.Dyck{Open: .3}}
		sizes = []int{500, 2000}
	}
	t := r.table("Length less -log2 P of the same sample. Files hold a symbol a byte (Zipf: two) and were decoded; lengths of the codes below them are computed.",
		"source", "symbols", "code", "bytes", "bits above", "bits a symbol above", "length")
	r.steps(len(sources) * len(sizes))
	for _, s := range sources {
		p := pairing{run: r, table: t, source: s}
		for _, n := range sizes {
			if err := p.measure(s.Sample(r.Seed, n)); err != nil {
				return err
			}
			r.step()
		}
		p.closes()
	}
	return shelf(r)
}

// shelf holds the codes of kolm weigh against the order 2 source: those that train
// a model on the sample only where there is time.
func shelf(r *run) error {
	s := source.Order2()
	x := s.Sample(r.Seed, r.choose(24000, 2000))
	in := &codes.Input{Data: letters(s, x), Threads: 2, Seed: r.Seed, Tokens: 100_000}
	names := "raw,kt,ctw,mixture,contexts,bits-back"
	if !r.Quick {
		names += ",two-part,prequential,variational"
	}
	chosen, err := codes.Choose(names)
	if err != nil {
		return err
	}
	r.input(fmt.Sprintf("%d symbols of %s, as letters", len(x), s.Name()), in.Data)
	t := r.table(fmt.Sprintf("The codes of kolm weigh on %d symbols of the order 2 source, models included.", len(x)), "code", "model, bits", "data, bits", "bits above", "bits a symbol above", "length")
	truth := s.Bits(x)
	for _, c := range chosen {
		list, err := c.Run(context.Background(), in)
		if err != nil {
			return err
		}
		for _, l := range list {
			how := "computed"
			if l.Decoded {
				how = "decoded"
			}
			above := l.Total().Float() - truth
			t.row(l.Code, l.Sum(ledger.Model).Float(), l.Sum(ledger.Data).Float(), above, above/float64(len(x)), how)
			r.atLeast(l.Code+": bits above the source", above, -20)
		}
	}
	if r.Quick {
		return nil
	}
	for _, level := range []int{5, 9} {
		name := fmt.Sprintf("kolm -%d, its model not counted", level)
		size, err := pack(in.Data, kolm.WithLevel(level))
		if err != nil {
			return err
		}
		above := 8*float64(size) - truth
		t.row(name, 0, 8*size, above, above/float64(len(x)), "decoded")
		r.atLeast(name+": bits above the source", above, -20)
	}
	return nil
}

// pairing holds codes against one source on the same samples.
type pairing struct {
	*run
	table  *Table
	source source.Source
	lines  []chart.Line // a code each: its distance as the sample grows
}

// measure codes a sample with everything.
func (p *pairing) measure(x []int) error {
	text := p.source.Text(x)
	p.input(fmt.Sprintf("%d symbols of %s", len(x), p.source.Name()), text)
	for _, c := range fileCodes() {
		size, err := c.size(text)
		if err != nil {
			return err
		}
		p.add(x, c.name, size, 8*float64(size), "decoded")
	}
	for k := range 3 {
		if p.source.Alphabet() <= 3 || k == 0 {
			p.add(x, fmt.Sprintf("KT of order %d", k), "-", mdl.Length(mdl.Markov(p.source.Alphabet(), k, nil), x), "computed")
		}
	}
	if p.source.Alphabet() == 2 {
		p.add(x, "context trees to depth 10", "-", mdl.CodeLength(mdl.NewCTW(10, nil), x), "computed")
	}
	return nil
}

// add records what a code makes of a sample.
func (p *pairing) add(x []int, code string, bytes any, bits float64, how string) {
	above := bits - p.source.Bits(x)
	each := above / float64(len(x))
	p.table.row(p.source.Name(), len(x), code, bytes, above, each, how)
	p.atLeast(fmt.Sprintf("%s, %d symbols: %s, bits above the source", p.source.Name(), len(x), code), above, -20)
	i := slices.IndexFunc(p.lines, func(l chart.Line) bool { return l.Name == code })
	if i < 0 {
		i, p.lines = len(p.lines), append(p.lines, chart.Line{Name: code})
	}
	p.lines[i].Add(float64(len(x)), each)
}

// closes checks that more data brings a code nearer. KT of a fixed order has no
// reason to fall further than to its approximation error.
func (p *pairing) closes() {
	for _, l := range p.lines {
		if !strings.HasPrefix(l.Name, "KT") {
			p.atMost(fmt.Sprintf("%s: %s, bits a symbol above at the end, against the beginning", p.source.Name(), l.Name), l.Y[len(l.Y)-1], l.Y[0])
		}
	}
	p.plot(fileName(p.source.Name()), "distance to the source "+p.source.Name(), "symbols", "bits a symbol above -log2 P", true, p.lines...)
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
