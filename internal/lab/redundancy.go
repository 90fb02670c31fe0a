package lab

import (
	"fmt"
	"math"

	"kolm/internal/chart"
	"kolm/internal/mdl"
	"kolm/internal/source"
)

var redundancy = Experiment{
	Name:      "redundancy",
	Question:  "what does learning k probabilities from n symbols cost?",
	Criterion: "expected redundancy of KT on a coin to .005 bit at n = 100, 1000, 10000; slopes of paired redundancy against log2 n within 10 % of k/2 for k = 1, 2, 3, 4",
	run:       runRedundancy,
}

func runRedundancy(r *run) error {
	expectedKT(r)
	doublings, samples := r.choose(7, 5), r.choose(200, 60)
	t := r.table(fmt.Sprintf("Code length less -log2 P of the same sample, mean of %d samples. Bits, computed.", samples), "source", "code", "parameters k", "n", "redundancy", "standard error")
	fits := r.table("Least squares of redundancy against log2 n.", "source", "k", "slope", "k/2")
	var lines []chart.Line
	cases := []struct {
		source *source.Chain
		k      int
		code   string
		length func(x []int) float64
	}{
		{source.IID(.11), 1, "KT of order 0", orderLength(0)},
		{source.Markov(), 2, "KT of order 1", orderLength(1)},
		{source.Tree(), 3, "KT on its tree", func(x []int) float64 { return mdl.Length(mdl.NewTreeSource(sourceTree(), nil), x) }},
		{source.Order2(), 4, "KT of order 2", orderLength(2)},
	}
	r.steps(len(cases) * samples)
	for _, c := range cases {
		first := 512 // symbols; fewer are not yet on the line
		sums, squares := make([]float64, doublings), make([]float64, doublings)
		for i := range samples {
			x := c.source.Sample(r.Seed+uint64(i), first<<(doublings-1))
			for d := range doublings {
				part := x[:first<<d]
				v := c.length(part) - c.source.Bits(part)
				sums[d], squares[d] = sums[d]+v, squares[d]+v*v
			}
			r.step()
		}
		line, k := chart.Line{Name: fmt.Sprintf("%s, k = %d", c.source.Name(), c.k)}, float64(samples)
		for d := range doublings {
			mean := sums[d] / k
			t.row(c.source.Name(), c.code, c.k, first<<d, mean, math.Sqrt(max(0, squares[d]/k-mean*mean)/(k-1)))
			line.Add(float64(int(first)<<d), mean)
		}
		slope := slopeLog2(line)
		fits.row(c.source.Name(), c.k, slope, float64(c.k)/2)
		r.near(c.source.Name()+": slope", slope, float64(c.k)/2, .1*float64(c.k)/2)
		lines = append(lines, line)
	}
	r.plot("slopes", "learning k probabilities costs k/2 log2 n bits", "symbols", "bits above the source", true, lines...)
	return nil
}

func orderLength(k int) func(x []int) float64 {
	return func(x []int) float64 { return mdl.Length(mdl.Markov(2, k, nil), x) }
}

// expectedKT sums over the number of ones: no sample is drawn.
func expectedKT(r *run) {
	const p = .3
	h := mdl.BinaryEntropy(p)
	t := r.table("Expected redundancy of KT on a coin of .3. Bits, computed exactly.", "n", "E[KT] - nH", "log2(n / 2 pi e)/2 + log2 pi")
	for _, g := range []struct {
		n    int
		want float64
	}{{100, 2.926}, {1000, 4.587}, {10000, 6.248}} {
		n := float64(g.n)
		mean := 0.0
		for k := range g.n + 1 {
			a, _ := math.Lgamma(n + 1)
			b, _ := math.Lgamma(float64(k) + 1)
			c, _ := math.Lgamma(n - float64(k) + 1)
			prob := math.Exp(a - b - c + float64(k)*math.Log(p) + (n-float64(k))*math.Log(1-p))
			mean += prob * mdl.KTLength(g.n-k, k)
		}
		limit := math.Log2(n/(2*math.Pi*math.E))/2 + math.Log2(math.Pi)
		t.row(g.n, mean-n*h, limit)
		r.near(fmt.Sprintf("n=%d: E[KT] - nH", g.n), mean-n*h, g.want, .005)
	}
}

// slopeLog2 fits y to log2 x by least squares.
func slopeLog2(l chart.Line) float64 {
	n := float64(len(l.X))
	var x, y, xx, xy float64
	for i := range l.X {
		u := math.Log2(l.X[i])
		x, y, xx, xy = x+u, y+l.Y[i], xx+u*u, xy+u*l.Y[i]
	}
	return (n*xy - x*y) / (n*xx - x*x)
}
