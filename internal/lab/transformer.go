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
	Criterion: "floor + luck of the sample + gap of the transformer + mixing and coding equals bits a symbol of kolm's file to 1e-9, all files decode; " +
		"the transformer's gap falls from least data to most, from fewest steps to most, and on the even process from the smallest size to the largest; on the order 2 source it ends under .03 bit a symbol",
	run: runTransformer,
}

// form is the size of a transformer.
type form struct{ dim, layers int }

func (f form) String() string { return fmt.Sprintf("%dx%d", f.layers, f.dim) }

// fitting is a transformer held against its source on a sample that it has not seen.
type fitting struct {
	gap   float64 // of the transformer alone, bits a symbol above -log2 P of the sample
	parts float64 // sum of all parts
	file  float64 // bits a symbol of the file by kolm with the transformer
}

// apprentice is one source, with the sample that all transformers are measured on.
type apprentice struct {
	*run
	source source.Source
	test   []int
	table  *Table
	known  map[string]fitting // sweeps meet
}

func (a *apprentice) fit(n int, f form, tokens int64) (fitting, error) {
	what := fmt.Sprintf("%s, %d symbols, %s, %d tokens: ", a.source.Name(), n, f, tokens)
	if fit, ok := a.known[what]; ok {
		return fit, nil
	}
	x := a.source.Sample(a.Seed, n)
	t, err := recipe{text: letters(a.source, x), vocab: 288, dim: f.dim, layers: f.layers, tokens: tokens, seed: a.Seed}.train()
	if err != nil {
		return fitting{}, err
	}
	text := letters(a.source, a.test)
	alone, err := t.alone(text)
	if err != nil {
		return fitting{}, err
	}
	size, err := t.packed(text)
	if err != nil {
		return fitting{}, err
	}
	k := float64(len(a.test))
	floor, truth := a.source.Rate(), a.source.Bits(a.test)/k
	luck, gap, mixing := truth-floor, alone/k-truth, (8*float64(size)-alone)/k
	fit := fitting{gap, floor + luck + gap + mixing, 8 * float64(size) / k}
	a.table.row(a.source.Name(), n, f.String(), t.Parameters(), tokens, floor, luck, gap, mixing, fit.file)
	a.near(what+"parts sum to the file", fit.parts, fit.file, 1e-9)
	a.atLeast(what+"gap of the transformer", fit.gap, -20/k)
	a.known[what] = fit
	return fit, nil
}

func runTransformer(r *run) error {
	sources := []source.Source{source.Order2(), source.Even(), source.Grammar{}}
	sizes, forms, steps := []int{500, 4000, 16000, 64000}, []form{{32, 1}, {64, 1}, {64, 2}}, []int64{15_000, 50_000, 150_000, 450_000}
	if r.Quick {
		sources, sizes, forms, steps = sources[:2], []int{500, 16000}, []form{{32, 1}, {64, 2}}, []int64{15_000, 200_000}
	}
	many, most := steps[len(steps)-1], sizes[len(sizes)-1]
	r.steps(len(sources) * (len(sizes) + len(forms) + len(steps)))
	t := r.table("Bits a symbol of a sample that was not trained on. The file is kolm -5 with the trained model, decoded; what the transformer needs by itself is computed.",
		"source", "trained on", "model", "weights", "training tokens", "floor", "luck of the sample", "transformer's gap", "mixing and coding", "file")
	others := r.table("The same samples by codes that were not trained on the source. Bits a symbol above -log2 P; files, decoded.", "source", "kolm -1", "kolm -5, built-in model")
	var byData, bySteps []chart.Line
	for _, s := range sources {
		a := &apprentice{r, s, s.Sample(r.Seed+1, r.choose(20000, 6000)), t, map[string]fitting{}}
		text := letters(s, a.test)
		r.input("test sample of "+s.Name(), text)
		if err := a.untrained(others, text); err != nil {
			return err
		}
		data, err := a.sweep(s.Name(), len(sizes), func(i int) (float64, fitting, error) {
			f, err := a.fit(sizes[i], forms[0], many)
			return float64(sizes[i]), f, err
		})
		if err != nil {
			return err
		}
		trained, err := a.sweep(s.Name(), len(steps), func(i int) (float64, fitting, error) {
			f, err := a.fit(most, forms[0], steps[i])
			return float64(steps[i]), f, err
		})
		if err != nil {
			return err
		}
		size, err := a.sweep(s.Name(), len(forms), func(i int) (float64, fitting, error) {
			f, err := a.fit(most, forms[i], many)
			return float64(i), f, err
		})
		if err != nil {
			return err
		}
		first, last := ends(data)
		r.atMost(s.Name()+": gap with most data, against least", last, first)
		if s.Name() == source.Order2().Name() {
			r.atMost(s.Name()+": gap with most data", last, .03)
		}
		first, last = ends(trained)
		r.atMost(s.Name()+": gap with most steps, against fewest", last, first)
		if first, last = ends(size); s.Name() == source.Even().Name() {
			r.atMost(s.Name()+": gap of the largest model, against the smallest", last, first)
		}
		byData, bySteps = append(byData, data), append(bySteps, trained)
	}
	r.plot("data", "a transformer comes to the source that it is trained on", "symbols trained on", "bits a symbol above the source", true, byData...)
	r.plot("steps", "training brings it there", "training tokens", "bits a symbol above the source", true, bySteps...)
	r.note("Models compute in int8 here as they do in packing. What mixing adds is what kolm needs to find out, on a short file, that the model may be trusted more than its contexts.")
	return nil
}

// sweep draws a line through the gaps of some transformers.
func (a *apprentice) sweep(name string, n int, fit func(i int) (x float64, f fitting, err error)) (chart.Line, error) {
	line := chart.Line{Name: name}
	for i := range n {
		a.step()
		x, f, err := fit(i)
		if err != nil {
			return line, err
		}
		line.Add(x, math.Max(f.gap, 0))
	}
	return line, nil
}

func ends(l chart.Line) (first, last float64) { return l.Y[0], l.Y[len(l.Y)-1] }

// untrained are kolm's codes without the trained transformer.
func (a *apprentice) untrained(t *Table, text []byte) error {
	row := []any{a.source.Name()}
	for _, level := range []int{1, 5} {
		size, err := pack(text, kolm.WithLevel(level))
		if err != nil {
			return err
		}
		row = append(row, (8*float64(size)-a.source.Bits(a.test))/float64(len(a.test)))
	}
	t.row(row...)
	return nil
}
