package context

// A state is the history of the decisions made in one place: 0 is no history,
// the next 30 are the exact histories of up to four decisions, the others a
// pair of counts with the last decision. A decision against the trend forgets
// part of the counts behind the trend, so that a place whose behaviour changes
// is believed soon. A Map gives each state its probability, so the counts need
// not be true, only telling.

// maxMajor bounds the counts: with n decisions for the rarer side the other
// side is counted up to maxMajor[n].
var maxMajor = [...]int{48, 24, 10, 6, 5}

// kept is what remains of a count that the decision went against.
func kept(n int) int {
	switch {
	case n <= 2:
		return n
	case n <= 4:
		return n - 1
	case n <= 7:
		return 4
	case n <= 15:
		return 5
	case n <= 31:
		return 6
	}
	return 7
}

var (
	nextState [2][256]uint8 // state after a decision
	counts    [256][2]uint8 // zeros and ones that a state remembers
	priority  [256]uint8    // how much would be lost with the state
)

// exactState returns the state of the history of n <= 4 decisions whose bits
// are h, the last decision lowest.
func exactState(n, h int) int { return 1<<n - 1 + h }

func init() {
	id := map[[3]int]int{} // (zeros, ones, last decision) of a state with counts
	of := [256][3]int{}
	states := exactState(4, 15) + 1
	for zeros := range maxMajor[0] + 1 {
		for ones := range maxMajor[0] + 1 {
			for last := range 2 {
				k := [3]int{zeros, ones, last}
				if zeros+ones > 4 && allowed(zeros, ones) && (zeros > 0 || last == 1) && (ones > 0 || last == 0) {
					id[k], of[states] = states, k
					states++
				}
			}
		}
	}
	if states > 256 {
		panic("context: more bit histories than fit a byte")
	}
	count := func(zeros, ones, last int) uint8 {
		for !allowed(zeros, ones) {
			if zeros > ones || zeros == ones && last == 1 {
				zeros--
			} else {
				ones--
			}
		}
		if zeros+ones > 4 {
			return uint8(id[[3]int{zeros, ones, last}])
		}
		// A short history with these counts: the last decision, and before it
		// the others, those like it first.
		h := 1<<ones - 1
		if last == 0 {
			h <<= zeros
		} else if zeros > 0 {
			h = (1<<(ones-1)-1)<<(zeros+1) | 1
		}
		return uint8(exactState(zeros+ones, h))
	}
	for n := range 5 {
		for h := range 1 << n {
			s, ones := exactState(n, h), 0
			for i := range n {
				ones += h >> i & 1
			}
			of[s] = [3]int{n - ones, ones, h & 1}
			if n < 4 {
				nextState[0][s] = uint8(exactState(n+1, h<<1))
				nextState[1][s] = uint8(exactState(n+1, h<<1|1))
			}
		}
	}
	for s := range states {
		zeros, ones := of[s][0], of[s][1]
		if s >= exactState(4, 0) {
			nextState[0][s] = count(zeros+1, kept(ones), 0)
			nextState[1][s] = count(kept(zeros), ones+1, 1)
		}
		counts[s] = [2]uint8{uint8(zeros), uint8(ones)}
		priority[s] = uint8(zeros + ones)
	}
}

// allowed says whether there is a state with these counts.
func allowed(zeros, ones int) bool {
	minor := min(zeros, ones)
	return minor < len(maxMajor) && max(zeros, ones) <= maxMajor[minor]
}
