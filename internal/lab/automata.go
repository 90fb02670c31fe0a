package lab

import (
	"fmt"

	"kolm/internal/mdl"
	"kolm/internal/source"
)

var automata = Experiment{
	Name:      "automata",
	Question:  "can a class find structure that no Markov chain has?",
	Criterion: "on the even process the best of 746 automata has 2 states, and their mixture beats KT of every order from 0 to 6",
	run:       runAutomata,
}

func runAutomata(r *run) error {
	class, err := mdl.Automata(3)
	if err != nil {
		return err
	}
	s := source.Even()
	x := s.Sample(r.Seed, 2000)
	r.input("2000 symbols of the even process", s.Text(x))
	w := mdl.Weigh(class, x)
	best := class.Members[w.MAP()]
	t := r.table("2000 symbols of the even process, entropy rate 2/3. Bits, computed.", "code", "bits")
	t.row("the source itself, -log2 P", s.Bits(x))
	t.row("mixture of 746 automata", w.Evidence())
	t.row("two-part code with automaton "+best.Name, w.TwoPart(w.MAP()))
	for k := range 7 {
		length := mdl.Length(mdl.Markov(2, k, nil), x)
		t.row(fmt.Sprintf("KT of order %d", k), length)
		r.atMost(fmt.Sprintf("mixture of automata, against order %d", k), w.Evidence(), length)
	}
	r.bars("codes", "the even process in codes of several classes", "bits", t, t.Rows, 0, 1)
	var states int
	if _, err := fmt.Sscanf(best.Name, "%d states", &states); err != nil {
		return err
	}
	r.count("states of the best automaton", states, 2)
	r.count("automata", len(class.Members), 746)
	mass, _ := class.Mass().Float64()
	r.near("prior mass", mass, .75, 0)
	return nil
}
