package lab

import (
	"fmt"
	"math"

	"kolm"
	"kolm/internal/chart"
	"kolm/internal/source"
)

var transformer = Experiment{
	Name:     "transformer",
	Question: "how near does a transformer come to the source that it was trained on, with data, with size, with steps?",
	Criterion: "floor + luck of the sample + approximation + estimation + optimisation + contexts and coding equals bits a symbol of kolm's file to 1e-9, all files decode; " +
		"estimation falls from least data to most, optimisation from fewest steps to most, and on the even process approximation from the smallest size to the largest; on the order 2 source the gap ends under .03 bit a symbol",
	run: runTransformer,
}

// form is the size of a transformer.
type form struct{ dim, layers int }

func (f form) String() string { return fmt.Sprintf("%dx%d", f.layers, f.dim) }

// training is what a transformer has seen: as many symbols of the source, over
// and over until it has read so many tokens.
type training struct {
	symbols int
	form    form
	tokens  int64
}

// fitting is a transformer held against its source on a sample that it has not seen.
type fitting struct {
	model *trained
	gap   float64 // of the transformer alone, bits a symbol above -log2 P of the sample
}

// portions are what a file has above the entropy rate, in bits a symbol. The first
// three are the transformer's gap. The best of a class of transformers, and the
// best on a sample, can not be computed as they can for tables (obstacles): they are
// estimated by the best of that size that any training found, and by the
// transformer that was trained longest on that sample.
type portions struct{ luck, approximation, estimation, optimisation, contexts, file float64 }

// apprentice is one source, with the sample that all transformers are measured on.
type apprentice struct {
	*run
	source  source.Source
	test    []int
	text    []byte // test as letters
	longest int64
	known   map[training]*fitting // sweeps meet
	split   map[training]portions
}

func (a *apprentice) fit(t training) (*fitting, error) {
	if f, ok := a.known[t]; ok {
		return f, nil
	}
	sample := letters(a.source, a.source.Sample(a.Seed, t.symbols))
	m, err := recipe{text: sample, vocab: 288, dim: t.form.dim, layers: t.form.layers, tokens: t.tokens, seed: a.Seed}.train()
	if err != nil {
		return nil, err
	}
	alone, err := m.alone(a.text)
	if err != nil {
		return nil, err
	}
	f := &fitting{m, (alone - a.source.Bits(a.test)) / float64(len(a.test))}
	a.known[t] = f
	a.atLeast(a.name(t)+"gap of the transformer", f.gap, -20/float64(len(a.test)))
	return f, nil
}

func (a *apprentice) name(t training) string {
	return fmt.Sprintf("%s, %d symbols, %s, %d tokens: ", a.source.Name(), t.symbols, t.form, t.tokens)
}

// best is the smallest gap that a transformer of a size was found to have. That of
// the best there is is not larger.
func (a *apprentice) best(f form) float64 {
	least := math.Inf(1)
	for t, fit := range a.known {
		if t.form == f {
			least = min(least, fit.gap)
		}
	}
	return least
}

// part splits the file of a transformer after all were trained.
func (a *apprentice) part(t training, table *Table) error {
	if _, ok := a.split[t]; ok {
		return nil
	}
	f, k := a.known[t], float64(len(a.test))
	size, err := f.model.packed(a.text)
	if err != nil {
		return err
	}
	floor, truth, best := a.source.Rate(), a.source.Bits(a.test)/k, a.best(t.form)
	fitted := a.known[training{t.symbols, t.form, a.longest}].gap
	p := portions{luck: truth - floor, approximation: best, estimation: fitted - best, optimisation: f.gap - fitted, file: 8 * float64(size) / k}
	p.contexts = p.file - truth - f.gap
	a.near(a.name(t)+"parts sum to the file", floor+p.luck+p.approximation+p.estimation+p.optimisation+p.contexts, p.file, 1e-9)
	table.row(a.source.Name(), t.symbols, t.form.String(), f.model.Parameters(), t.tokens, floor, p.luck, p.approximation, p.estimation, p.optimisation, p.contexts, p.file)
	a.split[t] = p
	return nil
}

// sweeps are the transformers to train on one source: all but one of data, steps
// and size held fixed in turn.
type sweeps struct{ data, steps, size []training }

func (r *run) sweeps() (sweeps, int64) {
	symbols, forms, tokens := []int{500, 4000, 16000, 64000}, []form{{32, 1}, {64, 1}, {64, 2}}, []int64{15_000, 50_000, 150_000, 450_000}
	if r.Quick {
		symbols, forms, tokens = []int{500, 16000}, []form{{32, 1}, {64, 2}}, []int64{15_000, 60_000, 200_000}
	}
	most, longest := symbols[len(symbols)-1], tokens[len(tokens)-1]
	usual := tokens[len(tokens)-2]
	var s sweeps
	for _, n := range symbols {
		s.data = append(s.data, training{n, forms[0], usual})
	}
	for _, n := range tokens {
		s.steps = append(s.steps, training{most, forms[0], n})
	}
	for _, f := range forms {
		s.size = append(s.size, training{most, f, usual})
	}
	return s, longest
}

func runTransformer(r *run) error {
	sources := []source.Source{source.Order2(), source.Even(), source.Grammar{}}
	if r.Quick {
		sources = sources[:2]
	}
	s, longest := r.sweeps()
	r.steps(len(sources) * (2*len(s.data) + len(s.steps) + 2*len(s.size)))
	t := r.table("Bits a symbol of a sample that was not trained on. The file is kolm -6 with the trained model, decoded; the rest is computed. Approximation, estimation and optimisation are the transformer's gap; "+
		"the best of a size and the best on a sample are estimates: the least gap that any training of that size reached, four times the data included, and the transformer that was trained longest.",
		"source", "trained on", "model", "weights", "training tokens", "floor", "luck of the sample", "approximation", "estimation", "optimisation", "contexts and coding", "file")
	others := r.table("The same samples by codes that were not trained on the source. Bits a symbol above -log2 P; files, decoded.", "source", "kolm -1", "kolm -5, built-in model")
	var byData, bySteps, bySize []chart.Line
	for _, src := range sources {
		a := &apprentice{run: r, source: src, test: src.Sample(r.Seed+1, r.choose(20000, 6000)), longest: longest, known: map[training]*fitting{}, split: map[training]portions{}}
		a.text = letters(src, a.test)
		r.input("test sample of "+src.Name(), a.text)
		if err := a.untrained(others); err != nil {
			return err
		}
		if err := a.study(s, t); err != nil {
			return err
		}
		a.judge(s)
		a.draw(s)
		byData = append(byData, a.line(s.data, func(t training) float64 { return float64(t.symbols) }))
		bySteps = append(bySteps, a.line(s.steps, func(t training) float64 { return float64(t.tokens) }))
		bySize = append(bySize, a.line(s.size, func(t training) float64 { return float64(a.known[t].model.Parameters()) }))
	}
	r.plot("data", "a transformer comes to the source that it is trained on", "symbols trained on", "bits a symbol above the source", true, byData...)
	r.plot("steps", "training brings it there", "training tokens", "bits a symbol above the source", true, bySteps...)
	r.plot("size", "and so does size, where the source asks for it", "weights", "bits a symbol above the source", true, bySize...)
	r.note("Models compute in int8 here as they do in packing. Contexts and coding is what the file has above the transformer alone: kolm has to find out, on a short file, that the model may be trusted more than its contexts; or below it, where the contexts, which learn from the file, know better. The files are of level 6, because level 5 goes without a model that saves less than a sixteenth of a file that contexts make small, as they do here: it would cost more time than it is worth.")
	return nil
}

// study trains all transformers of the sweeps, and those that they are held against.
func (a *apprentice) study(s sweeps, table *Table) error {
	shown := append(append(append([]training{}, s.data...), s.steps...), s.size...)
	for _, t := range shown {
		for _, tokens := range []int64{t.tokens, a.longest} {
			if _, err := a.fit(training{t.symbols, t.form, tokens}); err != nil {
				return err
			}
		}
		a.step()
	}
	for _, t := range s.size {
		if _, err := a.fit(training{4 * t.symbols, t.form, a.longest}); err != nil {
			return err
		}
		a.step()
	}
	for _, t := range shown {
		if err := a.part(t, table); err != nil {
			return err
		}
	}
	for range s.data {
		a.step()
	}
	return nil
}

func (a *apprentice) judge(s sweeps) {
	name := a.source.Name()
	ends := func(list []training, of func(portions) float64) (first, last float64) {
		return of(a.split[list[0]]), of(a.split[list[len(list)-1]])
	}
	first, last := ends(s.data, func(p portions) float64 { return p.estimation })
	a.atMost(name+": estimation with most data, against least", last, first)
	first, last = ends(s.steps, func(p portions) float64 { return p.optimisation })
	a.atMost(name+": optimisation with most steps, against fewest", last, first)
	switch name {
	case source.Order2().Name():
		most := s.data[len(s.data)-1]
		a.atMost(name+": gap with most data, trained longest", a.known[training{most.symbols, most.form, a.longest}].gap, .03)
	case source.Even().Name():
		first, last = ends(s.size, func(p portions) float64 { return p.approximation })
		a.atMost(name+": approximation by the largest model, against the smallest", last, first)
	}
}

// draw shows the parts of the gaps as bars. A part below zero has no bar.
func (a *apprentice) draw(s sweeps) {
	c := chart.Chart{Name: fileName(a.source.Name()), Title: "what keeps a transformer from its source: " + a.source.Name(), X: "bits a symbol above the source (what is below zero has no bar)",
		Parts: []string{"approximation", "estimation", "optimisation"}}
	add := func(list []training, name func(training) string) {
		for _, t := range list {
			p := a.split[t]
			c.Bars = append(c.Bars, chart.Bar{Name: name(t), Parts: []float64{max(0, p.approximation), max(0, p.estimation), max(0, p.optimisation)}})
		}
	}
	add(s.data, func(t training) string { return fmt.Sprintf("%d symbols", t.symbols) })
	add(s.steps, func(t training) string { return fmt.Sprintf("%d tokens", t.tokens) })
	add(s.size, func(t training) string { return t.form.String() })
	a.Plots = append(a.Plots, c)
}

// line draws the gaps of some transformers.
func (a *apprentice) line(list []training, x func(training) float64) chart.Line {
	line := chart.Line{Name: a.source.Name()}
	for _, t := range list {
		line.Add(x(t), max(a.known[t].gap, 0))
	}
	return line
}

// untrained are kolm's codes without the trained transformer.
func (a *apprentice) untrained(t *Table) error {
	row := []any{a.source.Name()}
	for _, level := range []int{1, 5} {
		size, err := pack(a.text, kolm.WithLevel(level))
		if err != nil {
			return err
		}
		row = append(row, (8*float64(size)-a.source.Bits(a.test))/float64(len(a.test)))
	}
	t.row(row...)
	return nil
}
