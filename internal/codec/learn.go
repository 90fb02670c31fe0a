package codec

import (
	"encoding/base64"
	"fmt"
	"strings"

	"kolm/internal/context"
	"kolm/internal/mix"
)

// learner watches a predictor at work and finds what predictors should begin
// with.
type learner struct {
	states [context.Contexts][256][2]uint32 // decisions that followed
	sums   map[string]*weightSums
}

// weightSums are the sums, over all decisions, of the weights that were used.
type weightSums struct {
	row [][]int64 // for each set and the second layer
	n   int64
}

// see looks at the decision of the last P, which was bit.
func (l *learner) see(p *Predictor, bit int) {
	for i := range p.model.Contexts() {
		l.states[i][p.model.State(i)][bit]++
	}
	l.weights(Mode{LM: p.lm, Rich: p.mode.Rich, Fast: p.mode.Fast}.name(), p.mixer)
}

// weights adds up the weights that a mixer has selected.
func (l *learner) weights(name string, m *mix.Mixer) {
	s := l.sums[name]
	if s == nil {
		s = new(weightSums)
		l.sums[name] = s
	}
	for i, w := range m.Selected() {
		if i == len(s.row) {
			s.row = append(s.row, make([]int64, len(w)))
		}
		for k, v := range w {
			s.row[i][k] += int64(v)
		}
	}
	s.n++
}

// table writes what was learned of the states as context's start.txt has it.
func (l *learner) table() (table [context.Contexts][256]uint8, text string) {
	var b strings.Builder
	for i := range table {
		for state, n := range l.states[i] {
			const step = 65536 / 16
			stretch := ln(2*n[1]+1) - ln(2*n[0]+1)
			table[i][state] = uint8(min(max((stretch+step/2)/step+128, 1), 255))
		}
		fmt.Fprintln(&b, base64.StdEncoding.EncodeToString(table[i][:]))
	}
	return table, b.String()
}

// text writes the average weights as start.txt has them.
func (l *learner) text() string {
	var b strings.Builder
	for _, name := range mixerNames() {
		s, n := l.sums[name], mixerInputs(name)
		for i, set := range setNames(name) {
			fmt.Fprintf(&b, "%s %s", name, set)
			unit := int64(1 << 12)
			if set == secondLayer {
				unit, n = 1, len(s.row[i])
			}
			for _, v := range s.row[i][:n] {
				fmt.Fprintf(&b, " %d", v/s.n/unit)
			}
			fmt.Fprintln(&b)
		}
	}
	return b.String()
}

func allModes() []Mode {
	return []Mode{{Fast: true}, {}, {Rich: true}, {LM: true}, {LM: true, Rich: true}}
}

func mixerNames() []string {
	var names []string
	for _, m := range allModes() {
		names = append(names, m.name())
	}
	return append(names, flagMixer)
}

func mixerInputs(name string) int {
	for _, m := range allModes() {
		if m.name() == name {
			return m.inputs()
		}
	}
	return flagInputs
}

// evenWeights are weights to begin learning with: every context is heard a
// little, the model more.
func evenWeights() map[string][][]int32 {
	weights := map[string][][]int32{}
	for _, name := range mixerNames() {
		row := make([]int32, mixerInputs(name))
		for i := range row {
			row[i] = 160 << 12 * int32(1-i%2)
		}
		if name == flagMixer || strings.HasPrefix(name, "lm") {
			row[len(row)-2], row[len(row)-1] = 300<<12, 500<<12
		}
		sets := len(setNames(name)) - 1
		second := make([]int32, sets)
		for i := range sets {
			weights[name] = append(weights[name], row)
			second[i] = int32(1 << 16 / sets)
		}
		weights[name] = append(weights[name], second)
	}
	return weights
}

// Learn finds what predictors should begin with, from training texts: short
// ones are coded with contexts alone, texts also with the model. It returns the
// contents of context's start.txt and of codec's. What the packages have now does
// not matter.
func Learn(lm *LM, short, texts [][]byte, talk func(format string, args ...any)) (states, weights string) {
	l := &learner{sums: map[string]*weightSums{}}
	contexts, model := NewContextCoder(), newModelCoder(lm, 1)
	predictors := []*Predictor{contexts.p, model.pred}
	for _, p := range predictors {
		p.start = evenWeights()
	}
	const rounds = 3
	for round := range rounds {
		for _, p := range predictors {
			p.learn = l
		}
		alone := 0
		for _, mode := range []Mode{{Fast: true}, {}, {Rich: true}} {
			for _, text := range short {
				alone += len(contexts.encodeAs(nil, text, mode))
			}
		}
		talk("round %d: contexts %d bytes", round, alone)
		table, text := l.table()
		if round > 0 {
			with := 0
			for _, rich := range []bool{false, true} {
				for _, text := range texts {
					out, _ := model.encodeAs(nil, text, rich, 0)
					with += len(out)
				}
			}
			talk("round %d: with the model %d bytes", round, with)
			weights = l.text()
		}
		for _, p := range predictors {
			p.model.Learned(&table)
			if round > 0 {
				p.start = parseWeights(weights)
			}
		}
		states = text
		*l = learner{sums: map[string]*weightSums{}}
	}
	return states, weights
}
