package lab

import (
	"fmt"
	"math"
	"math/rand/v2"

	"kolm/internal/chart"
	"kolm/internal/mdl"
)

var parameter = Experiment{
	Name:     "parameter",
	Question: "what does one parameter cost that is told on a grid, learned symbol by symbol, or learned in blocks?",
	Criterion: "a rounded normal weight has the golden entropy, error and distance to R(D); on the best arcsine grid a two-part code of a coin has the golden mean regret for n = 100, 1000, 10000, 100000 and pays .1 to .5 bit more than KT; " +
		"KT symbol by symbol equals its closed form to 1e-9; blocks that double cost less than 6 bits more, a first block of 100 without learning 10 to 25, one block all that there was to learn",
	run: runParameter,
}

// arcsine is the middle of part k of 2^bits equal parts in the angle: there all
// points are equally hard to tell apart.
func arcsine(k, bits int) float64 {
	s := math.Sin(math.Pi * (float64(k) + .5) / (2 * math.Exp2(float64(bits))))
	return s * s
}

// bestPoint is the point of the grid that codes so many ones shortest.
func bestPoint(n, ones, bits int) float64 {
	angle := math.Asin(math.Sqrt(float64(ones) / float64(n)))
	near := int(angle / (math.Pi / 2) * math.Exp2(float64(bits)))
	best, shortest := 0., math.Inf(1)
	for k := max(0, near-2); k <= min(1<<bits-1, near+2); k++ {
		if p := arcsine(k, bits); coinBits(n, ones, p) < shortest {
			best, shortest = p, coinBits(n, ones, p)
		}
	}
	return best
}

func coinBits(n, ones int, p float64) float64 {
	sum := 0.0
	if ones > 0 {
		sum -= float64(ones) * math.Log2(p)
	}
	if ones < n {
		sum -= float64(n-ones) * math.Log2(1-p)
	}
	return sum
}

// gridRegret is the length of the two-part code of a coin on its best grid, above
// the best parameter, and the bits of that grid.
func gridRegret(n, ones int) (regret float64, bits int) {
	regret = math.Inf(1)
	for b := range 20 {
		if v := regretOn(n, ones, b); v < regret {
			regret, bits = v, b
		}
	}
	return regret, bits
}

func regretOn(n, ones, bits int) float64 {
	return float64(bits) + coinBits(n, ones, bestPoint(n, ones, bits)) - float64(n)*mdl.BinaryEntropy(float64(ones)/float64(n))
}

func runParameter(r *run) error {
	r.steps(3)
	gaussianGrids(r)
	r.step()
	t := r.table("A coin told on a grid of 2^b points: regret against the best parameter, mean over all numbers of ones. Bits, computed.", "n", "best b", "regret", "KT: log2(n)/2 + log2(pi/2)/2", "more")
	for _, g := range []struct {
		n, bits         int
		want, tolerance float64
	}{{100, 3, 3.93, .02}, {1000, 5, 5.58, .02}, {10000, 7, 7.35, .02}, {100000, 8, 8.80, .15}} {
		best, at := math.Inf(1), 0
		for b := g.bits - 2; b <= g.bits+2; b++ {
			sum, k := 0.0, 0
			for ones := 0; ones <= g.n; ones += max(1, g.n/2000) {
				sum, k = sum+regretOn(g.n, ones, b), k+1
			}
			if sum/float64(k) < best {
				best, at = sum/float64(k), b
			}
		}
		kt := math.Log2(float64(g.n))/2 + math.Log2(math.Pi/2)/2
		t.row(g.n, at, best, kt, best-kt)
		r.count(fmt.Sprintf("n=%d: bits of the best grid", g.n), at, g.bits)
		r.near(fmt.Sprintf("n=%d: mean regret", g.n), best, g.want, g.tolerance)
		r.atLeast(fmt.Sprintf("n=%d: more than KT", g.n), best-kt, .1)
		r.atMost(fmt.Sprintf("n=%d: more than KT", g.n), best-kt, .5)
	}
	r.step()
	coinBlocks(r)
	r.step()
	return nil
}

// gaussianGrids is what a weight costs that is rounded to multiples of a step and
// coded by its probability: entropy, error, and bits above the least that any code
// of the same error needs, R(D).
func gaussianGrids(r *run) {
	t := r.table("A weight from a normal distribution, rounded to multiples of a step. Computed by summing over cells.", "step, standard deviations", "entropy, bits", "mean square error", "above R(D)")
	for _, g := range []struct{ step, entropy, mse, gap float64 }{
		{2, 1.2412, .3302, .442}, {1.5, 1.5857, .1874, .378}, {1, 2.1048, .0833, .312}, {.75, 2.4952, .0469, .287}, {.5, 3.0620, .0208, .269}, {.25, 4.0508, .0052, .258},
	} {
		entropy, mse := 0.0, 0.0
		density := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
		for k := -math.Ceil(9 / g.step); k <= 9/g.step; k++ {
			m, low, high := k*g.step, (k-.5)*g.step, (k+.5)*g.step
			mass := cellMass(low, high)
			if mass <= 0 {
				continue
			}
			entropy -= mass * math.Log2(mass)
			// The integral of (x-m)^2 times the density, by parts.
			mse += mass*(1+m*m) + low*density(low) - high*density(high) - 2*m*(density(low)-density(high))
		}
		gap := entropy + math.Log2(mse)/2
		t.row(g.step, entropy, mse, gap)
		r.near(fmt.Sprintf("step %v: entropy", g.step), entropy, g.entropy, 5.1e-5)
		r.near(fmt.Sprintf("step %v: mean square error", g.step), mse, g.mse, 3e-4)
		r.near(fmt.Sprintf("step %v: above R(D)", g.step), gap, g.gap, 1e-3)
	}
	r.near("above R(D) in the limit, log2(pi e / 6) / 2", math.Log2(math.Pi*math.E/6)/2, .2546, 5e-5)
}

// coinBlocks is prequential coding with an estimate that is made anew at ends of
// blocks only, on sequences of 1000 with 280 ones in random order. The number of ones
// is chosen so that one block costs what the golden sequence, which is not known,
// cost: that check ties the setting to it and is no independent evidence.
func coinBlocks(r *run) {
	const n, ones = 1000, 280
	kinds := []struct {
		name  string
		first int
		line  bool
	}{{"blocks 1, 1, 2, 4, 8...", 1, true}, {"first block of 100, then doubling", 100, true}, {"one block", n, false}}
	samples := r.choose(400, 100)
	rng := rand.New(rand.NewPCG(r.Seed, 16))
	x := make([]int, n)
	for i := range ones {
		x[i] = 1
	}
	sums, worst := make([]float64, len(kinds)), 0.0
	for range samples {
		rng.Shuffle(n, func(i, j int) { x[i], x[j] = x[j], x[i] })
		kt := mdl.KTLength(n-ones, ones)
		worst = max(worst, math.Abs(mdl.Length(mdl.Markov(2, 0, nil), x)-kt))
		for k, c := range kinds {
			sums[k] += (blockBits(x, c.first) - kt) / float64(samples)
		}
	}
	t := r.table(fmt.Sprintf("A coin learned in blocks: bits above KT symbol by symbol, for 1000 symbols of which %d are ones; mean over %d orders.", ones, samples), "blocks", "bits above")
	line := chart.Line{Name: "bits above"}
	for k, c := range kinds {
		t.row(c.name, sums[k])
		line.Add(float64(c.first), sums[k])
	}
	r.plot("blocks", "what waiting to learn costs", "symbols coded without learning", "bits above KT", true, line)
	r.atMost("KT symbol by symbol, against its closed form", worst, 1e-9)
	r.atLeast(kinds[0].name, sums[0], 0)
	r.atMost(kinds[0].name, sums[0], 6)
	r.atLeast(kinds[1].name, sums[1], 10)
	r.atMost(kinds[1].name, sums[1], 25)
	r.near(kinds[2].name, sums[2], float64(n)-mdl.KTLength(n-ones, ones), 1e-9)
	r.near(kinds[2].name+", golden", sums[2], 139.2, .1)
}

// blockBits codes the first block without a model, each later one, as long as all
// before it, with the KT estimate of all before it.
func blockBits(x []int, first int) float64 {
	bits, ones := float64(min(first, len(x))), 0
	for _, s := range x[:min(first, len(x))] {
		ones += s
	}
	for from := first; from < len(x); from *= 2 {
		p := (float64(ones) + .5) / (float64(from) + 1)
		block := x[from:min(2*from, len(x))]
		more := 0
		for _, s := range block {
			more += s
		}
		bits += coinBits(len(block), more, p)
		ones += more
	}
	return bits
}
