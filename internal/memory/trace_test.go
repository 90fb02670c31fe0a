package memory

import (
	"math"
	"strings"
	"testing"

	"kolm/internal/lm"
)

func copier(t testing.TB) *Model {
	t.Helper()
	m, err := NewCopier()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestTrace is toy T2: restoring the subject between memory and copy, or the last
// position after the copy, restores all; elsewhere nothing. For noise and for
// replacement.
func TestTrace(t *testing.T) {
	m := copier(t)
	q := Question{Prompt: "NAM", Answer: "G", Foil: "H"}
	for name, o := range map[string]TraceOptions{
		"noise":       {Subject: "A", Noise: 10, Draws: 10, Point: "state", Seed: 1},
		"replacement": {Subject: "A", Replace: "B", Point: "state"},
	} {
		tr, err := m.Trace(q, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tr.Clean.Probability < .5 || tr.Total.Probability < .3 || tr.Subject != [2]int{1, 2} {
			t.Fatalf("%s: %+v", name, tr)
		}
		for l := range 3 {
			for pos := range 3 {
				want := 0.0
				if pos == 1 && l == 0 || pos == 2 && l >= 1 {
					want = tr.Total.Probability
				}
				near(t, name, tr.Indirect[l][pos].Probability, want, 1e-12)
			}
		}
	}
	tr, err := m.Trace(q, TraceOptions{Subject: "A", Replace: "B", Point: "attention"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "attention at the last token", tr.Indirect[1][2].Probability, tr.Total.Probability, 1e-12)
	if tr, err = m.Trace(q, TraceOptions{Subject: "A", Replace: "B", Point: "ffn", Window: 3}, nil); err != nil {
		t.Fatal(err)
	}
	near(t, "ffn at the subject", tr.Indirect[1][1].Probability, tr.Total.Probability, 1e-3)
}

func TestTraceErrors(t *testing.T) {
	m := copier(t)
	for want, o := range map[string]TraceOptions{
		`subject "C" is not in the prompt`:       {Subject: "C", Point: "state"},
		`"BB" is 2 tokens, the subject is 1`:     {Subject: "A", Replace: "BB", Point: "state"},
		`cannot restore "all"`:                   {Subject: "A", Replace: "B", Point: "all"},
		"0 draws of noise 3":                     {Subject: "A", Noise: 3, Point: "state"},
		"1 draws of noise NaN":                   {Subject: "A", Draws: 1, Noise: math.NaN(), Point: "state"},
		`subject "" is not in the prompt "NAMA"`: {Point: "state"},
	} {
		if _, err := m.Trace(Question{Prompt: "NAMA", Answer: "G"}, o, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestKnowledge: integrated gradients are complete in every kind of model, and find
// the planted neuron.
func TestKnowledge(t *testing.T) {
	for name, m := range kinds(t) {
		k, err := m.Knowledge(Question{Prompt: "ABCD"}, 20, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range k.Layers {
			near(t, name+": completeness at 20 steps", l.Gap, 0, 1e-3)
		}
		if k, err = m.Knowledge(Question{Prompt: "ABCD"}, 200, nil); err != nil {
			t.Fatal(err)
		}
		for _, l := range k.Layers {
			near(t, name+": completeness at 200 steps", l.Gap, 0, 2e-5)
		}
	}
	m := storage(true).model(t)
	var list []*Knowledge
	for _, prompt := range []string{"C", "MC", "NNC"} {
		k, err := m.Knowledge(Question{Prompt: prompt, Answer: "I"}, 20, nil)
		if err != nil {
			t.Fatal(err)
		}
		if top := k.Above(.2); len(top) != 1 || (top[0].Neuron != Neuron{0, 2}) {
			t.Errorf("%s: %+v", prompt, top)
		}
		list = append(list, k)
	}
	if shared, _, err := Shared(list, .2); err != nil || len(shared) != 1 || (shared[0] != Neuron{0, 2}) {
		t.Errorf("shared: %v, %v", shared, err)
	}
}

// TestSinglePath: with one neuron varied, the integral is what zeroing it costs.
func TestSinglePath(t *testing.T) {
	for name, m := range kinds(t) {
		tokens, token, n := []int32{3, 1, 4, 1}, int32(9), Neuron{1, 4}
		r := run(t, m, tokens, nil)
		whole, err := probability(r, 3, token)
		if err != nil {
			t.Fatal(err)
		}
		coefs := r.Row(lm.Coefficients, 1, 3)
		at := func(alpha float32) *Record {
			row := append([]float32(nil), coefs...)
			row[n.Index] *= alpha
			return run(t, m, tokens, Patch(lm.Coefficients, 1, 3, row))
		}
		zero, _ := probability(at(0), 3, token)
		for steps, tolerance := range map[int]float64{20: 1e-3, 1000: 1e-6} {
			total := 0.0
			for s := range steps {
				x := at((float32(s) + .5) / float32(steps))
				p, _ := probability(x, 3, token)
				dh, err := x.lossGradient([]target{{pos: 3, weights: map[int32]float64{token: p}}})
				if err != nil {
					t.Fatal(err)
				}
				g, err := x.backward(dh, 1)
				if err != nil {
					t.Fatal(err)
				}
				total += g.Coefficients[1][3*len(coefs)+n.Index] * float64(coefs[n.Index]) / float64(steps)
			}
			near(t, name, total, whole-zero, tolerance)
		}
		if math.Abs(whole-zero) < 1e-7 {
			t.Errorf("%s: the neuron does nothing", name)
		}
	}
}
