package container

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/iotest"
)

var testID = sha256.Sum256([]byte("model"))

// testBlock makes a block of n plain bytes whose payload is honest for stored
// and fill and made up for the methods this package can not decode.
func testBlock(method byte, n int, id *[32]byte) (Block, []byte) {
	plain := bytes.Repeat([]byte{byte('a' + n%26)}, n)
	payload := plain
	switch method {
	case Fill:
		payload = plain[:1]
	case Stored:
	default:
		payload = plain[:n/2]
	}
	if method != ModelMethod {
		id = nil
	}
	return Block{Method: method, Plain: uint32(n), Payload: uint32(len(payload)), Sum: Sum(id, plain)}, payload
}

// files are one file of each kind, by name.
func files(t testing.TB) map[string][]byte {
	t.Helper()
	short := func(method byte, n int) []byte {
		b, p := testBlock(method, n, &testID)
		f, err := AppendShort(nil, b, &testID, p)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	stream := func(model bool, maxBlocks int, blocks ...int) []byte {
		h := Header{BlockSize: 1000}
		if model {
			h.Model = [8]byte(testID[:8])
		}
		var out bytes.Buffer
		w := NewWriter(&out, h)
		w.maxBlocks = maxBlocks
		for i, n := range blocks {
			m := byte(i % 4)
			if m == ModelMethod && !model {
				m = Stored
			}
			b, p := testBlock(m, n, &testID)
			if err := w.WriteBlock(b, p); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	fs := map[string][]byte{
		"empty":    short(Stored, 0),
		"one":      short(Stored, 1),
		"fill":     short(Fill, 300),
		"contexts": short(2, 200),
		"model":    short(ModelMethod, 100),
		"stream":   stream(true, MaxBlocks, 1000, 1000, 20, 30, 7),
		"plain":    stream(false, MaxBlocks, 5),
		"rolled":   stream(true, 2, 10, 20, 30, 40, 50),
	}
	fs["joined"] = bytes.Join([][]byte{fs["model"], fs["stream"], fs["empty"], fs["fill"], fs["plain"]}, nil)
	fs["joined streams"] = bytes.Join([][]byte{fs["stream"], fs["plain"], fs["stream"]}, nil)
	return fs
}

type scanned struct {
	Entry
	payload []byte
}

func scan(r io.Reader) (blocks []scanned, headers []Header, members []int, err error) {
	s := NewScanner(r)
	for {
		e, p, err := s.Next(nil)
		if err == io.EOF {
			return blocks, headers, members, nil
		}
		if err != nil {
			return blocks, headers, members, err
		}
		blocks = append(blocks, scanned{e, p})
		headers = append(headers, s.Header())
		members = append(members, s.Members())
	}
}

// rewrite writes again what was scanned.
func rewrite(blocks []scanned, headers []Header, members []int) ([]byte, error) {
	var out bytes.Buffer
	var w *Writer
	for i, b := range blocks {
		if b.Short {
			var id [32]byte
			copy(id[:], b.Model[:])
			p, err := AppendShort(nil, b.Block, &id, b.payload)
			if err != nil {
				return nil, err
			}
			out.Write(p)
			continue
		}
		if i == 0 || members[i] != members[i-1] {
			w = NewWriter(&out, headers[i])
		}
		if err := w.WriteBlock(b.Block, b.payload); err != nil {
			return nil, err
		}
		if i == len(blocks)-1 || members[i+1] != members[i] {
			if err := w.Close(); err != nil {
				return nil, err
			}
		}
	}
	return out.Bytes(), nil
}

func TestParseMarshal(t *testing.T) {
	for name, f := range files(t) {
		blocks, headers, members, err := scan(iotest.OneByteReader(bytes.NewReader(f)))
		if err != nil || len(blocks) == 0 {
			t.Fatalf("%s: %d blocks, %v", name, len(blocks), err)
		}
		again, err := rewrite(blocks, headers, members)
		if err != nil || !bytes.Equal(again, f) {
			t.Errorf("%s: written again: %v\n got %x\nwant %x", name, err, again, f)
		}
	}
}

// TestIndex compares the index with the blocks as scanned, and payloads as read through it.
func TestIndex(t *testing.T) {
	for name, f := range files(t) {
		blocks, _, members, err := scan(bytes.NewReader(f))
		if err != nil {
			t.Fatal(err)
		}
		r := bytes.NewReader(f)
		x, err := ReadIndex(r, r.Size())
		if err != nil || len(x.Entries) != len(blocks) || x.Members != members[len(members)-1] {
			t.Fatalf("%s: %+v, %v; want %d blocks in %d members", name, x, err, len(blocks), members[len(members)-1])
		}
		var plain int64
		for i := range x.Entries {
			e := &x.Entries[i]
			if *e != blocks[i].Entry {
				t.Errorf("%s: block %d: index %+v, scanned %+v", name, i, *e, blocks[i].Entry)
			}
			p, err := e.ReadPayload(r, nil)
			if err != nil || !bytes.Equal(p, blocks[i].payload) {
				t.Errorf("%s: block %d: payload %x, %v; want %x", name, i, p, err, blocks[i].payload)
			}
			for off := e.Start; off < e.Start+int64(e.Plain); off++ {
				if x.Find(off) != i {
					t.Fatalf("%s: byte %d found in block %d, want %d", name, off, x.Find(off), i)
				}
			}
			plain += int64(e.Plain)
		}
		if plain != x.Plain {
			t.Errorf("%s: index says %d plain bytes, blocks have %d", name, x.Plain, plain)
		}
	}
}

// TestIndexFromEnd: a file of stream members is opened without reading its blocks.
func TestIndexFromEnd(t *testing.T) {
	for _, name := range []string{"stream", "plain", "rolled", "joined streams"} {
		f := files(t)[name]
		if x, err := indexFromEnd(bytes.NewReader(f), int64(len(f))); x == nil || err != nil {
			t.Errorf("%s: %v, %v", name, x, err)
		}
	}
}

// Golden bytes: the format does not change unnoticed.
func TestGolden(t *testing.T) {
	fs := files(t)
	golden := map[string]string{
		"empty": "9e6b731000" + "66687aad",
		"one":   "9e6b731001" + "62" + "7ec8020a",
		"plain": "9e6b6f6c6d0d0a1a" + "0100e8030000" + "0000000000000000" + "",
	}
	for name, want := range golden {
		if got := hex.EncodeToString(fs[name]); len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	h := sha256.New()
	for _, name := range []string{"empty", "one", "fill", "contexts", "model", "stream", "plain", "rolled"} {
		h.Write(fs[name])
	}
	if got, want := hex.EncodeToString(h.Sum(nil)[:8]), "a44c8fdcf75bc739"; got != want {
		t.Errorf("all files together have hash %s, want %s", got, want)
	}
	if n := len(fs["empty"]); n != 9 {
		t.Errorf("empty file is %d bytes", n)
	}
}

func TestTruncated(t *testing.T) {
	for name, f := range files(t) {
		if name == "joined" || name == "joined streams" || name == "rolled" {
			continue // cutting between two members gives a whole file
		}
		for n := range f {
			_, _, _, err := scan(bytes.NewReader(f[:n]))
			var e *Error
			if !errors.Is(err, ErrTruncated) || !errors.As(err, &e) || e.Offset > int64(n) {
				t.Errorf("%s cut to %d of %d bytes: %v", name, n, len(f), err)
			}
			if _, err := ReadIndex(bytes.NewReader(f[:n]), int64(n)); !errors.Is(err, ErrTruncated) {
				t.Errorf("%s cut to %d of %d bytes: index: %v", name, n, len(f), err)
			}
		}
	}
}

// TestErrors damages files in ways that have one right name each.
func TestErrors(t *testing.T) {
	fs := files(t)
	stream := fs["stream"]
	reseal := func(f []byte) []byte { // makes the header's check right again
		c := check(f[:headerSize-4])
		copy(f[headerSize-4:], c[:4])
		return f
	}
	set := func(f []byte, at int, b ...byte) []byte {
		f = bytes.Clone(f)
		copy(f[at:], b)
		return f
	}
	tail := len(stream) - footerSize - 5*blockSize - 1
	cases := []struct {
		name  string
		file  []byte
		kind  error
		block int
		text  string
	}{
		{"nothing", nil, ErrTruncated, -1, "offset 0: truncated: 26 bytes are missing"},
		{"text", []byte("hello, world, this is a text\n"), ErrMagic, -1, "offset 0: not a kolm file: begins with 68 65 6c"},
		{"text mode", bytes.Replace(stream, []byte("\r\n"), []byte("\n"), 1), ErrMagic, -1, "offset 0: not a kolm file: begins with 9e 6b 6f 6c 6d 0a 1a 01"},
		{"version", reseal(set(stream, 8, 2)), ErrVersion, -1, "offset 0: unsupported version: file has version 2, this program reads 1"},
		{"short version", set(fs["one"], 3, 0x20), ErrVersion, 0, "block 0 at offset 0: unsupported version: file has version 2, this program reads 1"},
		{"flags", reseal(set(stream, 9, 1)), ErrVersion, -1, "offset 0: unsupported version: reserved flags 0x1 are set"},
		{"header check", set(stream, 10, 0), ErrHeader, -1, ""},
		{"block size 0", reseal(set(stream, 10, 0, 0, 0, 0)), ErrHeader, -1, "offset 0: header corrupt: block size is 0"},
		{"block size", reseal(set(stream, 10, 0, 0, 0, 255)), ErrLimit, -1, "offset 0: limit exceeded: block size 4278190080 is above 67108864"},
		{"no model named", reseal(set(stream, 14, make([]byte, 8)...)), ErrHeader, 3, ""},
		{"block header", set(stream, headerSize+1, 1), ErrHeader, 0, ""},
		{"long short", set(fs["fill"], 4, 0xff, 0xff, 0x7f), ErrLimit, 0, ""},
		{"endless number", set(fs["fill"], 4, 0xff, 0xff, 0xff), ErrLimit, 0, ""},
		{"number not short", set(fs["fill"], 4, 0x80, 0x00), ErrHeader, 0, "block 0 at offset 0: header corrupt: length is not written in its fewest bytes"},
		{"method", set(fs["one"], 3, 0x15), ErrVersion, 0, "block 0 at offset 0: unsupported version: method 5 is unknown"},
		{"fill of nothing", set(fs["empty"], 3, 0x11), ErrHeader, 0, ""},
		{"index", set(stream, tail+3, 9), ErrHeader, -1, fmt.Sprintf("offset %d: header corrupt: the index does not agree with the blocks before it", tail)},
		{"count", set(stream, len(stream)-20, 9), ErrHeader, -1, ""},
		{"total", set(stream, len(stream)-16, 8), ErrHeader, -1, ""},
		{"total, sealed", func() []byte { // only what it says of itself is wrong
			f := set(stream, len(stream)-16, stream[len(stream)-16]+1)
			c := check(f[:headerSize], f[tail:len(f)-sumSize])
			copy(f[len(f)-sumSize:], c[:])
			return f
		}(), ErrHeader, -1, ""},
		{"end check", set(stream, len(stream)-1, stream[len(stream)-1]+1), ErrHeader, -1, ""},
		{"no blocks", append(append([]byte{}, stream[:headerSize]...), endTag), ErrHeader, -1, ""},
		{"trailing", append(bytes.Clone(stream), "\x00\x00\x00"...), ErrTrailing, -1, fmt.Sprintf("offset %d: trailing data: begins with 00 00 00", len(stream))},
		{"trailing short", append(bytes.Clone(fs["one"]), 'x'), ErrTrailing, -1, ""},
		{"trailing like a magic", append(bytes.Clone(stream), "\x9ekolm, it says here, and on"...), ErrTrailing, -1, ""},
	}
	for _, c := range cases {
		_, _, _, err := scan(bytes.NewReader(c.file))
		var e *Error
		if !errors.Is(err, c.kind) || !errors.As(err, &e) || e.Block != c.block || c.text != "" && err.Error() != c.text {
			t.Errorf("%s: %v, want %v, block %d: %s", c.name, err, c.kind, c.block, c.text)
		}
		if _, err := ReadIndex(bytes.NewReader(c.file), int64(len(c.file))); !errors.Is(err, c.kind) && c.name != "block header" {
			t.Errorf("%s: index: %v, want %v", c.name, err, c.kind)
		}
	}
}

// TestDamage changes bytes at random: what is accepted must be what a writer
// would write, and the blocks and the index must agree.
func TestDamage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	fs := files(t)
	accepted, rejected := 0, 0
	for _, name := range []string{"empty", "one", "fill", "model", "stream", "rolled", "joined"} {
		for range 3000 {
			f := bytes.Clone(fs[name])
			for range 1 + rng.IntN(3) {
				f[rng.IntN(len(f))] = byte(rng.Uint32())
			}
			if accepts(t, f) {
				accepted++
			} else {
				rejected++
			}
		}
	}
	if accepted == 0 || rejected == 0 {
		t.Errorf("%d accepted, %d rejected: want some of each", accepted, rejected)
	}
}

// accepts scans a file that may be damaged and fails the test where the
// package's promises are broken.
func accepts(t testing.TB, f []byte) bool {
	blocks, headers, members, err := scan(bytes.NewReader(f))
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("error %v has no place", err)
		}
		return false
	}
	again, err := rewrite(blocks, headers, members)
	if err != nil || !bytes.Equal(again, f) {
		t.Fatalf("accepted %x, writes %x, %v", f, again, err)
	}
	x, err := ReadIndex(bytes.NewReader(f), int64(len(f)))
	if err != nil || len(x.Entries) != len(blocks) {
		t.Fatalf("accepted %x: index %+v, %v", f, x, err)
	}
	for i := range blocks {
		if x.Entries[i] != blocks[i].Entry {
			t.Fatalf("block %d of %x: index %+v, scanned %+v", i, f, x.Entries[i], blocks[i].Entry)
		}
	}
	return true
}

// TestLyingLength: a length that is not backed by bytes costs no memory.
func TestLyingLength(t *testing.T) {
	f := Header{BlockSize: MaxBlock}.Append(nil)
	f = Block{Method: Stored, Plain: MaxBlock, Payload: MaxBlock}.Append(f, 0)
	f = append(f, "not 64 MiB"...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, _, err := scan(bytes.NewReader(f))
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrTruncated) {
		t.Error(err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes allocated for a file of %d", n, len(f))
	}
	foot := append(make([]byte, 5000), 0xff, 0xff, 0x0f, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	if x, err := indexFromEnd(bytes.NewReader(foot), int64(len(foot))); x != nil || err != nil {
		t.Errorf("index with a lying count: %v, %v", x, err)
	}
}

// TestLimit: the caller's limit holds in both forms.
func TestLimit(t *testing.T) {
	for name, f := range files(t) {
		s := NewScanner(bytes.NewReader(f))
		s.Limit = 4
		_, _, err := s.Next(nil)
		if want := name != "empty" && name != "one"; errors.Is(err, ErrLimit) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnderlyingErrors: errors of the reader below come through as they are.
func TestUnderlyingErrors(t *testing.T) {
	fault := errors.New("disk on fire")
	for name, f := range files(t) {
		for n := range f {
			r := io.MultiReader(bytes.NewReader(f[:n]), iotest.ErrReader(fault))
			if _, _, _, err := scan(r); err != fault {
				t.Fatalf("%s, fault after %d bytes: %v", name, n, err)
			}
		}
	}
}

func TestBadBlocksAreNotWritten(t *testing.T) {
	w := NewWriter(io.Discard, Header{BlockSize: 10})
	for _, b := range []Block{
		{Method: Stored, Plain: 11, Payload: 11}, {Method: 2, Plain: 3, Payload: 4},
		{Method: 9, Plain: 4, Payload: 4}, {Method: Stored, Plain: 4, Payload: 3},
	} {
		if err := w.WriteBlock(b, make([]byte, b.Payload)); err == nil {
			t.Errorf("%+v was written", b)
		}
	}
	if err := w.WriteBlock(Block{Plain: 4, Payload: 4}, nil); err == nil {
		t.Error("a payload of the wrong length was written")
	}
}

func FuzzScan(f *testing.F) {
	for _, file := range files(f) {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) { accepts(t, file) })
}
