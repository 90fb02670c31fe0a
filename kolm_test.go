package kolm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"kolm/internal/builtin"
	"kolm/internal/codec"
	"kolm/internal/container"
)

// noise is n bytes that do not pack.
func noise(n int) []byte {
	rng := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	rng.Read(b)
	return b
}

// prose is n bytes of text that packs well but not to nothing.
func prose(n int) []byte {
	rng := rand.New(rand.NewPCG(3, 4))
	words := strings.Fields("the a of coder model block byte and that which packs reads keeps old new, never; file.\n")
	var b bytes.Buffer
	for b.Len() < n {
		b.WriteString(words[rng.IntN(len(words))])
		b.WriteByte(' ')
	}
	return b.Bytes()[:n]
}

// inputs are what round trips are tried on, for a block size of 1000.
func inputs() map[string][]byte {
	in := map[string][]byte{
		"empty":     {},
		"one byte":  {0},
		"zeros":     make([]byte, 5000),
		"noise":     noise(3001),
		"exact":     prose(2000),
		"one block": prose(1000),
		"json":      []byte(`{"id":1041,"name":"sensor-7","value":21.5,"unit":"C","ok":true,"tags":["roof","east"],"at":"2024-05-01"}`),
	}
	in["mixed"] = bytes.Join([][]byte{prose(3000), noise(2000), make([]byte, 1500), prose(333)}, nil)
	return in
}

// quick is many blocks of 300 bytes, few of which take the coder's time.
func quick() []byte {
	return bytes.Join([][]byte{prose(300), noise(1900), make([]byte, 900), prose(250)}, nil)
}

func pack(t testing.TB, plain []byte, opts ...Option) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unpack(packed []byte, opts ...Option) ([]byte, error) {
	r, err := NewReader(bytes.NewReader(packed), opts...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestRoundTrip(t *testing.T) {
	for _, level := range []int{1, 3, 5} {
		for name, plain := range inputs() {
			if level > 1 && len(plain) > 1000 {
				continue // the model is slow, and framing is the same
			}
			packed := pack(t, plain, WithLevel(level), WithBlockSize(1000), WithVerify(true))
			got, err := unpack(packed)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("level %d, %s: %d bytes, %v; want %d", level, name, len(got), err, len(plain))
			}
		}
	}
}

// TestSameBytes: packed bytes do not depend on workers, on the cuts of Write,
// on earlier use or on the way of calling; nor do plain bytes.
func TestSameBytes(t *testing.T) {
	c, err := NewCodec(WithLevel(1), WithBlockSize(1000), WithWorkers(1))
	if err != nil {
		t.Fatal(err)
	}
	for name, plain := range inputs() {
		want := pack(t, plain, WithLevel(1), WithBlockSize(1000), WithWorkers(1))
		for _, workers := range []int{2, 7} {
			if got := pack(t, plain, WithLevel(1), WithBlockSize(1000), WithWorkers(workers)); !bytes.Equal(got, want) {
				t.Errorf("%s: %d workers pack otherwise than one", name, workers)
			}
			got, err := unpack(want, WithWorkers(workers))
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s: %d workers unpack %d bytes, %v", name, workers, len(got), err)
			}
		}
		var out bytes.Buffer
		w, _ := NewWriter(&out, WithLevel(1), WithBlockSize(1000))
		if _, err := io.Copy(w, iotest.OneByteReader(bytes.NewReader(plain))); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil || !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s: packed byte by byte otherwise: %v", name, err)
		}
		msg, err := c.Encode([]byte("before"), plain)
		if err != nil || !bytes.Equal(msg, append([]byte("before"), want...)) {
			t.Errorf("%s: Encode differs from Writer: %v", name, err)
		}
		got, err := c.Decode([]byte("before"), want)
		if err != nil || !bytes.Equal(got, append([]byte("before"), plain...)) {
			t.Errorf("%s: Decode: %d bytes, %v", name, len(got), err)
		}
	}
}

func TestOverhead(t *testing.T) {
	for _, c := range []struct {
		plain []byte
		more  int // bytes packed, above the plain ones
	}{{nil, 9}, {[]byte("x"), 9}, {noise(100), 9}, {noise(2000), 10}, {noise(container.MaxShort), 11}, {noise(container.MaxShort + 1), 26 + 21 + 1 + 21 + 20}} {
		if n := len(pack(t, c.plain, WithLevel(1))); n != len(c.plain)+c.more {
			t.Errorf("%d bytes that do not pack: %d more, want %d", len(c.plain), n-len(c.plain), c.more)
		}
	}
}

func TestReaderAt(t *testing.T) {
	plain := quick()
	packed := pack(t, plain, WithLevel(1), WithBlockSize(300))
	joined := append(append(pack(t, []byte("short"), WithLevel(1)), packed...), pack(t, nil)...)
	all := append([]byte("short"), plain...)
	for _, c := range []struct{ packed, plain []byte }{{packed, plain}, {joined, all}, {pack(t, nil), nil}} {
		r, err := OpenReaderAt(bytes.NewReader(c.packed), int64(len(c.packed)))
		if err != nil {
			t.Fatal(err)
		}
		if r.Size() != int64(len(c.plain)) {
			t.Errorf("size is %d, want %d", r.Size(), len(c.plain))
		}
		if err := iotest.TestReader(io.NewSectionReader(r, 0, r.Size()), c.plain); err != nil {
			t.Error(err)
		}
		rng := rand.New(rand.NewPCG(5, 6))
		for range 200 {
			off, n := rng.IntN(len(c.plain)+1), rng.IntN(700)
			want := c.plain[off:min(len(c.plain), off+n)]
			got := make([]byte, n)
			k, err := r.ReadAt(got, int64(off))
			if (err == io.EOF) != (k < n) || !bytes.Equal(got[:k], want) {
				t.Fatalf("ReadAt(%d bytes, %d): %d, %v; want %d", n, off, k, err, len(want))
			}
		}
		if _, err := r.ReadAt(make([]byte, 1), -1); err == nil {
			t.Error("negative offset read")
		}
	}
}

func TestJoined(t *testing.T) {
	var packed, plain []byte
	for _, name := range []string{"json", "mixed", "empty", "zeros"} {
		packed = append(packed, pack(t, inputs()[name], WithLevel(1), WithBlockSize(700))...)
		plain = append(plain, inputs()[name]...)
	}
	got, err := unpack(packed)
	if err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(plain))
	}
	if _, err := unpack(append(packed, 0)); !errors.Is(err, ErrTrailing) {
		t.Errorf("with a byte more: %v", err)
	}
}

// other is a model that is not the built-in one, though it predicts the same.
func other(t *testing.T) *Model {
	t.Helper()
	lm, err := builtin.Default.LM()
	if err != nil {
		t.Fatal(err)
	}
	copied := *lm
	copied.ID[0]++
	return &Model{&copied}
}

func TestModels(t *testing.T) {
	m := other(t)
	text := inputs()["json"]
	packed := pack(t, text, WithModel(m))
	var asked []byte
	find := func(prefix []byte) (*Model, error) { asked = prefix; return m, nil }
	for name, c := range map[string]struct {
		opts []Option
		err  error
		text string
	}{
		"given":  {opts: []Option{WithModel(m)}},
		"found":  {opts: []Option{WithModels(find)}},
		"absent": {err: ErrModel, text: fmt.Sprintf("block 0 at offset 0: unknown model: packed with model %x, which is not at hand", m.lm.ID[:4])},
		"wrong":  {opts: []Option{WithModels(func([]byte) (*Model, error) { return BuiltinModel() })}, err: ErrModel},
		"failed": {opts: []Option{WithModels(func([]byte) (*Model, error) { return nil, io.ErrNoProgress })}, err: ErrModel},
	} {
		got, err := unpack(packed, c.opts...)
		if !errors.Is(err, c.err) || err == nil && !bytes.Equal(got, text) || c.text != "" && err.Error() != c.text {
			t.Errorf("%s: %q, %v; want %v %s", name, got, err, c.err, c.text)
		}
	}
	if !bytes.Equal(asked, m.lm.ID[:4]) {
		t.Errorf("asked for model %x", asked)
	}
	// A model whose ID only begins as the right one does is noticed by the sum.
	like := *m.lm
	like.ID[31]++
	if _, err := unpack(packed, WithModel(&Model{&like})); !errors.Is(err, ErrBlock) {
		t.Errorf("model with the same beginning: %v", err)
	}
	// Stored bytes need no model, whatever the header says.
	junk := noise(container.MaxShort + 1)
	if got, err := unpack(pack(t, junk, WithModel(m))); err != nil || !bytes.Equal(got, junk) {
		t.Errorf("stored: %d bytes, %v", len(got), err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Option{
		WithLevel(0), WithLevel(10), WithWorkers(0), WithBlockSize(0), WithBlockSize(1 << 30), WithMaxBlock(0),
	} {
		_, err1 := NewWriter(io.Discard, o)
		_, err2 := NewReader(strings.NewReader(""), o)
		_, err3 := OpenReaderAt(strings.NewReader(""), 0, o)
		_, err4 := NewCodec(o)
		for _, err := range []error{err1, err2, err3, err4} {
			if !errors.Is(err, ErrOption) {
				t.Errorf("%v, want a bad option", err)
			}
		}
	}
}

func TestMaxBlock(t *testing.T) {
	packed := pack(t, prose(3000), WithLevel(1), WithBlockSize(1000))
	if _, err := unpack(packed, WithMaxBlock(999)); !errors.Is(err, ErrLimit) {
		t.Errorf("reader: %v", err)
	}
	if _, err := OpenReaderAt(bytes.NewReader(packed), int64(len(packed)), WithMaxBlock(999)); !errors.Is(err, ErrLimit) {
		t.Errorf("reader at: %v", err)
	}
	var stream bytes.Buffer // whose header allows blocks of 2 MB, and which has one of 128 KB
	w, err := NewWriter(&stream, WithLevel(1))
	if err == nil {
		_, err = w.Write(bytes.Repeat([]byte("a stream of text "), 8000))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(stream.Bytes(), WithMaxBlock(1<<20)); err != nil {
		t.Error(err)
	}
	if _, err := unpack(stream.Bytes(), WithMaxBlock(1<<16)); !errors.Is(err, ErrLimit) {
		t.Errorf("a block of 128 KB where 64 KiB are allowed: %v", err)
	}
	if _, err := unpack(packed, WithMaxBlock(1000)); err != nil {
		t.Error(err)
	}
}

// liar is a coder that loses a bit.
type liar struct{ coder }

func (l liar) Decode(dst []byte, m codec.Method, payload []byte) error {
	err := l.coder.Decode(dst, m, payload)
	dst[len(dst)/2] ^= 8
	return err
}

func TestVerify(t *testing.T) {
	for _, n := range []int{100, 3000} {
		var out bytes.Buffer
		w, _ := NewWriter(&out, WithLevel(1), WithBlockSize(1000), WithVerify(true))
		honest := w.pool.make
		w.pool.make = func(lm *codec.LM) coder { return liar{honest(lm)} }
		w.pool.test = func(*codec.LM, coder) error { return nil } // it would find the liar first
		w.Write(prose(n))
		if err := w.Close(); !errors.Is(err, ErrVerify) || out.Len() > 0 {
			t.Errorf("%d bytes: %v, and %d bytes written", n, err, out.Len())
		}
	}
}

func TestSelfTest(t *testing.T) {
	bad := bytes.Clone(contextsPacked)
	bad[len(bad)/2] ^= 1
	if err := knownAnswer(bad, contextsPlain, nil, codec.New(codec.Options{})); !errors.Is(err, ErrSelfTest) {
		t.Errorf("a wrong answer: %v", err)
	}
	lm := other(t).lm
	if err := knownAnswer(modelPacked, modelPlain, lm, codec.New(codec.Options{LM: lm})); !errors.Is(err, ErrSelfTest) {
		t.Errorf("an answer for another model: %v", err)
	}
	w, _ := NewWriter(io.Discard)
	w.pool.test = func(*codec.LM, coder) error { return ErrSelfTest }
	w.Write([]byte("hello"))
	if err := w.Close(); !errors.Is(err, ErrSelfTest) {
		t.Errorf("packing after a failed test: %v", err)
	}
	r, _ := NewReader(bytes.NewReader(contextsPacked))
	r.pool.test = w.pool.test
	if _, err := io.ReadAll(r); !errors.Is(err, ErrSelfTest) {
		t.Errorf("unpacking after a failed test: %v", err)
	}
}

// TestProgress: all bytes are reported, with and without a model, and long
// before a block ends.
func TestProgress(t *testing.T) {
	var n, largest atomic.Int64
	count := WithProgress(func(k int) {
		n.Add(int64(k))
		largest.Store(max(largest.Load(), int64(k)))
	})
	mixed, text := inputs()["mixed"], prose(4000)
	junk := append(bytes.Repeat([]byte{0xff, 'a', 0, 'b'}, 500), text[:2000]...) // for which the model is tried first
	for name, c := range map[string]struct {
		plain []byte
		opts  []Option
	}{
		"blocks": {mixed, []Option{WithLevel(1), WithBlockSize(1000)}},
		"level1": {text, []Option{WithLevel(1)}},
		"level5": {text, nil},
		"trial":  {junk, nil},
	} {
		if testing.Short() && len(c.opts) == 0 {
			continue // an emulated CPU needs a second for 100 bytes with the model
		}
		largest.Store(0)
		packed := pack(t, c.plain, append(c.opts, WithVerify(true), WithWorkers(1), count)...)
		if got := n.Swap(0); got != 2*int64(len(c.plain)) {
			t.Errorf("%s: packing and verifying reported %d bytes, want twice %d", name, got, len(c.plain))
		}
		_, err := unpack(packed, WithWorkers(1), count)
		if got := n.Swap(0); err != nil || got != int64(len(c.plain)) {
			t.Errorf("%s: unpacking reported %d bytes, want %d: %v", name, got, len(c.plain), err)
		}
		if l := largest.Load(); l > 2000 {
			t.Errorf("%s: %d bytes were done before any was reported", name, l)
		}
	}
}

// failing accepts n bytes and then fails.
type failing struct{ n int }

var errFull = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.n {
		return f.n, errFull
	}
	f.n -= len(p)
	return len(p), nil
}

func TestWriteErrors(t *testing.T) {
	plain := quick()
	size := len(pack(t, plain, WithLevel(1), WithBlockSize(300)))
	for n := 0; n < size; n += 89 {
		w, _ := NewWriter(&failing{n}, WithLevel(1), WithBlockSize(300), WithWorkers(3))
		_, err := w.Write(plain)
		if err == nil {
			err = w.Close()
		}
		if err != errFull {
			t.Errorf("room for %d bytes: %v", n, err)
		}
		if _, err := w.Write(plain); err != errFull {
			t.Errorf("Write after an error: %v", err)
		}
		if err := w.Close(); err != errFull {
			t.Errorf("Close after an error: %v", err)
		}
	}
	w, _ := NewWriter(io.Discard, WithLevel(1))
	w.Close()
	if _, err := w.Write(plain); err != ErrClosed {
		t.Errorf("Write after Close: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestReadErrors(t *testing.T) {
	fault := errors.New("network gone")
	plain := quick()
	packed := pack(t, plain, WithLevel(1), WithBlockSize(300))
	for n := 0; n < len(packed); n += 89 {
		r, _ := NewReader(io.MultiReader(bytes.NewReader(packed[:n]), iotest.ErrReader(fault)), WithWorkers(3))
		got, err := io.ReadAll(r)
		if err != fault || !bytes.HasPrefix(plain, got) {
			t.Errorf("fault after %d bytes: %d bytes, %v", n, len(got), err)
		}
		if _, err := r.Read(make([]byte, 1)); err != fault {
			t.Errorf("Read after an error: %v", err)
		}
		r.Reset(bytes.NewReader(packed))
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("after Reset: %d bytes, %v", len(got), err)
		}
	}
}

// TestNoReadAhead: one worker reads a message from a pipe as soon as it is there.
func TestNoReadAhead(t *testing.T) {
	pr, pw := io.Pipe()
	r, _ := NewReader(pr, WithWorkers(1))
	got := make([]byte, 5)
	go pw.Write(pack(t, []byte("hello"), WithLevel(1)))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}
