package codec

import "math/bits"

// Incompressible reports whether data looks already compressed or random, so
// that coding it would only cost time. It judges the spread of single bytes:
// text, tables and programs are far from even, so they never pass.
func Incompressible(data []byte) bool {
	const enough = 4096
	if len(data) < enough {
		return false
	}
	var count [256]uint64
	for _, b := range data {
		count[b]++
	}
	// For independent even bytes the sum of the squared counts is expected to
	// be n*n/256 + n; allow a fifth above the part that is chance.
	n := uint64(len(data))
	sum := uint64(0)
	for _, c := range count {
		sum += c * c
	}
	hi, even := bits.Mul64(n, n)
	even = hi<<56 | even>>8
	return sum < even+even/256+n+n/2
}
