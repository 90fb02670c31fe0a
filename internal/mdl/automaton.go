package mdl

import (
	"fmt"
	"math/big"
	"strings"
)

// automaton is a unifilar probabilistic automaton: the state and the symbol
// give the next state; each state predicts by KT counts of its own.
type automaton struct {
	next  [][2]int
	state int
	table []counts
}

// NewAutomaton returns the automaton with these transitions, by state and
// symbol, in its state 0.
func NewAutomaton(next [][2]int) Predictor {
	a := &automaton{next: next}
	for range next {
		a.table = append(a.table, newCounts(2, 1))
	}
	return a
}

func (a *automaton) Next(symbol int) (num, den uint64) { return a.table[a.state].next(symbol) }

func (a *automaton) Update(symbol int) {
	a.table[a.state].update(symbol)
	a.state = a.next[a.state][symbol]
}

// transitionName writes the successors of each state, as in "01 10".
func transitionName(next [][2]int) string {
	var words []string
	for _, n := range next {
		words = append(words, fmt.Sprintf("%d%d", n[0], n[1]))
	}
	return fmt.Sprintf("%d states %s", len(next), strings.Join(words, " "))
}

// Automata is the class of unifilar automata of 1 to states states, each
// transition table once: 746 for 3 states. The prior names the number of states
// in Elias' gamma code, then the table, all tables of a size alike: 2^-(gamma(s)
// + 2 s log2 s). Its mass is 3/4 for 3 states, the rest being for larger ones.
func Automata(states int) (*Class, error) {
	var members []Member
	for s := 1; s <= states; s++ {
		tables := new(big.Int).Exp(big.NewInt(int64(s)), big.NewInt(int64(2*s)), nil)
		prior := powerOfHalf(eliasGamma(s))
		prior.Quo(prior, new(big.Rat).SetInt(tables))
		Sequences(s, 2*s, func(x []int) {
			next := make([][2]int, s)
			for i, to := range x {
				next[i/2][i%2] = to
			}
			members = append(members, Member{
				Name:  transitionName(next),
				Prior: prior,
				New:   func() Predictor { return NewAutomaton(next) },
			})
		})
	}
	return NewClass(fmt.Sprintf("unifilar automata to %d states", states), 2, members)
}

// eliasGamma is the length in bits of the Elias gamma code of n >= 1.
func eliasGamma(n int) int { return 2*bitLen(n) - 1 }

func bitLen(n int) int { return big.NewInt(int64(n)).BitLen() }
