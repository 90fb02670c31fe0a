package memory

import (
	"math"
	"testing"

	"kolm/internal/lm"
)

// TestGradients compares gradients with differences of the float32 model: by
// coefficients, outputs of Down, and the residual stream, in every kind of model.
func TestGradients(t *testing.T) {
	for name, m := range kinds(t) {
		tokens := []int32{3, 1, 4, 1, 5, 9, 2}
		targets := []target{{pos: 6, weights: map[int32]float64{11: 1}}, {pos: 3, weights: map[int32]float64{5: -.5}}}
		value := func(tap lm.Tap) float64 {
			r := run(t, m, tokens, tap)
			v := 0.0
			for _, x := range targets {
				l := logits(t, r, x.pos)
				for token, w := range x.weights {
					v += w * (float64(l[token]) - logSum(l))
				}
			}
			return v
		}
		r := run(t, m, tokens, nil)
		dh, err := r.lossGradient(targets)
		if err != nil {
			t.Fatal(err)
		}
		g, err := r.backward(dh, 0)
		if err != nil {
			t.Fatal(err)
		}
		checked := 0
		for l := range m.LM.Config.Layers {
			for _, x := range []struct {
				point lm.Point
				grad  []float64
			}{{lm.Coefficients, g.Coefficients[l]}, {lm.Residual, g.Stream[l]}} {
				for _, pos := range []int{1, 3, 6} {
					for _, i := range []int{0, 7, 13} {
						width := len(x.grad) / len(tokens)
						nudge := func(by float32) float64 {
							return value(func(s lm.Site, rows []float32) {
								if s.Point == x.point && s.Layer == l {
									rows[pos*width+i] += by
								}
							})
						}
						const h = 0.02
						want := (8*(nudge(h)-nudge(-h)) - nudge(2*h) + nudge(-2*h)) / (12 * h)
						got := x.grad[pos*width+i]
						if math.Abs(got-want) > 2e-4+2e-3*math.Abs(want) {
							t.Errorf("%s: point %d layer %d position %d number %d: gradient %v, difference %v", name, x.point, l, pos, i, got, want)
						}
						if got != 0 {
							checked++
						}
					}
				}
			}
		}
		if checked < 30 {
			t.Errorf("%s: only %d gradients are not 0", name, checked)
		}
	}
}

// TestPromising: the gradient finds the planted memories of a text.
func TestPromising(t *testing.T) {
	m := storage(true).model(t)
	list, err := m.Promising([]Passage{{[]int32{0, 6, 3, 9}, 1}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	top := map[Neuron]bool{list[0].Neuron: true, list[1].Neuron: true}
	if !top[Neuron{0, 0}] || !top[Neuron{0, 3}] || list[1].Bits <= 0 || list[2].Bits > list[1].Bits/10 {
		t.Errorf("promising: %+v", list)
	}
}
