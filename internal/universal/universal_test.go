package universal

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func all() map[string]func() Code {
	m := map[string]func() Code{"ctw": CTW, "mixture": Orders}
	for k := range MaxOrder + 1 {
		m[fmt.Sprint("kt ", k)] = func() Code { return KT(k) }
	}
	return m
}

func samples() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 3000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	return map[string][]byte{
		"empty": {}, "one": {7}, "zeros": make([]byte, 5000), "noise": noise,
		"text": []byte(strings.Repeat("the code of a sequence that repeats itself. ", 90)),
	}
}

func TestRoundTrip(t *testing.T) {
	for name, data := range samples() {
		for code, make := range all() {
			f, err := Encode(make(), bytes.Clone(data))
			if err != nil {
				t.Fatal(err)
			}
			back, err := Decode(make(), f.Bytes)
			if err != nil || !bytes.Equal(back, data) {
				t.Errorf("%s, %s: did not come back (%v)", name, code, err)
			}
			// The coder's cost beside the ideal length: the end of the message.
			if over := float64(8*(len(f.Bytes)-f.Header)) - f.Ideal; over < -.01 || over > 10 {
				t.Errorf("%s, %s: %.2f bits over the ideal %.2f", name, code, over, f.Ideal)
			}
		}
	}
}

// TestKT compares with the closed form of the estimator: the gamma function of
// the final counts at every node in every context.
func TestKT(t *testing.T) {
	for name, data := range samples() {
		for order := range 4 {
			n := map[uint64]*[2]float64{}
			var past uint64
			for _, b := range data {
				node := 1
				for i := 7; i >= 0; i-- {
					k, bit := key(past, order, node), int(b>>i&1)
					if n[k] == nil {
						n[k] = new([2]float64)
					}
					n[k][bit]++
					node = node<<1 | bit
				}
				past = past<<8 | uint64(b)
			}
			want := 0.0
			for _, c := range n {
				a, _ := math.Lgamma(c[0] + .5)
				b, _ := math.Lgamma(c[1] + .5)
				all, _ := math.Lgamma(c[0] + c[1] + 1)
				want += (all + math.Log(math.Pi) - a - b) / math.Ln2
			}
			f, err := Encode(KT(order), bytes.Clone(data))
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(f.Ideal-want) > 1e-3+1e-6*want {
				t.Errorf("%s, order %d: %.4f bits, closed form %.4f", name, order, f.Ideal, want)
			}
		}
	}
}

// TestMixtures compares sequential mixtures with the mixture of whole lengths:
// CTW recursively from the closed form at each node, and the static mixture of
// the orders.
func TestMixtures(t *testing.T) {
	text := []byte(strings.Repeat("abracadabra, said the order; ", 12))
	length := func(c Code) float64 {
		f, err := Encode(c, bytes.Clone(text))
		if err != nil {
			t.Fatal(err)
		}
		return f.Ideal
	}
	sum := 0.0
	for k := range MaxOrder + 1 {
		sum += math.Exp2(-length(KT(k))+300) / (MaxOrder + 1)
	}
	if got, want := length(Orders()), 300-math.Log2(sum); math.Abs(got-want) > .01 {
		t.Errorf("mixture of orders: %.4f bits, of whole lengths %.4f", got, want)
	}
	if got, want := length(CTW()), treeLength(text); math.Abs(got-want) > .01 {
		t.Errorf("context trees: %.4f bits, by recursion over whole lengths %.4f", got, want)
	}
}

// treeLength is the length of the mixture over context trees, for each node of
// the tree of bytes from its final counts.
func treeLength(text []byte) float64 {
	type place struct {
		past [MaxOrder]byte
		bit  int
	}
	at := map[int][]place{}
	var past [MaxOrder]byte // the newest first
	for _, b := range text {
		node := 1
		for i := 7; i >= 0; i-- {
			bit := int(b >> i & 1)
			at[node] = append(at[node], place{past, bit})
			node = node<<1 | bit
		}
		copy(past[1:], past[:MaxOrder-1])
		past[0] = b
	}
	var mixed func(seen []place, depth int) float64
	mixed = func(seen []place, depth int) float64 {
		var n counts
		own := 0.0
		below := map[byte][]place{}
		for _, p := range seen {
			own -= math.Log2(n.probability(p.bit))
			n[p.bit]++
			if depth < MaxOrder {
				below[p.past[depth]] = append(below[p.past[depth]], p)
			}
		}
		if depth == MaxOrder {
			return own
		}
		children := 0.0
		for _, s := range below {
			children += mixed(s, depth+1)
		}
		return 1 + min(own, children) - math.Log2(1+math.Exp2(-math.Abs(own-children)))
	}
	total := 0.0
	for _, seen := range at {
		total += mixed(seen, 0)
	}
	return total
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{3, 1, 2, 3})
	f.Add([]byte{255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 3 && file[0] >= 128 && file[1] >= 128 && file[2] > 3 {
			return // lengths that only take time
		}
		for _, make := range all() {
			data, err := Decode(make(), file)
			if err != nil {
				continue
			}
			back, err := Encode(make(), bytes.Clone(data))
			if err != nil {
				t.Fatal(err)
			}
			if again, err := Decode(make(), back.Bytes); err != nil || !bytes.Equal(again, data) {
				t.Fatalf("did not come back (%v)", err)
			}
		}
	})
}
