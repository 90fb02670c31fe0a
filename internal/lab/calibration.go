package lab

import (
	"fmt"
	"math/rand/v2"

	"kolm/internal/chart"
	"kolm/internal/memory"
)

var calibration = Experiment{
	Name:     "calibration",
	Question: "does a model that is always asked for its first choice make things up because its probabilities are below one?",
	Criterion: "with room for all facts, a memory is right at temperature 0 on every fact although it gives less than probability 1; overloaded it is wrong, " +
		"more often on rare facts, and for keys that it never saw its first choice has more than half of the probability and is right by chance; where answers are drawn, the best answer is wrong as often as its probability says, within .06",
	run: runCalibration,
}

func runCalibration(r *run) error {
	o := memory.DefaultCapacity()
	o.Seed, o.Dim, o.Hidden, o.Steps = r.Seed, 20, r.choose(32, 16), r.choose(2500, 1000)
	few, many := r.choose(300, 150), r.choose(1100, 440)
	r.steps(4)
	t := r.table("Asked for the first choice (temperature 0). Sure: probability of the first choice. Computed.", "memory", "asked", "questions", "mean probability of the first choice", "right", "calibration error")
	roomy, fits, err := ask(o, few, false)
	if err != nil {
		return err
	}
	r.step()
	full, crowded, err := ask(o, many, true)
	if err != nil {
		return err
	}
	r.step()
	known := fits.answers(roomy)
	rare, frequent := crowded.last(len(crowded.keys)/2).answers(full), crowded.first(len(crowded.keys)/10).answers(full)
	unseen := newTask(r.Seed+1, 1000, o.Dim, 1).answers(full)
	never := newTask(r.Seed+1, 1000, o.Dim, 1).answers(roomy)
	for _, row := range []struct {
		memory, asked string
		a             answers
	}{{"with room", "its facts", known}, {"with room", "keys it never saw", never}, {"overloaded", "the most frequent tenth", frequent}, {"overloaded", "the rarer half", rare}, {"overloaded", "keys it never saw", unseen}} {
		t.row(row.memory, row.asked, len(row.a), row.a.sure(), row.a.right(), row.a.error())
	}
	c := chart.Chart{Name: "sure", Title: "answers at temperature 0: right, and sure without being right", X: "share, and mean probability of the first choice", Parts: []string{"right", "surer than that"}}
	for _, row := range t.Rows {
		sure, right := figure(row[3]), figure(row[4])
		c.Bars = append(c.Bars, chart.Bar{Name: fmt.Sprintf("%s: %s", row[0], row[1]), Parts: []float64{right, max(0, sure-right)}})
	}
	r.Plots = append(r.Plots, c)
	r.near("with room: right", known.right(), 1, 0)
	r.atMost("with room: mean probability of the right answer", known.sure(), 1-1e-6)
	r.atMost("overloaded: right on the rarer half, less than on the most frequent tenth", rare.right(), frequent.right()-.2)
	r.atMost("never seen: right", max(unseen.right(), never.right()), .15)
	r.atLeast("never seen: probability of the first choice", min(unseen.sure(), never.sure()), .5)
	return drawn(r, o)
}

// ask trains a memory on random facts, with frequencies of 1/rank if zipf is set.
func ask(o memory.CapacityOptions, n int, zipf bool) (*memory.Learned, task, error) {
	t := newTask(o.Seed, n, o.Dim, 1)
	pairs := t.part(everything)
	for i := range pairs {
		if zipf {
			pairs[i].Weight = 1 / float64(i+1)
		}
	}
	net, err := memory.Learn(o, pairs, nil)
	return net, t, err
}

func (t task) last(n int) task { return task{t.keys[len(t.keys)-n:], t.labels[len(t.labels)-n:]} }

// answer is a first choice, with how sure the model was.
type answer struct {
	probability float64
	right       bool
}

type answers []answer

func (t task) answers(net *memory.Learned) (list answers) {
	for i, key := range t.keys {
		p := net.Predict(key)
		c := argmax(p)
		list = append(list, answer{p[c], c == t.labels[i]})
	}
	return list
}

func (a answers) sure() float64 {
	sum := 0.0
	for _, x := range a {
		sum += x.probability
	}
	return sum / float64(len(a))
}

func (a answers) right() float64 {
	n := 0
	for _, x := range a {
		n += one(x.right)
	}
	return float64(n) / float64(len(a))
}

// error is the expected calibration error: in tenths of probability, by how much
// the mean probability and the share of right answers differ, weighed by answers.
func (a answers) error() float64 {
	var bins [10]answers
	for _, x := range a {
		k := min(int(10*x.probability), 9)
		bins[k] = append(bins[k], x)
	}
	sum := 0.0
	for _, b := range bins {
		if len(b) > 0 {
			sum += float64(len(b)) / float64(len(a)) * abs(b.sure()-b.right())
		}
	}
	return sum
}

// drawn are questions with no certain answer: of a few keys that come again and
// again, each has its own chance of the more likely of two answers.
func drawn(r *run, o memory.CapacityOptions) error {
	const kinds = 10
	rng := rand.New(rand.NewPCG(r.Seed, 14))
	keys := memory.RandomKeys(rng, kinds, o.Dim)
	o.Labels = 2
	draw := func(n int) (t task) {
		for i := range n {
			k := i % kinds
			t.keys = append(t.keys, keys[k])
			t.labels = append(t.labels, one(rng.Float64() >= .5+.05*float64(k)))
		}
		return t
	}
	train, test := draw(r.choose(4000, 2000)), draw(4000)
	o.Steps /= 4
	net, err := memory.Learn(o, train.part(everything), nil)
	if err != nil {
		return err
	}
	r.step()
	a := test.answers(net)
	t := r.table("Questions whose answers are drawn, the more likely one with probability .5, .55 ... .95: the first choice of a net that saw many.", "questions", "mean probability of the first choice", "right", "calibration error")
	t.row(len(a), a.sure(), a.right(), a.error())
	r.atMost("drawn answers: calibration error", a.error(), .06)
	r.near("drawn answers: right, against how sure", a.right(), a.sure(), .06)
	r.note("A probability below one is no error: of facts that fit, the first choice is always right. Errors come where something was forgotten, was never there, or has no certain answer.")
	r.step()
	return nil
}
