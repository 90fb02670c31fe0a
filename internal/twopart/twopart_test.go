package twopart

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"kolm/internal/ledger"
	"kolm/internal/model"
	"kolm/internal/modelfile"
)

// toy is a small model with random weights, laid out as training does it.
func toy(t testing.TB, seed uint64) *modelfile.File {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	matrix := func(rows, cols int) model.Matrix {
		m := model.Matrix{Rows: rows, Cols: cols, F: make([]float32, rows*cols)}
		for i := range m.F {
			m.F[i] = float32(r.IntN(4001)-2000) / 8192
		}
		return m
	}
	ones := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = 1
		}
		return v
	}
	merges := [][2]int32{{'t', 'h'}, {257, 'e'}}
	c := model.Config{Vocab: 259, Dim: 32, Layers: 2, Heads: 2, KVHeads: 1, HeadDim: 32, FFN: 64, Window: 64, RopeBase: 10000, Eps: 1e-6}
	w := &model.Weights{Output: matrix(c.Vocab, c.Dim), OutputNorm: ones(c.Dim)}
	w.Embed = input(w.Output, c.Eps)
	for range c.Layers {
		w.Layers = append(w.Layers, model.Layer{
			AttnNorm: ones(32), FFNNorm: ones(32), QNorm: ones(32), KNorm: ones(32),
			Q: matrix(64, 32), K: matrix(32, 32), V: matrix(32, 32), O: matrix(32, 64),
			Gate: matrix(64, 32), Up: matrix(64, 32), Down: matrix(32, 64),
		})
	}
	f, err := modelfile.New("toy", c, w, merges)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func evenSteps(f *modelfile.File, step float32) []float32 {
	steps := make([]float32, matrices(f.Config))
	for i := range steps {
		steps[i] = step
	}
	return steps
}

var text = []byte(strings.Repeat("then the other thing, the one that they have said; ", 40))

// TestFiles: in every precision the file gives back the data without anything
// else, and its components are 8 times its size.
func TestFiles(t *testing.T) {
	f := toy(t, 1)
	inputs := [][]byte{{}, {0}, make([]byte, 3000), text}
	if !testing.Short() {
		inputs = append(inputs, bytes.Repeat(text, 40))
	}
	for _, p := range []Precision{Float32, BFloat16, Int8, Coded} {
		m, err := NewModel(f, p, evenSteps(f, .03))
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range inputs {
			file, err := Encode(m, data, 2)
			if err != nil {
				t.Fatalf("%v, %d bytes: %v", p, len(data), err)
			}
			back, err := Decode(file.Bytes, 1)
			if err != nil || !bytes.Equal(back, data) {
				t.Errorf("%v, %d bytes: did not come back: %v", p, len(data), err)
			}
			if err := file.Ledger.Close(int64(len(file.Bytes))); err != nil {
				t.Error(err)
			}
			entries := map[string]float64{}
			for _, e := range file.Ledger.Entries {
				entries[e.What] = e.Bits.Float()
			}
			if len(entries) != 7 {
				t.Errorf("%v: entries %v", p, entries)
			}
			// Of each block the method, two lengths, and the coder's last bytes.
			if over := entries["coder overhead"]; over < -8 || over > 90 {
				t.Errorf("%v, %d bytes: coder overhead %.1f bits", p, len(data), over)
			}
			if got := file.Ledger.Sum(ledger.Model); got != ledger.Bytes(int64(m.Size())) {
				t.Errorf("%v: model of %v bits, %d bytes", p, got.Float(), m.Size())
			}
		}
	}
}

// TestPrecisions: int8 loses nothing of float32 under a codec that computes in
// int8, and coarser weights take less room.
func TestPrecisions(t *testing.T) {
	f := toy(t, 2)
	sizes := map[Precision]int{}
	data := map[Precision]int{}
	for _, p := range []Precision{Float32, BFloat16, Int8, Coded} {
		m, err := NewModel(f, p, evenSteps(f, .2))
		if err != nil {
			t.Fatal(err)
		}
		sizes[p] = m.Size()
		if data[p], err = m.DataBytes(text, 1); err != nil {
			t.Fatal(err)
		}
	}
	if sizes[Float32] < 2*sizes[BFloat16]-200 || sizes[BFloat16] < sizes[Int8] || sizes[Int8] < 3*sizes[Coded] {
		t.Errorf("sizes %v", sizes)
	}
	if data[Float32] != data[Int8] {
		t.Errorf("data %v: int8 differs from float32", data)
	}
}

// TestGreedyModel: a small file must not ask for gigabytes of keys and values.
func TestGreedyModel(t *testing.T) {
	f := toy(t, 1)
	m, err := NewModel(f, Coded, evenSteps(f, .2))
	if err != nil {
		t.Fatal(err)
	}
	c := f.Config
	c.Window = 1 << 16
	if err := m.open(c, f.Merges); err != nil {
		t.Fatalf("a window of %d: %v", c.Window, err)
	}
	c.Layers = 1 << 12
	if err := m.open(c, f.Merges); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "keys and values") {
		t.Errorf("%d layers of it: %v", c.Layers, err)
	}
}

func TestFindSteps(t *testing.T) {
	f := toy(t, 3)
	s, err := FindSteps(context.Background(), f, text, 1, func(float64) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Curve {
		if p.Total() < s.Best.Total() {
			t.Errorf("%+v is better than the best, %+v", p, s.Best)
		}
	}
	m, err := NewModel(f, Coded, s.Steps)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := m.DataBytes(text, 1); err != nil || n != s.Best.Data || m.Size() != s.Best.Model {
		t.Errorf("the best model makes %d and %d bytes (%v), the search said %+v", m.Size(), n, err, s.Best)
	}
	// Random weights tell nothing of the text: none should be paid for.
	if s.Best.PerWeight > 1 {
		t.Errorf("%.2f bits for each random weight", s.Best.PerWeight)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := FindSteps(ctx, f, text, 1, func(float64) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// file is a small file of coarse weights.
func file(t testing.TB) []byte {
	t.Helper()
	f := toy(t, 4)
	m, err := NewModel(f, Coded, evenSteps(f, .3))
	if err != nil {
		t.Fatal(err)
	}
	made, err := Encode(m, []byte("said the other to the other"), 1)
	if err != nil {
		t.Fatal(err)
	}
	return made.Bytes
}

// TestDamage: no change of a byte and no cut goes unnoticed.
func TestDamage(t *testing.T) {
	b := file(t)
	step := 31
	if testing.Short() {
		step = 197
	}
	for i := 0; i < len(b); i += step {
		bad := bytes.Clone(b)
		bad[i] ^= 1 << (i % 8)
		if _, err := Decode(bad, 1); err == nil {
			t.Errorf("byte %d changed, and nobody noticed", i)
		}
		if _, err := Decode(b[:i], 1); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := Decode(append(bytes.Clone(b), 0), 1); err == nil {
		t.Error("a byte more, and nobody noticed")
	}
}

func FuzzDecode(f *testing.F) {
	b := file(f)
	f.Add(b)
	f.Add(b[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		if plain, err := Decode(b, 1); err == nil && len(plain) > MaxPlain {
			t.Fatal("too long")
		}
	})
}
