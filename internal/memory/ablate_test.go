package memory

import (
	"errors"
	"math"
	"testing"
)

// TestShapley: values sum to the cost of all, copies get the same, and a neuron
// that does nothing gets nothing.
func TestShapley(t *testing.T) {
	p := plant(14, 2, 4, 1, false)
	p.remember(Neuron{0, 0}, 0, p.unit(6, 3))
	p.remember(Neuron{0, 1}, 0, p.unit(6, 3))
	p.remember(Neuron{0, 2}, 1, p.unit(7, 5))
	m := p.model(t)
	text := []Passage{{[]int32{0, 6, 1, 7}, 1}}
	groups := []Group{{{0, 0}}, {{0, 1}}, {{0, 2}}, {{0, 3}}}
	all, err := m.Bits(text, []Group{{{0, 0}, {0, 1}, {0, 2}, {0, 3}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	orders := 0
	s, err := m.ShapleyBits(text, groups, 400, 1, func() { orders++ })
	if err != nil || orders != 400 {
		t.Fatal(err, orders)
	}
	total := 0.0
	for _, v := range s {
		total += v.Value
	}
	near(t, "sum", total, all.Cost[0], 1e-9)
	near(t, "copies", s[0].Value, s[1].Value, 4*(s[0].Error+s[1].Error))
	if s[3].Value != 0 || s[2].Value <= 0 || s[0].Error <= 0 {
		t.Errorf("values %+v", s)
	}
	// Two players in two orders: the error of the mean of equally likely a and b.
	single, err := m.Bits(text, groups, nil)
	if err != nil {
		t.Fatal(err)
	}
	pair, _ := m.Bits(text, []Group{{{0, 0}, {0, 1}}}, nil)
	a, b := single.Cost[0], pair.Cost[0]-single.Cost[1]
	near(t, "standard error", s[0].Error, math.Abs(a-b)/2/math.Sqrt(399), .05*s[0].Error)
	if _, err := m.ShapleyBits(text, nil, 10, 1, nil); err == nil {
		t.Error("no players")
	}
}

func TestPassages(t *testing.T) {
	m := storage(false).model(t)
	text := make([]byte, 150)
	for i := range text {
		text[i] = 'A' + byte(i%12)
	}
	list, err := m.Passages(text)
	if err != nil || len(list) != 3 || len(list[2].Tokens) != 150-128 || list[0].From != 1 {
		t.Errorf("%v, %v", list, err)
	}
	for _, bad := range []string{"", "A", "a"} {
		if _, err := m.Passages([]byte(bad)); err == nil {
			t.Errorf("%q has passages", bad)
		}
	}
	m.Vocab, m.LM.Config.Context = started{m.Vocab}, 1
	if _, err := m.Passages(text); !errors.Is(err, errNoRoom) {
		t.Errorf("passages of a context of the start token alone: %v", err)
	}
	if _, err := m.pieces("", text, 0); !errors.Is(err, errNoRoom) {
		t.Errorf("pieces of a context of the start token alone: %v", err)
	}
}

// started is a vocabulary with a start token.
type started struct{ Vocab }

func (started) Start() int32 { return 0 }
