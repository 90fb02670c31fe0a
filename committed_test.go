package kolm

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFormat1 unpacks archives that were made when format 1 was settled, with a
// model of their own, which no change of the built-in ones touches. They are never
// made again: whatever can not read them is another format version.
func TestFormat1(t *testing.T) {
	dir := filepath.Join("testdata", "format1")
	file, err := os.ReadFile(filepath.Join(dir, "toy.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	toy, err := ParseModel(file)
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	methods := methodSet{}
	for line := range strings.Lines(string(sums)) {
		f := strings.Fields(line)
		packed, err := os.ReadFile(filepath.Join(dir, f[1]))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := unpack(packed, WithModel(toy))
		if sum := fmt.Sprintf("%x", sha256.Sum256(plain)); err != nil || sum != f[0] {
			t.Errorf("%s: %d bytes of hash %s, %v; want %s", f[1], len(plain), sum, err, f[0])
		}
		methods.add(t, packed)
	}
	methods.complete(t)
}
