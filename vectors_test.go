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
	c, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range workedVectors(t) {
		got, err := c.Decode(nil, v.packed)
		if err != nil || !bytes.Equal(got, v.plain) {
			t.Errorf("%s: %q (%v), want %q", v.name, got, err, v.plain)
		}
	}
}

// vector is a worked vector of the format document.
type vector struct {
	name          string
	packed, plain []byte
}

// workedVectors reads those of doc/format.md.
func workedVectors(t *testing.T) (list []vector) {
	t.Helper()
	doc, err := os.ReadFile("doc/format.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectorLine.FindAllStringSubmatch(string(doc), -1) {
		packed, err := hex.DecodeString(v[2])
		if err != nil {
			t.Fatalf("%s: %v", v[1], err)
		}
		plain, err := strconv.Unquote(v[3])
		if err != nil {
			t.Fatalf("%s: %v", v[1], err)
		}
		list = append(list, vector{v[1], packed, []byte(plain)})
	}
	if len(list) < 5 {
		t.Fatalf("doc/format.md has %d vectors, want 5 at least", len(list))
	}
	return list
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
