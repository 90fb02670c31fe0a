package lab

import (
	"fmt"
	"math"
	"slices"

	"kolm/internal/chart"
	"kolm/internal/coder"
	"kolm/internal/mdl"
	"kolm/internal/source"
)

var length = Experiment{
	Name:      "length",
	Question:  "is -log2 p(x) the shortest length of x?",
	Criterion: "a code is shorter than the source by c bits with a frequency of at most 2^-c; an arithmetic-coded file is within 10 bits of the computed length and decodes",
	run:       runLength,
}

func runLength(r *run) error {
	r.steps(2)
	hypercompression(r)
	r.step()
	return arithmetic(r)
}

// hypercompression looks for sequences that a code makes shorter than their
// source would: there are some, but few. Codes certain of a wrong bias win most often.
func hypercompression(r *run) {
	const n = 30
	samples := r.choose(200000, 40000)
	s := source.IID(.3)
	codes := []mdl.Code{coin(.2), coin(.4), coin(.5)}
	names := []string{"coin of .2", "coin of .4", "coin of .5", "KT of order 0", "KT of order 1", "context trees to depth 3"}
	const most = 8
	won := make([][most + 1]int, len(names))
	for i := range samples {
		x := s.Sample(r.Seed+uint64(i), n)
		truth := s.Bits(x)
		lengths := []float64{mdl.Length(mdl.Markov(2, 0, nil), x), mdl.Length(mdl.Markov(2, 1, nil), x), mdl.CodeLength(mdl.NewCTW(3, nil), x)}
		for k := len(codes) - 1; k >= 0; k-- {
			lengths = append([]float64{mdl.CodeLength(codes[k], x)}, lengths...)
		}
		for k, l := range lengths {
			for c := 0; c <= most && l <= truth-float64(c); c++ {
				won[k][c]++
			}
		}
	}
	t := r.table(fmt.Sprintf("%d samples of %d tosses of a coin of .3: how often a code is shorter than -log2 P by c bits.", samples, n),
		"c", "limit 2^-c", names[0], names[1], names[2], names[3], names[4], names[5])
	for c := range most + 1 {
		row, limit := []any{c, math.Exp2(-float64(c))}, math.Exp2(-float64(c))
		for k := range names {
			f := float64(won[k][c]) / float64(samples)
			row = append(row, f)
			if c > 0 {
				noise := 4 * math.Sqrt(limit/float64(samples))
				r.atMost(fmt.Sprintf("%s shorter by %d bits", names[k], c), f, limit+noise)
			}
		}
		t.row(row...)
	}
	var lines []chart.Line
	for k, name := range append([]string{"limit 2^-c"}, names...) {
		l, often := chart.Line{Name: name}, t.column(0, k+1)
		for i, f := range often.Y {
			if f > 0 {
				l.Add(often.X[i], -math.Log2(f))
			}
		}
		lines = append(lines, l)
	}
	r.plot("luck", "how rarely a code is shorter than the source's own", "shorter by at least so many bits", "-log2 of how often", false, lines...)
}

// arithmetic codes samples with the coder of kolm and KT probabilities.
func arithmetic(r *run) error {
	t := r.table("Files by the arithmetic coder with KT probabilities, decoded.", "source", "order", "symbols", "computed bits", "file bits", "difference")
	for _, c := range []struct {
		source source.Source
		order  int
	}{{source.IID(.11), 0}, {source.Markov(), 1}, {source.Order2(), 2}, {source.GoldenMean(), 1}, {source.Periodic(), 6}} {
		for _, n := range []int{0, 1, 100, r.choose(100000, 20000)} {
			x := c.source.Sample(r.Seed, n)
			file := encode(x, mdl.Markov(2, c.order, nil))
			back := decode(file, n, mdl.Markov(2, c.order, nil))
			bits := mdl.Length(mdl.Markov(2, c.order, nil), x)
			t.row(c.source.Name(), c.order, n, bits, 8*len(file), 8*float64(len(file))-bits)
			what := fmt.Sprintf("%s, %d symbols: ", c.source.Name(), n)
			r.count(what+"differs from what came back", slices.Compare(back, x), 0)
			r.atMost(what+"file less computed bits", math.Abs(8*float64(len(file))-bits), 10)
		}
	}
	r.step()
	return nil
}

// odds is the probability of a one as the coder wants it.
func odds(p mdl.Predictor) uint32 {
	num, den := p.Next(1)
	return uint32(num << 32 / den)
}

// encode makes a file of a binary sequence.
func encode(x []int, p mdl.Predictor) []byte {
	e := coder.NewEncoder(nil)
	for _, s := range x {
		e.Encode(s, odds(p))
		p.Update(s)
	}
	return e.Flush()
}

// decode is the inverse of encode; p begins as it did there.
func decode(file []byte, n int, p mdl.Predictor) []int {
	d := coder.NewDecoder(file)
	x := make([]int, n)
	for i := range x {
		x[i] = d.Decode(odds(p))
		p.Update(x[i])
	}
	return x
}
