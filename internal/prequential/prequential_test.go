package prequential

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kolm/internal/kernel"
	"kolm/internal/nofuse"
)

var text = []byte(strings.Repeat("a decoder learns what its encoder learned; ", 12))

func encode(t *testing.T, data []byte, threads int) []byte {
	t.Helper()
	file, err := Encode(data, Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRoundTrip(t *testing.T) {
	for _, data := range [][]byte{{}, {0}, {255, 0}, text} {
		file := encode(t, data, 1)
		if two := encode(t, data, 2); !bytes.Equal(two, file) {
			t.Errorf("%d bytes: two threads make another file than one", len(data))
		}
		decisions := 0
		back, err := Decode(file, Options{Threads: 2, Watch: func(uint32) { decisions++ }})
		if err != nil || !bytes.Equal(back, data) || decisions != 8*len(data) {
			t.Errorf("%d bytes: other bytes came back in %d decisions (%v)", len(data), decisions, err)
		}
	}
	if n := len(encode(t, text, 1)); n > len(text)*2/3 {
		t.Errorf("%d bytes that repeat take %d", len(text), n)
	}
}

// TestSameBits: every kernel variant makes the same file, the one of the day when
// the code was made.
func TestSameBits(t *testing.T) {
	active := kernel.Active()
	defer kernel.Use(active)
	const golden = "6490e1086f60901b72da5c9de0ffa807748eb1ecc54fe85441235d173d3c22ec852b3ab05a3a520ea86fb122a9c4bf0ec8e17ab44fb3eb66b79c7f8ad71d69419fa6a4e7750912e296fbc2ccb87dbe726ed3eb61212b674b8e8a40c4c2c661d7"
	for _, variant := range kernel.Variants() {
		if err := kernel.Use(variant); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", encode(t, text[:100], 1)); got != golden {
			t.Errorf("%s makes %s", variant, got)
		}
	}
}

func TestDamage(t *testing.T) {
	data := text[:100]
	whole := encode(t, data, 1)
	for _, file := range [][]byte{{}, {0x80}, bytes.Repeat([]byte{0xff}, 9), whole[:len(whole)/2], append(slices.Clone(whole), 1, 2, 3, 4, 5, 6, 7, 8, 9)} {
		if back, err := Decode(file, Options{}); err == nil && bytes.Equal(back, data) || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d damaged bytes: %v", len(file), err)
		}
	}
}

// TestSizes: every size that the rule gives is one that the learner takes.
func TestSizes(t *testing.T) {
	for _, n := range []int{0, 19_999, 20_000, 1_000_000, MaxBytes} {
		if _, err := newNet(SizeFor(n), 1); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestNotFused(t *testing.T) { nofuse.Check(t, "kolm/internal/prequential") }
