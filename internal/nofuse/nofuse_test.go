package nofuse

import (
	"strings"
	"testing"
)

// The checks must find what is there: testdata/fused has one product that a
// compiler may fuse and one inexact function, testdata/plain has none.

func TestFused(t *testing.T) {
	for _, target := range targets {
		found, err := Fused("./testdata/fused", target...)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != 1 || !strings.Contains(found[0], "fused.go:7: ") {
			t.Errorf("%v: found %q, want the instruction of fused.go:7", target, found)
		}
	}
}

func TestInexact(t *testing.T) {
	found, err := Inexact("./testdata/fused")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || !strings.HasSuffix(found[0], "math.Exp") {
		t.Errorf("found %q, want math.Exp", found)
	}
}

func TestPlain(t *testing.T) { Check(t, "./testdata/plain") }

func TestMissingPackage(t *testing.T) {
	if _, err := Fused("./testdata/absent", targets[0]...); err == nil {
		t.Error("a package that is absent gave no error")
	}
}
