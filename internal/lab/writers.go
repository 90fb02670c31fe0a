package lab

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"

	"kolm/internal/mdl"
	"kolm/internal/mdl/bitsback"
)

// writer is a program as a model: it is certain of every symbol that it writes.
type writer struct {
	out string
	at  int
}

func (w *writer) Next(symbol int) (num, den uint64) {
	if int(w.out[w.at]-'0') == symbol {
		return 1, 1
	}
	return 0, 1
}

func (w *writer) Update(int) { w.at++ }

// writers are programs or machines, each of which writes one string; all strings
// have one length.
type writers struct {
	name, title string
	weights     map[string][]*big.Rat // by string: the prior of each that writes it
}

func (w writers) class() (*mdl.Class, error) {
	var members []mdl.Member
	for _, out := range slices.Sorted(maps.Keys(w.weights)) {
		for _, prior := range w.weights[out] {
			members = append(members, mdl.Member{Name: out, Prior: prior, New: func() mdl.Predictor { return &writer{out: out} }})
		}
	}
	return mdl.NewClass(w.name, 2, members)
}

// alike is the choice that has no preference among those that write x.
func (w writers) alike(c *mdl.Class, x string) []float64 {
	q := make([]float64, len(c.Members))
	for i, m := range c.Members {
		if m.Name == x {
			q[i] = 1 / float64(len(w.weights[x]))
		}
	}
	return q
}

// weigh shows the codes of some strings under all programs, and has bits back code
// them. The best member gives each string that any writes probability 1, so that the
// normaliser of NML is their number.
func (w writers) weigh(r *run, strings ...string) error {
	class, err := w.class()
	if err != nil {
		return err
	}
	codec, err := bitsback.New(class, bitsback.Posterior(class))
	if err != nil {
		return err
	}
	t := r.table(w.title+" Bits, computed; net is what a stack grows by, decoded, in the mean of 20.",
		"string", "written by", "two-part: the likeliest", "evidence = mixture", "gap A of two-part", "-ELBO, Q all alike", "NML", "bits back, net")
	for _, out := range strings {
		x := make([]int, len(out))
		for i := range x {
			x[i] = int(out[i] - '0')
		}
		v := mdl.Weigh(class, x)
		certain, alike := mdl.Point(len(class.Members), v.MAP()), w.alike(class, out)
		trial := stackTrial{r: rand.New(rand.NewPCG(r.Seed, 5)), codec: codec, x: x}
		post, _ := mdl.ExactPosterior(class, x)
		net, back, _, err := trial.sample(class, post, 20)
		if err != nil {
			return err
		}
		t.row(out, len(w.weights[out]), v.TwoPart(v.MAP()), v.Evidence(), v.GapA(certain), v.NegELBO(alike), math.Log2(float64(len(w.weights))), net)
		r.near(out+": two-part less evidence is gap A", v.TwoPart(v.MAP())-v.Evidence(), v.GapA(certain), 1e-9)
		r.near(out+": -ELBO of all alike less evidence is its gap A", v.NegELBO(alike)-v.Evidence(), v.GapA(alike), 1e-9)
		r.near(fmt.Sprintf("%s: net length of the %d together", out, len(w.weights[out])), net, v.Evidence(), .05)
		r.count(out+": stacks that came back", back, 20)
	}
	return nil
}
