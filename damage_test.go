package kolm

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
)

// archive is a small packed file and what it stands for.
type archive struct {
	name          string
	packed, plain []byte
	slow          bool // has blocks that take the coder
}

// archives are of every shape.
func archives(t testing.TB) []archive {
	text := prose(80)
	mixed := bytes.Join([][]byte{prose(60), noise(100), make([]byte, 60), prose(10)}, nil)
	junk := append(noise(130), make([]byte, 100)...)
	level := WithLevel(1)
	return []archive{
		{name: "empty", packed: pack(t, nil, level)},
		{name: "stored", packed: pack(t, noise(60), level), plain: noise(60)},
		{name: "fill", packed: pack(t, make([]byte, 500), level), plain: make([]byte, 500)},
		{name: "blocks", packed: pack(t, junk, level, WithBlockSize(50)), plain: junk},
		{name: "contexts", packed: pack(t, text, level), plain: text, slow: true},
		{name: "mixed", packed: pack(t, mixed, level, WithBlockSize(60)), plain: mixed, slow: true},
		{name: "model", packed: pack(t, text), plain: text, slow: true},
		{name: "joined", packed: append(pack(t, text[:50], level), pack(t, junk, level, WithBlockSize(90))...), plain: append(text[:50:50], junk...), slow: true},
	}
}

// intact checks what a reader of a damaged archive gave: an error that names
// its kind and the good bytes before it, or the original.
func intact(t *testing.T, plain, got []byte, err error) {
	t.Helper()
	var e *Error
	switch {
	case err == nil && !bytes.Equal(got, plain):
		t.Fatalf("no error, and %d other bytes than the %d packed", len(got), len(plain))
	case err != nil && !errors.As(err, &e):
		t.Fatalf("error without a place: %v", err)
	case err != nil && !bytes.HasPrefix(plain, got):
		t.Fatalf("bytes before %v are wrong", err)
	}
}

func readAll(opts ...Option) func(packed []byte) ([]byte, error) {
	r, _ := NewReader(bytes.NewReader(nil), opts...)
	return func(packed []byte) ([]byte, error) {
		r.Reset(bytes.NewReader(packed))
		return io.ReadAll(r)
	}
}

func TestEveryTruncation(t *testing.T) {
	read := readAll(WithWorkers(2))
	for _, a := range archives(t) {
		for n := range a.packed {
			got, err := read(a.packed[:n])
			if a.name == "joined" && err == nil && bytes.Equal(got, a.plain[:50]) {
				continue // cut between two members: what is left is whole
			}
			intact(t, a.plain, got, err)
			if !errors.Is(err, ErrTruncated) {
				t.Fatalf("%s cut to %d of %d bytes: %v", a.name, n, len(a.packed), err)
			}
		}
	}
}

// TestRandomDamage changes bytes, and cuts out, doubles and moves pieces.
func TestRandomDamage(t *testing.T) {
	count := 100_000
	if testing.Short() {
		count = 10_000
	}
	rng := rand.New(rand.NewPCG(7, 8))
	read := readAll(WithWorkers(1))
	as := archives(t)
	failed := 0
	for i := range count {
		a := as[i%4]
		if i%100 == 0 {
			a = as[4+i/100%4]
		}
		if a.slow != (i%100 == 0) {
			t.Fatalf("%s is not where it should be", a.name)
		}
		got, err := read(damage(rng, a.packed))
		intact(t, a.plain, got, err)
		if err != nil {
			failed++
		}
	}
	if failed < count/2 {
		t.Errorf("%d of %d damaged archives were refused", failed, count)
	}
}

// damage moves pieces that are shorter than any member: whole members may be
// joined and dropped.
func damage(rng *rand.Rand, packed []byte) []byte {
	bad := bytes.Clone(packed)
	at, n := rng.IntN(len(bad)), 1+rng.IntN(8)
	end := min(at+n, len(bad))
	switch rng.IntN(8) {
	case 0:
		return append(bad[:at], bad[end:]...)
	case 1:
		return append(bad[:end], packed[at:]...)
	case 2:
		copy(bad[rng.IntN(len(bad)):], packed[at:end])
	case 3:
		clear(bad[at:end])
	case 4:
		bad[at] ^= 1 << rng.IntN(8)
	default:
		for range 1 + rng.IntN(3) {
			bad[rng.IntN(len(bad))] = byte(rng.Uint32())
		}
	}
	return bad
}

// TestDamageStaysInItsBlock: the other blocks can still be read.
func TestDamageStaysInItsBlock(t *testing.T) {
	plain := prose(5000)
	packed := pack(t, plain, WithLevel(1), WithBlockSize(1000))
	bad := bytes.Clone(packed)
	bad[len(bad)/2] ^= 4
	r, err := OpenReaderAt(bytes.NewReader(bad), int64(len(bad)))
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for off := 0; off < len(plain); off += 1000 {
		got := make([]byte, 1000)
		if _, err := r.ReadAt(got, int64(off)); err != nil {
			lost++
			var e *Error
			if !errors.Is(err, ErrBlock) && !errors.Is(err, ErrHeader) || !errors.As(err, &e) || e.Block != off/1000 {
				t.Errorf("block at %d: %v", off, err)
			}
		} else if !bytes.Equal(got, plain[off:off+1000]) {
			t.Errorf("block at %d is wrong", off)
		}
	}
	if lost != 1 {
		t.Errorf("%d blocks lost, want 1", lost)
	}
}

// TestBoundedMemory packs and unpacks 64 MiB through blocks of 64 KiB.
func TestBoundedMemory(t *testing.T) {
	pr, pw := io.Pipe()
	const total = 64 << 20
	w, _ := NewWriter(pw, WithLevel(1), WithBlockSize(64<<10), WithWorkers(2))
	r, _ := NewReader(pr, WithWorkers(2))
	go func() {
		zeros := make([]byte, 1<<20)
		for range total >> 20 {
			w.Write(zeros)
		}
		w.Close()
		pw.Close()
	}()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := io.Copy(struct{ io.Writer }{io.Discard}, r)
	runtime.ReadMemStats(&now)
	if n != total || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if used := now.TotalAlloc - before.TotalAlloc; used > 48<<20 {
		t.Errorf("%d MiB allocated for %d MiB of data in small blocks", used>>20, total>>20)
	}
}

func FuzzUnpack(f *testing.F) {
	for _, a := range archives(f) {
		f.Add(a.packed)
	}
	read := readAll(WithWorkers(1), WithMaxBlock(1<<20))
	f.Fuzz(func(t *testing.T, packed []byte) {
		got, err := read(packed)
		at, err2 := OpenReaderAt(bytes.NewReader(packed), int64(len(packed)), WithMaxBlock(1<<20))
		if err != nil {
			return
		}
		if err2 != nil {
			t.Fatalf("unpacks as a stream, not by its index: %v", err2)
		}
		again := make([]byte, at.Size())
		if _, err := at.ReadAt(again, 0); err != nil && err != io.EOF || !bytes.Equal(again, got) {
			t.Fatalf("read by the index: %v, same bytes: %v", err, bytes.Equal(again, got))
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	for _, in := range inputs() {
		f.Add(in, uint16(1000))
	}
	f.Fuzz(func(t *testing.T, plain []byte, block uint16) {
		// Every block costs the coder a fresh start: few of them keep this quick.
		plain = plain[:min(len(plain), 2000)]
		packed := pack(t, plain, WithLevel(1), WithBlockSize(len(plain)/8+1+int(block)), WithWorkers(2))
		if got, err := unpack(packed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes became %d, %v", len(plain), len(got), err)
		}
	})
}
