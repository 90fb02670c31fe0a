package codec

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// table is lines of numbers that the contexts learn as well as any model.
func table(n int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%08d,2026-11-%02d,%s,0.00,%d\n", i, 1+i/400%28, []string{"open", "closed"}[r.IntN(2)], r.IntN(4))
	}
	return b.Bytes()[:n]
}

// TestGate requires the encoder to leave a table to the contexts, early, and to
// give the same payload however many goroutines work.
func TestGate(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the encoder chooses here, with no arithmetic that other tests lack; the run without -short has it")
	}
	lm := toyLM(t)
	plain := table(200_000)
	_, alone, err := New(Options{Level: 4}).Encode(nil, plain)
	if err != nil {
		t.Fatal(err)
	}
	for workers := 1; workers <= 2; workers++ {
		c := New(Options{Level: 5, LM: lm, Workers: workers})
		m, payload, err := c.Encode([]byte("x"), plain)
		if err != nil {
			t.Fatal(err)
		}
		if m != Contexts || !bytes.Equal(payload[1:], alone) {
			t.Errorf("%d workers: method %v, %d bytes; the contexts take %d", workers, m, len(payload)-1, len(alone))
		}
		done := 0
		for _, g := range c.model.groups {
			for _, s := range g.streams {
				done += s.done
			}
		}
		if done < 16*seenBytes || done > 16*seenBytes*2 {
			t.Errorf("%d workers: gave up after %d bytes, want soon after %d", workers, done, 16*seenBytes)
		}
	}
}

// TestNeverWorse requires level 5 to take no more than its contexts alone, and so
// hardly ever more than level 1, wherever it has to ask: on everything but what
// is surely prose.
func TestNeverWorse(t *testing.T) {
	lm := toyLM(t)
	for name, plain := range inputs() {
		c := New(Options{Level: 5, LM: lm, Workers: 1})
		if c.prose(plain) {
			continue
		}
		_, best, err := c.Encode(nil, plain)
		if err != nil {
			t.Fatal(err)
		}
		for level, slack := range map[int]int{1: 8 + len(plain)/100, 2: 0} {
			_, fast, err := New(Options{Level: level}).Encode(nil, plain)
			if err != nil {
				t.Fatal(err)
			}
			if len(best) > len(fast)+slack {
				t.Errorf("%s: %d bytes at level 5, %d at level %d", name, len(best), len(fast), level)
			}
		}
	}
}
