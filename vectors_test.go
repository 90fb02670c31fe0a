package kolm

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"strconv"
	"testing"
)

var vectorLine = regexp.MustCompile("(?m)^- ([a-z0-9, ]+): `([0-9a-f ]+)` is `(\".*\")`$")

// TestFormatVectors decodes the worked vectors of the format document.
func TestFormatVectors(t *testing.T) {
	doc, err := os.ReadFile("doc/format.md")
	if err != nil {
		t.Fatal(err)
	}
	vectors := vectorLine.FindAllStringSubmatch(string(doc), -1)
	if len(vectors) < 5 {
		t.Fatalf("doc/format.md has %d vectors, want 5 at least", len(vectors))
	}
	c, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		packed, err := hex.DecodeString(v[2])
		if err != nil {
			t.Fatalf("%s: %v", v[1], err)
		}
		want, err := strconv.Unquote(v[3])
		if err != nil {
			t.Fatalf("%s: %v", v[1], err)
		}
		got, err := c.Decode(nil, packed)
		if err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("%s: %q (%v), want %q", v[1], got, err, want)
		}
	}
}
