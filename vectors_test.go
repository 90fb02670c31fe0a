package kolm

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
)

var vectorLine = regexp.MustCompile("(?m)^- ([a-z0-9, ]+): `([0-9a-f ]+)` is `(\".*\")`$")

// TestFormatVectors decodes the worked vectors of the format document. With
// -update-format it writes them anew first.
func TestFormatVectors(t *testing.T) {
	if *updateFormat {
		writeVectors(t)
	}
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

// writeVectors packs the texts of the vectors at the levels that their names say.
func writeVectors(t *testing.T) {
	doc, err := os.ReadFile("doc/format.md")
	if err != nil {
		t.Fatal(err)
	}
	doc = vectorLine.ReplaceAllFunc(doc, func(line []byte) []byte {
		v := vectorLine.FindSubmatch(line)
		text, err := strconv.Unquote(string(v[3]))
		if err != nil {
			t.Fatalf("%s: %v", v[1], err)
		}
		level := 1
		if string(v[1]) == "model" {
			level = 5
		}
		c, err := NewCodec(WithLevel(level))
		if err != nil {
			t.Fatal(err)
		}
		packed, err := c.Encode(nil, []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", v[1], err)
		}
		return fmt.Appendf(nil, "- %s: `%x` is `%s`", v[1], packed, v[3])
	})
	if err := os.WriteFile("doc/format.md", doc, 0o666); err != nil {
		t.Fatal(err)
	}
}
