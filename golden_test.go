package kolm

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"kolm/internal/codec"
)

// These archives follow the built-in models; those of TestFormat1 never change.
var update = flag.Bool("update", false, "write testdata/golden anew")

// goldens are one archive of each kind. The plain bytes are files too, so that
// nothing but the archive's options is here.
var goldens = []struct {
	name  string
	plain []byte // for -update
	opts  []Option
	slow  bool // too slow for emulated CPUs, and so for short runs
}{
	{"empty", nil, []Option{WithLevel(1)}, false},
	{"one", []byte("a"), []Option{WithLevel(1)}, false},
	{"stored", noise(64), []Option{WithLevel(1)}, false},
	{"fill", bytes.Repeat([]byte{7}, 300), []Option{WithLevel(1)}, false},
	{"contexts", []byte("she sells sea shells; the shells she sells are sea shells, she said"), []Option{WithLevel(1)}, false},
	{"model", []byte("The quick brown fox jumps over the lazy dog. "), nil, false},
	{"small", []byte("Pack my box with five dozen liquor jugs, she said. "), []Option{WithLevel(3)}, false},
	{"learned", prose(1500), []Option{WithLevel(9)}, true},
	{"utf8", []byte("Größe, naïve, 你好，世界。你好！ Привет, мир.\n"), nil, false},
	{"blocks", bytes.Join([][]byte{prose(400), noise(150), make([]byte, 250), prose(100)}, nil), []Option{WithBlockSize(200)}, false},
	{"level1", bytes.Join([][]byte{prose(2000), noise(500)}, nil), []Option{WithLevel(1), WithBlockSize(1000)}, false},
}

// TestGolden: packed bytes are those of the archives in testdata/golden, and
// these unpack.
func TestGolden(t *testing.T) {
	methods := methodSet{}
	for _, g := range goldens {
		file := filepath.Join("testdata", "golden", g.name)
		if *update {
			writeGolden(t, file, g.plain, g.opts)
			continue // the self-test's answers are compiled in: check in another run
		}
		plain, err := os.ReadFile(file + ".plain")
		if err != nil {
			t.Fatal(err)
		}
		golden, err := os.ReadFile(file + ".golden")
		if err != nil {
			t.Fatal(err)
		}
		if !g.slow || !testing.Short() {
			checkGolden(t, g.name, plain, golden, g.opts)
		}
		methods.add(t, golden)
	}
	if !*update {
		methods.complete(t)
	}
}

// methodSet are the methods of the blocks of some archives.
type methodSet map[byte]bool

func (s methodSet) add(t *testing.T, packed []byte) {
	t.Helper()
	x, err := OpenReaderAt(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range x.index.Entries {
		s[e.Method] = true
	}
}

// complete requires every method.
func (s methodSet) complete(t *testing.T) {
	t.Helper()
	for m := codec.Stored; m <= codec.Single; m++ {
		if !s[byte(m)] {
			t.Errorf("no archive has a block of method %v", m)
		}
	}
}

// checkGolden: golden unpacks to plain, which packs to golden.
func checkGolden(t *testing.T, name string, plain, golden []byte, opts []Option) {
	t.Helper()
	if got, err := unpack(golden); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%s: %d bytes, %v; want %d", name, len(got), err, len(plain))
	}
	if !bytes.Equal(pack(t, plain, opts...), golden) {
		t.Errorf("%s: packs otherwise than before: that is a new format version, unless a built-in model or the choice of a method changed", name)
	}
}

// writeGolden packs without the self-test, whose answers it makes.
func writeGolden(t *testing.T, file string, plain []byte, opts []Option) {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, append(opts, WithVerify(true))...)
	if err != nil {
		t.Fatal(err)
	}
	w.pool.test = func(*codec.LM, coder) error { return nil }
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{".plain": plain, ".golden": out.Bytes()} {
		if err := os.WriteFile(file+name, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
