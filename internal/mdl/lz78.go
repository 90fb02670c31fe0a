package mdl

// LZ78Length is the length in bits of Ziv and Lempel's code of 1978: the
// sequence is cut into phrases that are an earlier phrase and one symbol, and
// the i-th phrase is the number of that phrase among i and the symbol, in whole
// bits each. It reaches the rate of every stationary ergodic source, slowly.
func LZ78Length(alphabet int, x []int) int {
	type node struct{ phrase, symbol int }
	phrases := map[node]int{} // numbered from 1; 0 is the empty one
	symbolBits := bitLen(alphabet - 1)
	bits, at := 0, 0
	for i, s := range x {
		next, known := phrases[node{at, s}]
		if known && i < len(x)-1 {
			at = next
			continue
		}
		bits += bitLen(len(phrases)) + symbolBits
		phrases[node{at, s}] = len(phrases) + 1
		at = 0
	}
	return bits
}
