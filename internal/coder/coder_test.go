package coder

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"testing"
)

// decisions returns n decisions with probabilities of the given kind; the bits
// follow the probabilities unless lie is set.
func decisions(seed uint64, n int, kind string, lie bool) (bits []int, ps []uint32) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range n {
		var p uint32
		switch kind {
		case "uniform":
			p = r.Uint32()
		case "extreme":
			p = []uint32{0, 1, 1 << 10, 1<<32 - 1, 1<<32 - 2, 1<<32 - 1<<10}[r.IntN(6)]
		case "half":
			p = 1 << 31
		case "sure":
			p = 1<<32 - 1
		case "skewed":
			p = uint32(1) << r.IntN(32)
		}
		bit := 0
		if r.Uint32() < p {
			bit = 1
		}
		if lie {
			bit = r.IntN(2)
		}
		bits, ps = append(bits, bit), append(ps, p)
	}
	return bits, ps
}

func encode(bits []int, ps []uint32) []byte {
	e := NewEncoder(nil)
	for i, b := range bits {
		e.Encode(b, ps[i])
	}
	return e.Flush()
}

func TestRoundTrip(t *testing.T) {
	for _, kind := range []string{"uniform", "extreme", "half", "sure", "skewed"} {
		for _, lie := range []bool{false, true} {
			for _, n := range []int{0, 1, 2, 7, 100, 5000} {
				bits, ps := decisions(uint64(n), n, kind, lie)
				msg := encode(bits, ps)
				d := NewDecoder(msg)
				for i, want := range bits {
					if got := d.Decode(ps[i]); got != want {
						t.Fatalf("%s lie=%v n=%d: decision %d is %d, want %d", kind, lie, n, i, got, want)
					}
				}
				if d.Overrun() > 8 || d.Unread() != 0 {
					t.Errorf("%s lie=%v n=%d: overrun %d, unread %d after a whole message", kind, lie, n, d.Overrun(), d.Unread())
				}
			}
		}
	}
}

// TestOverhead checks that a message is at most two bytes and a tiny tax longer
// than the ideal code length.
func TestOverhead(t *testing.T) {
	for _, kind := range []string{"uniform", "extreme", "half", "sure", "skewed"} {
		bits, ps := decisions(7, 200000, kind, false)
		ideal := 0.0
		for i, b := range bits {
			p := float64(ps[i]) / (1 << 32)
			if b == 0 {
				p = 1 - p
			}
			ideal -= math.Log2(p)
		}
		got := float64(8 * len(encode(bits, ps)))
		if limit := ideal*1.000001 + 16; got > limit {
			t.Errorf("%s: %.0f bits, ideal %.1f", kind, got, ideal)
		}
	}
}

func TestAppends(t *testing.T) {
	e := NewEncoder([]byte("head"))
	e.Encode(0, 1<<31)
	if got := e.Flush(); !bytes.HasPrefix(got, []byte("head")) || len(got) != 5 {
		t.Errorf("got %q, want the head and one byte", got)
	}
	if got := NewEncoder(nil).Flush(); len(got) != 0 {
		t.Errorf("an empty message takes %d bytes, want 0", len(got))
	}
}

// TestCutOff checks that a message without its end is noticed by its overrun.
func TestCutOff(t *testing.T) {
	bits, ps := decisions(3, 1000, "half", false)
	msg := encode(bits, ps)
	d := NewDecoder(msg[:len(msg)-20])
	for i := range bits {
		d.Decode(ps[i])
	}
	if d.Overrun() <= 8 {
		t.Errorf("overrun %d after 20 bytes were cut off, want more than 8", d.Overrun())
	}
	d.Reset(append(msg, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
	for i := range bits {
		d.Decode(ps[i])
	}
	if d.Unread() == 0 {
		t.Error("nothing unread although ten bytes follow the message")
	}
}

// TestGolden pins the coder's output for all time.
func TestGolden(t *testing.T) {
	bits, ps := decisions(11, 100000, "uniform", false)
	sum := sha256.Sum256(encode(bits, ps))
	const want = "e9052b7e13001e9f"
	if got := hex.EncodeToString(sum[:8]); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("some message"), uint32(1<<31))
	f.Add([]byte{}, uint32(1))
	f.Add(bytes.Repeat([]byte{255}, 40), uint32(1<<32-1))
	f.Fuzz(func(t *testing.T, msg []byte, p uint32) {
		d := NewDecoder(msg)
		var bits []int
		var ps []uint32
		for range 500 {
			bits, ps = append(bits, d.Decode(p)), append(ps, p)
			p = p*1664525 + 1013904223
		}
		// What was decoded must code again and decode to itself.
		d.Reset(encode(bits, ps))
		for i, want := range bits {
			if d.Decode(ps[i]) != want {
				t.Fatalf("decision %d does not come back", i)
			}
		}
	})
}
