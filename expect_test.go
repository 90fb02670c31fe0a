package kolm

import (
	"bytes"
	"io"
	"math"
	"testing"

	"kolm/internal/container"
)

// TestExpectTooMuch writes a few bytes where any number was expected.
func TestExpectTooMuch(t *testing.T) {
	for _, n := range []int64{math.MaxInt64, math.MinInt64, 0} {
		var packed bytes.Buffer
		w, err := NewWriter(&packed, WithLevel(1))
		if err != nil {
			t.Fatal(err)
		}
		w.Expect(n)
		if _, err = w.Write([]byte("few")); err == nil {
			err = w.Close()
		}
		if got, err2 := unpack(packed.Bytes()); err != nil || err2 != nil || string(got) != "few" {
			t.Errorf("%d bytes expected: %q, %v, %v", n, got, err, err2)
		}
	}
}

// TestExpect looks at the blocks that a Writer cuts when it knows the size.
func TestExpect(t *testing.T) {
	const size = 3_000_001
	for _, c := range []struct {
		name string
		opts []Option
		want []uint32
	}{
		{"equal", []Option{WithLevel(1)}, []uint32{1_500_001, 1_500_000}},
		{"asked for", []Option{WithLevel(1), WithBlockSize(2 << 20)}, []uint32{2 << 20, size - 2<<20}},
		{"one block", nil, []uint32{size}},
	} {
		var packed bytes.Buffer
		w, err := NewWriter(&packed, c.opts...)
		if err != nil {
			t.Fatal(err)
		}
		w.Expect(size)
		if _, err := w.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		s := container.NewScanner(&packed)
		for i := 0; ; i++ {
			e, err := s.Skip()
			if err == io.EOF && i == len(c.want) {
				break
			}
			if err != nil || i == len(c.want) || e.Plain != c.want[i] {
				t.Fatalf("%s: block %d of %d bytes (%v), want %d", c.name, i, e.Plain, err, c.want)
			}
		}
	}
}
