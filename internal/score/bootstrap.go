package score

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// Interval is a 95 % interval of a figure. It is empty, both ends 0 and Blocks 0,
// where there are too few blocks to tell.
type Interval struct {
	Low, High float64
	Blocks    int // that were resampled
	Size      int // bytes of each, about
}

const (
	resamples  = 2000
	fewBlocks  = 8   // fewer tell nothing
	manyBlocks = 200 // more cost time and tell no more
	leastBlock = 256 // bytes, so that words and sentences stay together
)

// Unit is a good size of the smallest blocks for texts of so many bytes together.
func Unit(bytes int64) int {
	unit := leastBlock / 4
	for int64(unit)*1<<14 < bytes {
		unit *= 2
	}
	return unit
}

// Bootstrap draws texts of the same number of blocks, with replacement, and returns
// the interval of each figure of their sums. files are the blocks, of unit bytes, of
// each file; a block to draw does not reach from one file into another. The same
// seed gives the same intervals.
func Bootstrap(files [][]Block, unit int, seed uint64, figures ...func(*Block) float64) []Interval {
	out := make([]Interval, len(figures))
	blocks, size := join(files, unit)
	if len(blocks) < fewBlocks {
		return out
	}
	samples := make([][]float64, len(figures))
	r := rand.New(rand.NewPCG(seed, 0))
	for range resamples {
		var sum Block
		for range blocks {
			sum.add(&blocks[r.IntN(len(blocks))])
		}
		for i, f := range figures {
			samples[i] = append(samples[i], f(&sum))
		}
	}
	for i, s := range samples {
		out[i] = middle(s)
		out[i].Blocks, out[i].Size = len(blocks), size
	}
	return out
}

// Means returns the interval of the mean of a figure over files.
func Means(figure []float64, seed uint64) Interval {
	if len(figure) < fewBlocks {
		return Interval{}
	}
	r := rand.New(rand.NewPCG(seed, 0))
	var means []float64
	for range resamples {
		sum := 0.0
		for range figure {
			sum += figure[r.IntN(len(figure))]
		}
		means = append(means, sum/float64(len(figure)))
	}
	i := middle(means)
	i.Blocks = len(figure)
	return i
}

// middle returns what 95 % of the samples lie in.
func middle(samples []float64) Interval {
	slices.SortFunc(samples, cmp.Compare[float64])
	n := len(samples)
	return Interval{Low: samples[n/40], High: samples[n-1-n/40]}
}

// join makes blocks to draw of the smallest ones: neighbours of one file together,
// so that there are about manyBlocks, each of leastBlock bytes or more. Blocks without
// scored bytes are left out.
func join(files [][]Block, unit int) (blocks []Block, size int) {
	var bytes int64
	for _, f := range files {
		sum := Total(f)
		bytes += sum.Bytes
	}
	group := max(leastBlock/unit, int(bytes/int64(unit)/manyBlocks), 1)
	for _, f := range files {
		for part := range slices.Chunk(f, group) {
			if sum := Total(part); sum.Bytes > 0 {
				blocks = append(blocks, sum)
			}
		}
	}
	return blocks, group * unit
}

// Quantile returns the part q of the way through sorted numbers.
func Quantile(sorted []float32, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))])
}
