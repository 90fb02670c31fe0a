package lab

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"kolm/internal/memory"
)

var memories = Experiment{
	Name:     "memories",
	Question: "are feed-forward layers key-value memories?",
	Criterion: "planted memories are found without exception: the key fires for its subject alone, the value votes for its target, attribution is exact to 1e-5; tracing finds where a fact is and where it is fetched, to 1e-9; " +
		"a flipped sign changes nothing, a distractor gets nothing, of a redundant pair one is worth little and both all, recall falls with superposition; " +
		"in a trained model the next token after a neuron's strongest trigger is its value's vote 20 times as often as with the values shuffled",
	run: runMemories,
}

func runMemories(r *run) error {
	r.steps(4)
	if err := plantedMemories(r); err != nil {
		return err
	}
	r.step()
	if err := redundancyOfPair(r); err != nil {
		return err
	}
	if err := traced(r); err != nil {
		return err
	}
	if err := superposition(r); err != nil {
		return err
	}
	r.step()
	return trainedMemories(r)
}

// subjects is how many facts are planted: subject s has the target s+subjects.
const subjects = 6

// plantFacts is toys T1 (without a gate) and T4 (with one, half of the signs
// flipped); and T5, a neuron with a large value that no token reads.
func plantFacts(gated, flip bool) (*memory.Model, error) {
	p := memory.NewPlanted(14, 2, 8, 1, gated)
	for s := range subjects {
		n := memory.Neuron{Index: s}
		p.Remember(n, s, p.Unit(s+subjects, 5))
		if flip && s%2 == 0 {
			p.Flip(n)
		}
	}
	p.Remember(memory.Neuron{Index: subjects}, 0, p.Unit(15, 50)) // dimension 15 is free
	return p.Model()
}

func plantedMemories(r *run) error {
	t := r.table("Planted memories: a key for each subject, a value for its target; neuron 6 is a distractor with a value ten times as long that no token reads.",
		"model", "facts", "answered", "strongest memory is the planted one", "its value votes for the target", "greatest error of attribution", "distractor's contribution")
	for _, c := range []struct {
		name        string
		gated, flip bool
	}{{"plain", false, false}, {"gated", true, false}, {"gated, signs flipped", true, true}} {
		m, err := plantFacts(c.gated, c.flip)
		if err != nil {
			return err
		}
		answered, strongest, votes, worst, distracted := 0, 0, 0, 0.0, 0.0
		for s := range subjects {
			target := string(rune('A' + s + subjects))
			e, err := m.Explain(memory.Question{Prompt: "N" + string(rune('A'+s))}, 2, 1, nil)
			if err != nil {
				return err
			}
			top := e.Memories[0]
			answered += one(e.Answer[0] == target)
			strongest += one(top.Neuron.Index == s)
			votes += one(top.Votes[0].Text == target)
			worst = max(worst, math.Abs(e.Attribution.Residual)/e.Attribution.Absolute)
			v, _ := e.Attribution.Neuron(memory.Neuron{Index: subjects})
			distracted = max(distracted, math.Abs(v))
		}
		t.row(c.name, subjects, answered, strongest, votes, worst, distracted)
		r.count(c.name+": facts answered", answered, subjects)
		r.count(c.name+": facts whose strongest memory is the planted one", strongest, subjects)
		r.count(c.name+": values that vote for the target", votes, subjects)
		r.atMost(c.name+": error of attribution, of the sum of absolute contributions", worst, 1e-5)
		r.atMost(c.name+": contribution of the distractor", distracted, 1e-9)
	}
	return nil
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// redundancyOfPair is toy T3: two neurons with one fact.
func redundancyOfPair(r *run) error {
	p := memory.NewPlanted(14, 2, 4, 1, false)
	for i := range 2 {
		p.Remember(memory.Neuron{Index: i}, 0, p.Unit(6, 20))
	}
	m, err := p.Model()
	if err != nil {
		return err
	}
	w, err := m.Bits([]memory.Passage{{Tokens: []int32{13, 0, 6}, From: 2}}, []memory.Group{{{Index: 0}}, {{Index: 1}}, {{Index: 0}, {Index: 1}}}, nil)
	if err != nil {
		return err
	}
	t := r.table("Two neurons that know the same: bits that leaving them out costs, computed.", "neuron 0", "neuron 1", "both")
	t.row(w.Cost[0], w.Cost[1], w.Cost[2])
	r.atMost("one of a redundant pair, bits", max(w.Cost[0], w.Cost[1]), .1)
	r.near("both of a redundant pair, bits", w.Base+w.Cost[2], math.Log2(13+math.Exp(4)), 1e-5)
	return nil
}

// traced is toy T2: what is remembered in layer 0 at the subject is fetched by layer 1
// for the last token. Restoring helps on that way and nowhere else.
func traced(r *run) error {
	m, err := memory.NewCopier()
	if err != nil {
		return err
	}
	tr, err := m.Trace(memory.Question{Prompt: "NAM", Answer: "G", Foil: "H"}, memory.TraceOptions{Subject: "A", Noise: 10, Draws: 10, Point: "state", Seed: r.Seed}, nil)
	if err != nil {
		return err
	}
	t := r.table("A memory in layer 0 at the subject, copied to the last token in layer 1: share of the total effect that restoring one state brings back.", "layer", tr.Tokens[0], tr.Tokens[1]+", the subject", tr.Tokens[2]+", the last token")
	worst := 0.0
	for l, row := range tr.Indirect {
		cells := []any{l}
		for pos, e := range row {
			share, want := e.Probability/tr.Total.Probability, float64(one(pos == 1 && l == 0 || pos == 2 && l >= 1))
			worst = max(worst, math.Abs(share-want))
			cells = append(cells, share)
		}
		t.row(cells...)
	}
	r.atLeast("traced: total effect", tr.Total.Probability, .3)
	r.atMost("traced: restored share, error", worst, 1e-9)
	return nil
}

// superposition is toy T6: more keys than dimensions.
func superposition(r *run) error {
	const dim, vocab = 48, 480
	t := r.table("Random keys in a stream of 48 dimensions.", "keys", "recall")
	var first, last float64
	for i, n := range []int{12, 48, 120, 240} {
		rng := rand.New(rand.NewPCG(r.Seed, uint64(n)))
		var table []float32
		for _, key := range memory.RandomKeys(rng, vocab, dim) {
			for _, v := range key {
				table = append(table, float32(v))
			}
		}
		p := memory.NewPlanted(vocab, 0, n, 1, false)
		p.Superpose(n, dim, n, table)
		m, err := p.Model()
		if err != nil {
			return err
		}
		hits := 0
		for s := range n {
			rec, err := m.Run([]int32{int32(s)}, nil)
			if err != nil {
				return err
			}
			logits, err := rec.Logits(0)
			if err != nil {
				return err
			}
			hits += one(argmax(logits) == (s+n)%vocab)
		}
		last = float64(hits) / float64(n)
		if i == 0 {
			first = last
		}
		t.row(n, last)
	}
	r.plot("superposition", "more keys than dimensions", "keys in 48 dimensions", "recall", true, t.column(0, 1))
	r.near("recall of few keys", first, 1, .01)
	r.atMost("recall of five keys a dimension", last, .9)
	return nil
}

// trainedMemories asks a model that was trained: what fires a neuron, and is what
// follows there what its value votes for?
func trainedMemories(r *run) error {
	m, text, err := r.biographer()
	if err != nil {
		return err
	}
	r.step()
	dir, err := os.MkdirTemp("", "kolm-lab-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	index, err := m.index(filepath.Join(dir, "index"), text[:min(len(text), r.choose(60_000, 15_000))])
	if err != nil {
		return err
	}
	defer index.Close()
	t := r.table("Strongest trigger and value's vote of every neuron of a model trained on biographies. Shuffled: the vote of another neuron of the layer, mean over all.",
		"layer", "neurons", "agree", "shuffled", "ratio", "neurons that carry 90 %")
	carry, err := index.Carry()
	if err != nil {
		return err
	}
	agreed, shuffled := 0.0, 0.0
	for l := range m.LM.Config.Layers {
		votes, next := map[string]int{}, map[string]int{}
		agree, n := 0, 0
		for i := range m.LM.Config.FFN {
			p, err := m.Portrait(memory.Neuron{Layer: l, Index: i}, 1, 1, index)
			if err != nil {
				return err
			}
			hit, vote, ok := strongest(p)
			if !ok {
				continue
			}
			n++
			agree += one(p.Agree)
			votes[vote]++
			next[hit.Next]++
		}
		pairs := 0
		for w, k := range votes {
			pairs += k * next[w]
		}
		share, chance := float64(agree)/float64(n), float64(pairs)/float64(n*n)
		t.row(l, n, share, chance, share/chance, carry[l])
		agreed, shuffled = agreed+share, shuffled+chance
	}
	r.atLeast("agreement of all layers, over that of shuffled values", agreed/shuffled, 20)
	return nil
}

// strongest is the trigger with the largest coefficient of either sign, and what
// the value votes for with that sign.
func strongest(p *memory.Portrait) (memory.Hit, string, bool) {
	switch {
	case len(p.Plus) == 0 && len(p.Minus) == 0:
		return memory.Hit{}, "", false
	case len(p.Minus) == 0 || len(p.Plus) > 0 && p.Plus[0].Activation >= -p.Minus[0].Activation:
		return p.Plus[0], p.Votes.Plus[0].Text, true
	}
	return p.Minus[0], p.Votes.Minus[0].Text, true
}
