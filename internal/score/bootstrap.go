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
}

const (
	resamples  = 2000
	fewBlocks  = 8   // fewer tell nothing
	manyBlocks = 200 // more cost time and tell no more
	leastBlock = 256 // bytes, so that words and sentences stay together
)

// unitOf is the size of the smallest blocks of a text: few enough to keep.
func unitOf(bytes int) int {
	unit := leastBlock / 4
	for unit<<14 < bytes {
		unit *= 2
	}
	return unit
}

// Bootstrap draws as many blocks as the texts have, with replacement, and returns the
// interval of each figure of their sums. A block reaches from one text into another
// only if both are shorter than a block. The same seed gives the same intervals.
func Bootstrap(texts []*Result, seed uint64, figures ...func(*Block) float64) []Interval {
	out := make([]Interval, len(figures))
	blocks := join(texts)
	if len(blocks) < fewBlocks {
		return out
	}
	samples := make([][]float64, len(figures))
	r := rand.New(rand.NewPCG(seed, 0))
	for range resamples {
		var sum Block
		for range blocks {
			sum.Add(&blocks[r.IntN(len(blocks))])
		}
		for i, f := range figures {
			samples[i] = append(samples[i], f(&sum))
		}
	}
	for i, s := range samples {
		out[i] = middle(s)
		out[i].Blocks = len(blocks)
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

// join makes blocks to draw of the smallest ones: neighbours of one text together,
// so that there are about manyBlocks, each of leastBlock bytes of text or more. A
// shorter remainder belongs to the block before it; texts that are shorter go
// together. Blocks without scored bytes are left out.
func join(texts []*Result) (blocks []Block) {
	var bytes int64
	for _, t := range texts {
		bytes += t.Sum.Bytes
	}
	size := max(leastBlock, int(bytes/manyBlocks))
	var short Block // texts that are not yet long enough together
	var length int64
	for _, t := range texts {
		if t.Bytes < leastBlock {
			short.Add(&t.Sum)
			if length += t.Bytes; length >= leastBlock {
				blocks, short, length = append(blocks, short), Block{}, 0
			}
			continue
		}
		for from := 0; from < len(t.Blocks); {
			to := from + max(1, size/t.Unit)
			if t.Bytes-int64(to*t.Unit) < leastBlock {
				to = len(t.Blocks)
			}
			blocks, from = append(blocks, Total(t.Blocks[from:to])), to
		}
	}
	if len(blocks) > 0 {
		blocks[len(blocks)-1].Add(&short)
	}
	return slices.DeleteFunc(blocks, func(b Block) bool { return b.Bytes == 0 })
}

// Quantile returns the part q of the way through sorted numbers.
func Quantile(sorted []float32, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))])
}
