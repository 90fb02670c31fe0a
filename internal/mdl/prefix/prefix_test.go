package prefix

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestQueueRuns(t *testing.T) {
	for _, c := range []struct {
		signs, out string
		steps      int
	}{
		{".", "", 1},
		{"0110.", "0110", 5},
		{"01DD.", "01010101", 2 + 3 + 5 + 1},
		{"?1.", "1", 3},
		{"01?.", "01", 4},
		{"10?0.", "10100", 3 + 3 + 1 + 1},
	} {
		p, err := QueueProgram(c.signs)
		if err != nil {
			t.Fatal(err)
		}
		out, steps, err := Queue{}.Run(p, Limits{100, 100})
		if err != nil || string(out) != c.out || steps != c.steps {
			t.Errorf("%s writes %q in %d steps (%v), want %q in %d", c.signs, out, steps, err, c.out, c.steps)
		}
		if len(c.out) > 0 {
			if _, _, err := (Queue{}).Run(p, Limits{100, len(c.out) - 1}); !errors.Is(err, ErrOutput) {
				t.Errorf("%s within %d bytes: %v", c.signs, len(c.out)-1, err)
			}
		}
		if _, _, err := (Queue{}).Run(p, Limits{c.steps - 1, 100}); !errors.Is(err, ErrSteps) {
			t.Errorf("%s within %d steps: %v", c.signs, c.steps-1, err)
		}
	}
	if p, err := QueueProgram("1?."); err != nil {
		t.Error(err)
	} else if _, _, err := (Queue{}).Run(p, Limits{10000, 10000}); !errors.Is(err, ErrSteps) {
		t.Errorf("1?. halts: %v", err)
	}
}

// TestEnumeration: the enumeration has exactly the bit strings that are
// programs; they are a prefix code; every certificate verifies; and K_T only falls.
func TestEnumeration(t *testing.T) {
	const small = 12
	e := Enumerate(small, 1000)
	programs, kraft := 0, 0.0
	for n := range small + 1 {
		for v := range 1 << n {
			p := make(Program, n)
			for i := range p {
				p[i] = byte(v >> i & 1)
			}
			if _, err := (Queue{}).Signs(p); err != nil {
				continue
			}
			programs++
			kraft += math.Exp2(-float64(n))
			for cut := range n {
				if _, err := (Queue{}).Signs(p[:cut]); err == nil {
					t.Errorf("%v and its beginning of %d bits are both programs", p, cut)
				}
			}
		}
	}
	if programs != e.Programs || kraft != e.Kraft || kraft > 1 {
		t.Errorf("enumerated %d programs of weight %v, want %d, %v", e.Programs, e.Kraft, programs, kraft)
	}
}

func TestComplexity(t *testing.T) {
	e := Enumerate(20, 2000)
	if e.Kraft > 1 {
		t.Errorf("weights sum to %v", e.Kraft)
	}
	if e.Programs != 44745 || e.Traded() < 500 {
		t.Errorf("%d programs, %d strings with faster and shorter ones", e.Programs, e.Traded())
	}
	for n := range 9 { // every short string has its literal program at least
		for v := range 1 << n {
			s := make([]byte, n)
			for i := range s {
				s[i] = '0' + byte(v>>i&1)
			}
			if k, ok := e.K(string(s), 20, 2000); !ok || k > 2*n+3 {
				t.Fatalf("K(%s) is %d, %v", s, k, ok)
			}
		}
	}
	for out, best := range e.Found {
		last := 0
		for steps := 1; steps <= 2048; steps *= 2 {
			k, ok := e.K(out, 20, steps)
			if last > 0 && (!ok || k > last) {
				t.Fatalf("K of %s rises with the steps", out)
			}
			if ok {
				last = k
			}
		}
		if last != best.Bits {
			t.Fatalf("K(%s) is %d in the end, want %d", out, last, best.Bits)
		}
		p, err := QueueProgram(best.Program)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Certify(Queue{}, p, Limits{best.Steps, 2000})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Verify(); err != nil || string(got) != out || c.Bits != best.Bits {
			t.Fatalf("certificate of %s: %q, %d bits, %v", out, got, c.Bits, err)
		}
	}
}

func TestStreams(t *testing.T) {
	const n = 1 << 12
	key := make([]byte, 16)
	for i := range key {
		key[i] = byte(i)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	stream := make([]byte, n)
	cipher.NewCTR(block, make([]byte, 16)).XORKeyStream(stream, stream)
	shifts := make([]byte, 0, n)
	for x := uint32(1); len(shifts) < n; {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		shifts = binary.LittleEndian.AppendUint32(shifts, x)
	}
	for _, c := range []struct {
		name    string
		program func(int) (Program, error)
		want    []byte
	}{{"AES", AES, stream}, {"xorshift", Xorshift, shifts}} {
		p, err := c.program(n)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := Certify(Register{}, p, Limits{1 << 30, n})
		if err != nil {
			t.Fatal(err)
		}
		if out, err := cert.Verify(); err != nil || !bytes.Equal(out, c.want) {
			t.Errorf("%s writes %.16x (%v), want %.16x", c.name, out, err, c.want)
		}
	}
}

// TestForged changes a certificate in every way.
func TestForged(t *testing.T) {
	p, err := Xorshift(64)
	if err != nil {
		t.Fatal(err)
	}
	good, err := Certify(Register{}, p, Limits{1 << 20, 64})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Certificate){
		"machine":    func(c *Certificate) { c.Machine = "kolm-queue-1" },
		"no machine": func(c *Certificate) { c.Machine = "kolm-other-1" },
		"bits":       func(c *Certificate) { c.Bits-- },
		"more bits":  func(c *Certificate) { c.Bits += 8 },
		"negative":   func(c *Certificate) { c.Bits = -1 },
		"program":    func(c *Certificate) { c.Program = "f" + c.Program[1:] },
		"not hex":    func(c *Certificate) { c.Program = "x" + c.Program[1:] },
		"short":      func(c *Certificate) { c.Program = c.Program[2:] },
		"steps":      func(c *Certificate) { c.Steps-- },
		"length":     func(c *Certificate) { c.Length++ },
		"shorter":    func(c *Certificate) { c.Length-- },
		"negative n": func(c *Certificate) { c.Length = -1 },
		"sum":        func(c *Certificate) { c.SHA256 = strings.Repeat("0", 64) },
	} {
		forged := good
		change(&forged)
		if _, err := forged.Verify(); err == nil {
			t.Errorf("%s changed: still accepted", name)
		}
	}
	text, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	var back Certificate
	if err := json.Unmarshal(text, &back); err != nil || back != good {
		t.Errorf("through JSON: %v, %v", back, err)
	}
}

func TestAssembleErrors(t *testing.T) {
	for _, text := range []string{"", "foo r1 2", "set r16 1", "set r1 256", "set r1", "mov r1 3", "jnz r1 far", "out r1 r2", "end r1", "set x 1"} {
		if p, err := Assemble(text); err == nil {
			t.Errorf("%q: assembled to %v", text, p)
		}
	}
	p, err := Assemble("a = r3\n set a -1 ; all ones\n shr a 31\nx: jnz a y\ny: \n end")
	if err == nil {
		t.Errorf("label beside an instruction: assembled to %v", p)
	}
}

// FuzzRun: no bits make a machine panic, and what runs certifies.
func FuzzRun(f *testing.F) {
	for _, text := range []string{"set r1 3\nl:\nout r1\nadi r1 -1\njnz r1 l\nend", "end"} {
		p, err := Assemble(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.pack(), len(p))
	}
	q, err := QueueProgram("10D?D.")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q.pack(), len(q))
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		p, err := unpack(b, n)
		if err != nil {
			return
		}
		if again, err := unpack(p.pack(), len(p)); err != nil || !slices.Equal(again, p) {
			t.Fatalf("packing changes %v", p)
		}
		for _, m := range []Machine{Queue{}, Register{}} {
			c, err := Certify(m, p, Limits{5000, 1000})
			if err != nil {
				continue
			}
			if _, err := c.Verify(); err != nil {
				t.Errorf("%s: own certificate refused: %v", m.ID(), err)
			}
		}
	})
}
