package codec

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"kolm/internal/kernel"
)

// learnText is long enough for the toy model to learn from several times.
func learnText() []byte { return bytes.Repeat(toyText, 2) }

func encodeSingle(t *testing.T, s *singleCoder, plain []byte, learns bool) []byte {
	t.Helper()
	payload, err := s.encode(nil, plain, learns)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// TestSingleRoundTrip: with and without learning, for any number of workers, and
// after other blocks, a block gives the same bytes, and these give it back.
func TestSingleRoundTrip(t *testing.T) {
	lm := toyLM(t)
	one, two := newSingleCoder(newModelCoder(lm, 1)), newSingleCoder(newModelCoder(lm, 2))
	blocks := inputs()
	delete(blocks, "many streams")
	most := 1000
	if testing.Short() { // emulated CPUs are slow
		blocks, most = map[string][]byte{"utf-8": blocks["utf-8"], "cr lf": blocks["cr lf"]}, 300
	}
	blocks["learned"] = learnText()
	for name, plain := range blocks {
		plain = plain[:min(len(plain), most)]
		for _, learns := range []bool{false, true} {
			payload := encodeSingle(t, one, plain, learns)
			if !bytes.Equal(encodeSingle(t, two, plain, learns), payload) {
				t.Errorf("%s, learns %v: two workers make other bytes than one", name, learns)
			}
			back := make([]byte, len(plain))
			if err := two.decode(back, payload); err != nil || !bytes.Equal(back, plain) {
				t.Errorf("%s, learns %v: other bytes came back (%v)", name, learns, err)
			}
		}
	}
}

// TestSingleLearns: the body learns, and what it learns does no harm. A model of
// random weights has nothing to gain in so few steps.
func TestSingleLearns(t *testing.T) {
	s := newSingleCoder(newModelCoder(toyLM(t), 1))
	with, without := encodeSingle(t, s, learnText(), true), encodeSingle(t, s, learnText(), false)
	if bytes.Equal(with[1:], without[1:]) {
		t.Error("a body that learns makes the bytes of one that does not")
	}
	if len(with) > len(without)+len(without)/50+2 {
		t.Errorf("learning made %d bytes of %d", len(with), len(without))
	}
}

// TestSingleSameBits: every kernel variant makes the same bytes.
func TestSingleSameBits(t *testing.T) {
	active := kernel.Active()
	defer kernel.Use(active)
	lm, plain := toyLM(t), learnText()
	want := encodeSingle(t, newSingleCoder(newModelCoder(lm, 1)), plain, true)
	for _, variant := range kernel.Variants() {
		if err := kernel.Use(variant); err != nil {
			t.Fatal(err)
		}
		if got := encodeSingle(t, newSingleCoder(newModelCoder(lm, 1)), plain, true); !bytes.Equal(got, want) {
			t.Errorf("%s makes other bytes than %s", variant, active)
		}
	}
}

// TestSingleDamage: a damaged payload gives an error or other bytes, and the coder
// is as before afterwards.
func TestSingleDamage(t *testing.T) {
	s := newSingleCoder(newModelCoder(toyLM(t), 2))
	plain := learnText()
	payload := encodeSingle(t, s, plain, true)
	r := rand.New(rand.NewPCG(5, 6))
	back := make([]byte, len(plain))
	for i := range 8 {
		bad := bytes.Clone(payload)
		if i%2 == 0 {
			bad = bad[:r.IntN(len(bad))]
		} else {
			bad[r.IntN(len(bad)-8)] ^= byte(1 + r.IntN(255))
		}
		switch err := s.decode(back, bad); {
		case err == nil && bytes.Equal(back, plain):
			t.Errorf("damage %d gives the same bytes", i)
		case err != nil && !errors.Is(err, ErrCorrupt):
			t.Errorf("damage %d: %v, want ErrCorrupt", i, err)
		}
	}
	if err := s.decode(back, payload); err != nil || !bytes.Equal(back, plain) {
		t.Errorf("after damage the whole payload fails: %v", err)
	}
}

// TestSingleLevels: what each level chooses.
func TestSingleLevels(t *testing.T) {
	lm := toyLM(t)
	long := bytes.Repeat([]byte("the cat sat on the mat; "), leastSingle/24+1)
	for _, c := range []struct {
		level int
		plain []byte
		want  []Method
	}{
		{5, long, []Method{Model, Contexts}},
		{6, toyText, []Method{Model, Contexts}},
		{6, long, []Method{Single, Contexts}},
		{9, long, []Method{Single, Contexts}},
	} {
		m, out, err := New(Options{Level: c.level, LM: lm, Workers: 1}).Encode(nil, c.plain)
		if err != nil {
			t.Fatal(err)
		}
		if m != c.want[0] && m != c.want[1] {
			t.Errorf("level %d, %d bytes: method %v, want one of %v", c.level, len(c.plain), m, c.want)
		}
		back := make([]byte, len(c.plain))
		if err := New(Options{Level: 1, LM: lm, Workers: 1}).Decode(back, m, out); err != nil || !bytes.Equal(back, c.plain) {
			t.Errorf("level %d, %d bytes: other bytes came back (%v)", c.level, len(c.plain), err)
		}
	}
	if err := New(Options{Level: 1}).Decode(make([]byte, 10), Single, make([]byte, 9)); !errors.Is(err, ErrNoModel) {
		t.Errorf("without a model: %v, want ErrNoModel", err)
	}
}
