package kolm

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kolm/internal/codec"
)

var allDecoder = flag.Bool("decoder", false, "give doc/decoder every archive of testdata/format1, not only the quick ones (minutes)")

// quickArchives are those of testdata/format1 that doc/decoder unpacks in seconds:
// methods 0 to 2, the three sets of contexts, several blocks. The worked vectors
// have changed line ends and the method "model".
var quickArchives = []string{"empty.kolm", "stored.kolm", "fill.kolm", "contexts-1-blocks.kolm", "contexts-2.kolm", "contexts-2-zh.kolm"}

// TestDecoder gives archives to the second decoder, which was written from
// doc/format.md, and compares what it makes of them with the hashes of the originals.
func TestDecoder(t *testing.T) {
	python := needPython(t)
	sums, err := os.ReadFile(filepath.Join("testdata", "format1", "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(sums)) {
		f := strings.Fields(line)
		if !*allDecoder && !slices.Contains(quickArchives, f[1]) {
			continue
		}
		found++
		t.Run(f[1], func(t *testing.T) {
			t.Parallel()
			plain, err := python.decode(t, format1(t, f[1]))
			if sum := fmt.Sprintf("%x", sha256.Sum256(plain)); err != nil || sum != f[0] {
				t.Errorf("%d bytes of hash %s, %v; want %s", len(plain), sum, err, f[0])
			}
		})
	}
	if found < len(quickArchives) {
		t.Errorf("testdata/format1 has %d of the archives %q", found, quickArchives)
	}
}

// TestDecoderVectors gives the worked vectors of doc/format.md to the second decoder,
// alone and all as the members of one file.
func TestDecoderVectors(t *testing.T) {
	python := needPython(t)
	var packed, want []byte
	for _, v := range workedVectors(t) {
		packed, want = append(packed, v.packed...), append(want, v.plain...)
	}
	got, err := python.decode(t, packed)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%q (%v), want %q", got, err, want)
	}
}

// TestDecoderLearns gives the second decoder a text from which the model learns once.
func TestDecoderLearns(t *testing.T) {
	python := needPython(t)
	toy, err := ParseModel(format1(t, "toy.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	text := longTokens(1 << 10) // the least that a model learns from
	packed := pack(t, text, WithModel(toy), WithLevel(9))
	methods := methodSet{}
	if methods.add(t, packed); !methods[byte(codec.Single)] {
		t.Fatalf("the text has blocks of the methods %v, none of %v", methods, codec.Single)
	}
	if got, err := python.decode(t, packed); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%q (%v), want %q", got, err, text)
	}
}

// longTokens is n bytes of text in few tokens of the toy model, but more than the
// 192 that it learns from at a time.
func longTokens(n int) []byte {
	rng := rand.New(rand.NewPCG(5, 6))
	words := []string{"\treturn", "func", " err", " nil", "\tfor", " ran", "loat", " int", " the"}
	var b bytes.Buffer
	for b.Len() < n {
		b.WriteString(words[rng.IntN(len(words))])
	}
	return b.Bytes()[:n]
}

// TestDecoderDamage: the second decoder ends with a message and the status 1, and
// writes nothing of a block that is wrong.
func TestDecoderDamage(t *testing.T) {
	python := needPython(t)
	const blockSize = 50
	plain := prose(2*blockSize + 10)
	blocks := pack(t, plain, WithLevel(1), WithBlockSize(blockSize))
	short := pack(t, plain[:blockSize], WithLevel(1))
	changed := func(packed []byte, at int) []byte {
		bad := bytes.Clone(packed)
		bad[at] ^= 4
		return bad
	}
	const tail = 1 + 3*21 + 20 // of the stream form with three blocks: tag, index and what follows
	for _, c := range []struct {
		name   string
		packed []byte
		good   int // plain bytes before the damage
		want   string
	}{
		{"nothing", nil, 0, "truncated"},
		{"text", plain, 0, "not a kolm file"},
		{"short, cut", short[:len(short)-1], 0, "truncated"},
		{"short, checksum", changed(short, len(short)-1), 0, "block corrupt"},
		{"short, version", changed(short, 3), 0, "unsupported version"},
		{"short, payload", changed(short, 10), 0, "block corrupt"},
		{"short, more", append(bytes.Clone(short), "more"...), blockSize, "trailing data"},
		{"short, model", []byte("\x9Eks\x13\x02\x01modlx0123"), 0, "unknown model"},
		{"header", changed(blocks, 11), 0, "header corrupt"},
		{"first block header", changed(blocks, 27), 0, "header corrupt"},
		{"first payload", changed(blocks, 50), 0, "block corrupt"},
		{"last payload", changed(blocks, len(blocks)-tail-1), 2 * blockSize, "block corrupt"},
		{"index", changed(blocks, len(blocks)-30), len(plain), "header corrupt"},
		{"blocks, cut", blocks[:len(blocks)-1], len(plain), "truncated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := python.decode(t, c.packed)
			if err == nil || !strings.Contains(err.Error(), ": "+c.want+": ") {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if !bytes.Equal(got, plain[:c.good]) {
				t.Errorf("wrote %q, want %q", got, plain[:c.good])
			}
		})
	}
}

// python is the interpreter that runs the second decoder.
type python string

// needPython finds an interpreter, or skips the test.
func needPython(t *testing.T) python {
	t.Helper()
	if testing.Short() {
		t.Skip("short: the second decoder takes seconds for a few kilobytes; the run without -short tries it")
	}
	const name = "python3"
	if err := exec.Command(name, "-c", "import sys; sys.exit(sys.version_info < (3, 8))").Run(); err != nil {
		t.Skipf("there is no %s of version 3.8 or later (%v): the second decoder was not tried", name, err)
	}
	return name
}

// decode returns what the second decoder writes. An error has the status 1 and one
// line of a message; everything else fails the test.
func (p python) decode(t *testing.T, packed []byte) ([]byte, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "packed.kolm")
	if err := os.WriteFile(file, packed, 0o666); err != nil {
		t.Fatal(err)
	}
	toy := filepath.Join("testdata", "format1", "toy.gguf")
	cmd := exec.Command(string(p), "-B", filepath.Join("doc", "decoder", "kolm.py"), "-m", toy, file)
	var plain, message bytes.Buffer
	cmd.Stdout, cmd.Stderr = &plain, &message
	err := cmd.Run()
	if err == nil {
		return plain.Bytes(), nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || strings.Count(message.String(), "\n") != 1 {
		t.Fatalf("%v: %s", err, &message)
	}
	return plain.Bytes(), errors.New(strings.TrimSpace(message.String()))
}

// format1 reads a file of testdata/format1.
func format1(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "format1", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
