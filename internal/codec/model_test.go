package codec

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"kolm/internal/kernel"
	"kolm/internal/model"
	"kolm/internal/nofuse"
	"kolm/internal/token"
)

// toyText is prose enough to learn a few merges from.
var toyText = []byte(strings.Repeat("the cat sat on the mat, and the dog sat on the log; then they ate. ", 8))

// toyLM is a model of random weights with a small vocabulary.
func toyLM(t testing.TB) *LM {
	t.Helper()
	merges, err := token.Train(slices.Values([][]byte{toyText}), 288, nil)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := token.New(merges)
	if err != nil {
		t.Fatal(err)
	}
	c := model.Config{Vocab: tok.Vocab(), Dim: 32, Layers: 2, Heads: 2, KVHeads: 1, HeadDim: 16, FFN: 64, Window: 16, RopeBase: 10000, Eps: 1e-6}
	r := rand.New(rand.NewPCG(1, 2))
	vector := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(int(r.Uint32N(4001))-2000) / 8192
		}
		return v
	}
	matrix := func(rows, cols int) model.Matrix {
		return model.Matrix{Rows: rows, Cols: cols, F: vector(rows * cols)}
	}
	ones := func(n int) []float32 { return slices.Repeat([]float32{1}, n) }
	w := &model.Weights{Embed: matrix(c.Vocab, c.Dim), OutputNorm: ones(c.Dim), Output: matrix(c.Vocab, c.Dim)}
	for range c.Layers {
		w.Layers = append(w.Layers, model.Layer{
			AttnNorm: ones(c.Dim), Q: matrix(32, c.Dim), K: matrix(16, c.Dim), V: matrix(16, c.Dim),
			QNorm: ones(16), KNorm: ones(16), O: matrix(c.Dim, 32), FFNNorm: ones(c.Dim),
			Gate: matrix(c.FFN, c.Dim), Up: matrix(c.FFN, c.Dim), Down: matrix(c.Dim, c.FFN),
		})
	}
	m, err := model.New(c, w)
	if err != nil {
		t.Fatal(err)
	}
	lm, err := NewLM([32]byte{1}, m, tok)
	if err != nil {
		t.Fatal(err)
	}
	return lm
}

// inputs are blocks of every kind that the coder treats differently. Short runs,
// as on emulated CPUs, leave the long one to TestSameBits.
func inputs() map[string][]byte {
	all := allInputs()
	if testing.Short() {
		delete(all, "many streams")
	}
	return all
}

func allInputs() map[string][]byte {
	r := rand.New(rand.NewPCG(3, 4))
	random := make([]byte, 5000)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	long := bytes.Repeat(toyText, 70)
	return map[string][]byte{
		"empty":        {},
		"one byte":     []byte("x"),
		"two bytes":    []byte("xy"),
		"prose":        toyText,
		"cr lf":        bytes.ReplaceAll(toyText, []byte("; "), []byte("\r\n")),
		"mixed ends":   []byte("one\r\ntwo\nthree\r\n\r\r\n"),
		"zeros":        make([]byte, 3000),
		"all bytes":    random,
		"utf-8":        []byte(strings.Repeat("法国的首都是巴黎。 ñandú ", 20)),
		"cut utf-8":    []byte("法国的首都")[1:8],
		"many streams": long[:2*streamBytes+77],
	}
}

func TestRoundTrip(t *testing.T) {
	lm := toyLM(t)
	for _, level := range []int{1, 5} {
		c := New(Options{Level: level, LM: lm, Workers: 2})
		for name, plain := range inputs() {
			m, payload, err := c.Encode([]byte("head"), plain)
			if err != nil {
				t.Fatalf("level %d, %s: %v", level, name, err)
			}
			payload, ok := bytes.CutPrefix(payload, []byte("head"))
			if !ok {
				t.Fatalf("level %d, %s: dst was not appended to", level, name)
			}
			if len(payload) > len(plain) {
				t.Errorf("level %d, %s: %d bytes became %d", level, name, len(plain), len(payload))
			}
			back := make([]byte, len(plain))
			if err := c.Decode(back, m, payload); err != nil || !bytes.Equal(back, plain) {
				t.Errorf("level %d, %s: %v: other bytes came back (%v)", level, name, m, err)
			}
		}
	}
}

// TestModelRoundTrip codes everything with the model, whether it pays or not.
func TestModelRoundTrip(t *testing.T) {
	lm := toyLM(t)
	one, two := newModelCoder(lm, 1), newModelCoder(lm, 2)
	for name, plain := range inputs() {
		payload, _ := one.encode(nil, plain, 0)
		if other, _ := two.encode(nil, plain, 0); !bytes.Equal(payload, other) {
			t.Errorf("%s: two workers make other bytes than one", name)
		}
		back := make([]byte, len(plain))
		if err := two.decode(back, payload); err != nil || !bytes.Equal(back, plain) {
			t.Errorf("%s: other bytes came back (%v)", name, err)
		}
		if len(payload) > 0 && len(plain) > 1 {
			if err := one.decode(back, payload[:len(payload)/2]); err == nil && bytes.Equal(back, plain) {
				t.Errorf("%s: half the payload gives the same bytes", name)
			}
		}
	}
}

// TestSameBits is the promise of the format: the same payload with every kernel
// variant and on every architecture.
func TestSameBits(t *testing.T) {
	const golden = "7e51678b8c35251bb957e1ce80ea5c0f48a8ee4db18ea150dad4c37a93bdf980"
	lm := toyLM(t)
	active := kernel.Active()
	defer kernel.Use(active)
	names := []string{"prose", "cr lf", "utf-8", "many streams", "all bytes"}
	for _, variant := range kernel.Variants() {
		if err := kernel.Use(variant); err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		all := allInputs()
		for _, name := range names {
			payload, _ := newModelCoder(lm, 2).encode(nil, all[name], 0)
			h.Write(payload)
		}
		if got := fmt.Sprintf("%x", h.Sum(nil)); got != golden {
			t.Errorf("%s: payloads hash to %s, want %s", variant, got, golden)
		}
	}
}

func TestDamagedPayload(t *testing.T) {
	lm := toyLM(t)
	c := New(Options{Level: 5, LM: lm})
	payload, _ := newModelCoder(lm, 1).encode(nil, toyText, 0)
	r := rand.New(rand.NewPCG(5, 6))
	back := make([]byte, len(toyText))
	times := 300
	if testing.Short() {
		times = 30
	}
	for range times {
		bad := slices.Clone(payload)
		bad[r.IntN(len(bad))] ^= byte(1 + r.IntN(255))
		for _, m := range []Method{Contexts, Model} {
			if err := c.Decode(back, m, bad); err != nil && !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%v: error %v is not ErrCorrupt", m, err)
			}
		}
	}
}

func TestNoModel(t *testing.T) {
	c := New(Options{Level: 5})
	if _, _, err := c.Encode(nil, toyText); !errors.Is(err, ErrNoModel) {
		t.Errorf("packing without a model: %v", err)
	}
	if err := c.Decode(make([]byte, 9), Model, []byte{1, 2}); !errors.Is(err, ErrNoModel) {
		t.Errorf("unpacking without a model: %v", err)
	}
}

// TestTree walks to every token and back.
func TestTree(t *testing.T) {
	lm := toyLM(t)
	tr := lm.tree
	if len(tr.id) != lm.Tok.Vocab()-1 || len(tr.nodes) != len(tr.id)-1 {
		t.Fatalf("%d ranks and %d nodes of a vocabulary of %d", len(tr.id), len(tr.nodes), lm.Tok.Vocab())
	}
	for rank, id := range tr.id {
		at := tr.root
		for at >= 0 {
			n := tr.nodes[at]
			if n.lo >= n.mid || n.mid >= n.hi || int(n.lo) > rank || rank >= int(n.hi) {
				t.Fatalf("rank %d passes a node of [%d,%d,%d)", rank, n.lo, n.mid, n.hi)
			}
			side := 0
			if rank >= int(n.mid) {
				side = 1
			}
			at = n.child[side]
		}
		if int(^at) != rank || tr.rank[id] != int32(rank) {
			t.Errorf("token %d of rank %d is found at %d", id, rank, ^at)
		}
	}
}

func TestCut(t *testing.T) {
	for n := range 300 {
		for _, s := range []int{1, 2, 4, 8, 16} {
			at := 0
			for i := range s {
				from, to := cut(n, s, i)
				if from != at || to < from || to-from > n/s+1 {
					t.Fatalf("stream %d of %d in %d bytes is [%d,%d), the one before ended at %d", i, s, n, from, to, at)
				}
				at = to
			}
			if at != n {
				t.Fatalf("%d streams of %d bytes end at %d", s, n, at)
			}
		}
	}
	for n, want := range map[int]int{1: 1, 2: 2, 4: 2, 8: 2, 16: 4} {
		if got := groupCount(n); got != want {
			t.Errorf("%d streams in %d groups, want %d", n, got, want)
		}
	}
	for n, want := range map[int]int{0: 1, 24575: 1, 24576: 2, 98304: 8, 196607: 8, 196608: 16, 4 << 20: 16} {
		if got := streamCount(n); got != want {
			t.Errorf("%d bytes in %d streams, want %d", n, got, want)
		}
	}
}

func TestLogarithm(t *testing.T) {
	for x, want := range map[uint32]int32{1: 32, 2: 45458, 1 << 31: 31*45426 + 32, 1<<32 - 1: 32*45426 - 20} {
		if got := ln(x); got < want-32 || got > want+32 {
			t.Errorf("ln(%d) is %d, want about %d", x, got, want)
		}
	}
	for x := uint32(1); x < 1<<20; x += 7 {
		if ln(x) > ln(x+7) {
			t.Fatalf("ln falls between %d and %d", x, x+7)
		}
	}
}

// TestEndNoticed: a payload that has ended is refused then, not after all that its
// block might have held.
func TestEndNoticed(t *testing.T) {
	for _, m := range []Method{Contexts, Model, Single} {
		read := 0
		c := New(Options{Level: 5, LM: toyLM(t), Workers: 1})
		c.Report(func(n int) { read += n })
		err := c.Decode(make([]byte, 1<<20), m, []byte{0x9a})
		if !errors.Is(err, ErrCorrupt) || read > 1<<19 {
			t.Errorf("%v: %v after %d bytes", m, err, read)
		}
	}
}

func TestNotFused(t *testing.T) { nofuse.Check(t, "kolm/internal/codec") }

// TestHugePagesTogether asks for large pages for two coders at once, whose model
// is one: for the race detector.
func TestHugePagesTogether(t *testing.T) {
	lm := toyLM(t)
	var together sync.WaitGroup
	for range 2 {
		c := newModelCoder(lm, 1)
		c.hold(maxStreams)
		together.Go(c.hugePages)
	}
	together.Wait()
}
