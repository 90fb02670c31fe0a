package token

import (
	"bytes"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
)

// slowWord is the definition: again and again the earliest merge of the list
// that fits, at its leftmost place.
func slowWord(merges [][2]int32, b []byte) []uint16 {
	var ids []uint16
	for _, c := range b {
		ids = append(ids, uint16(c))
	}
	for {
		best, at := len(merges), 0
		for i := 1; i < len(ids); i++ {
			m := slices.Index(merges, [2]int32{int32(ids[i-1]), int32(ids[i])})
			if m >= 0 && m < best {
				best, at = m, i
			}
		}
		if best == len(merges) {
			return ids
		}
		ids[at-1] = uint16(FirstMerge + best)
		ids = slices.Delete(ids, at, at+1)
	}
}

// randomMerges makes a list that New accepts, over a few letters and spaces, so
// that many merges compete for the same bytes.
func randomMerges(r *rand.Rand, n int) [][2]int32 {
	alphabet := []int32{'a', 'b', 'c', ' ', 0xe4, 0xb8}
	text := map[int32]string{}
	for _, c := range alphabet {
		text[c] = string([]byte{byte(c)})
	}
	seen := map[string]bool{}
	var merges [][2]int32
	for len(merges) < n {
		m := [2]int32{alphabet[r.IntN(len(alphabet))], alphabet[r.IntN(len(alphabet))]}
		made := text[m[0]] + text[m[1]]
		if seen[made] || len(made) > 40 {
			continue
		}
		seen[made] = true
		id := int32(FirstMerge + len(merges))
		text[id], merges, alphabet = made, append(merges, m), append(alphabet, id)
	}
	return merges
}

func mustNew(t testing.TB, merges [][2]int32) *Tokenizer {
	t.Helper()
	tok, err := New(merges)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestEncodeExact compares all ways to encode a pre-token with the definition.
func TestEncodeExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 150 {
		merges := randomMerges(r, 1+r.IntN(60))
		tok := mustNew(t, merges)
		e := &encoder{t: tok}
		for range 20 {
			b := make([]byte, 1+r.IntN([]int{6, 20, 90}[r.IntN(3)]))
			for i := range b {
				b[i] = "abc \xe4\xb8"[r.IntN(6)]
			}
			want := slowWord(merges, b)
			prefix := []uint16{7}
			ways := map[string][]uint16{
				"word":   e.word(prefix, b),
				"cached": e.word(prefix, b),
				"long":   e.long.encode(prefix, b, &tok.rank),
			}
			if len(b) <= shortWord {
				ways["plain"] = e.merge(prefix, b)
			}
			for way, got := range ways {
				if got[0] != 7 || !slices.Equal(got[1:], want) {
					t.Fatalf("%s encoding of %q by %v:\n got %v\nwant %v", way, b, merges, got[1:], want)
				}
			}
		}
	}
}

// TestEncodeText compares whole texts, pre-tokens of all lengths among them.
func TestEncodeText(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	lengths := map[bool]int{}
	for range 60 {
		merges := randomMerges(r, 40)
		tok := mustNew(t, merges)
		text := randomText(r, 100)
		for range 3 {
			for range r.IntN(2 * shortWord) {
				text = append(text, "abc"[r.IntN(3)])
			}
			text = append(text, ' ')
		}
		var want []uint16
		for _, w := range words(slowSplit, text) {
			want = append(want, slowWord(merges, []byte(w))...)
			lengths[len(w) > shortWord]++
		}
		if got := tok.Encode(nil, text); !slices.Equal(got, want) {
			t.Fatalf("%q by %v:\n got %v\nwant %v", text, merges, got, want)
		}
	}
	if lengths[true] == 0 || lengths[false] == 0 {
		t.Fatalf("long pre-tokens (true) and short ones: %v, want both", lengths)
	}
}

func roundTrip(t *testing.T, tok *Tokenizer, text []byte) []uint16 {
	t.Helper()
	ids := tok.Encode(nil, text)
	back, err := tok.Decode([]byte("x"), ids)
	if err != nil || !bytes.Equal(back[1:], text) {
		t.Fatalf("%.100q comes back as %.100q, error %v", text, back[1:], err)
	}
	return ids
}

func FuzzEncode(f *testing.F) {
	merges := randomMerges(rand.New(rand.NewPCG(7, 8)), 60)
	tok := mustNew(f, merges)
	for _, s := range []string{"", "a", "\x00\x00\x00", "abcabc abc", "\xe4\xb8\xe4\xb8\xff", "  \n\n a's", strings.Repeat("ab", 100)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		text = text[:min(len(text), 600)] // the definition is slow
		ids := roundTrip(t, tok, text)
		var want []uint16
		for _, w := range words(slowSplit, text) {
			want = append(want, slowWord(merges, []byte(w))...)
		}
		if !slices.Equal(ids, want) {
			t.Fatalf("%q: got %v, want %v", text, ids, want)
		}
	})
}

// TestLongWords encodes megabytes without a border; were it quadratic, it
// would take days.
func TestLongWords(t *testing.T) {
	doubling := [][2]int32{{'a', 'a'}, {257, 257}, {258, 258}, {'b', 'a'}, {'a', 'b'}, {260, 261}}
	tok := mustNew(t, doubling)
	for _, unit := range []string{"a", "aab", "x"} {
		roundTrip(t, tok, []byte(strings.Repeat(unit, maxWord/4/len(unit))))
	}
	text := []byte(strings.Repeat("ab", maxWord/2+9)) // the 18 bytes too many are apart
	want := tok.Encode(tok.Encode(nil, text[:maxWord]), text[maxWord:])
	if got := roundTrip(t, tok, text); !slices.Equal(got, want) {
		t.Errorf("%d bytes are not encoded in parts of %d", len(text), maxWord)
	}
}

// TestEncodeConcurrent shares a tokenizer, and finds that what it encoded
// before changes nothing.
func TestEncodeConcurrent(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	merges := randomMerges(r, 60)
	tok := mustNew(t, merges)
	var texts [][]byte
	var want [][]uint16
	for range 40 {
		text := randomText(r, 300)
		texts, want = append(texts, text), append(want, mustNew(t, merges).Encode(nil, text))
	}
	var done sync.WaitGroup
	for g := range 4 {
		done.Go(func() {
			r := rand.New(rand.NewPCG(11, uint64(g)))
			for range 100 {
				if i := r.IntN(len(texts)); !slices.Equal(tok.Encode(nil, texts[i]), want[i]) {
					t.Errorf("text %d is encoded differently the next time", i)
				}
			}
		})
	}
	done.Wait()
}

func TestEncodeAllocates(t *testing.T) {
	if b, ok := debug.ReadBuildInfo(); ok && slices.Contains(b.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("under the race detector a sync.Pool forgets at random")
	}
	tok := mustNew(t, randomMerges(rand.New(rand.NewPCG(12, 13)), 60))
	text := []byte(strings.Repeat("abc cab bca ", 100) + strings.Repeat("ab", shortWord))
	ids := tok.Encode(nil, text)
	if n := testing.AllocsPerRun(100, func() { ids = tok.Encode(ids[:0], text) }); n >= 1 {
		t.Errorf("Encode into enough room makes %v allocations, want 0", n)
	}
}

func TestDecode(t *testing.T) {
	tok := mustNew(t, [][2]int32{{'a', 'b'}, {257, 'c'}})
	got, err := tok.Decode([]byte("x"), []uint16{258, Separator, 'd', 257})
	if string(got) != "xabcdab" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err = tok.Decode(nil, []uint16{'a', 259}); err == nil || !strings.Contains(err.Error(), "id 259 at place 1") {
		t.Errorf("id out of range: error %v", err)
	}
}

func TestNew(t *testing.T) {
	merges := [][2]int32{{'a', 'b'}, {257, 'c'}}
	tok := mustNew(t, merges)
	merges[0][0] = 'z'
	if tok.Vocab() != 259 || string(tok.Bytes(258)) != "abc" || len(tok.Bytes(Separator)) != 0 || tok.Merges()[0][0] != 'a' {
		t.Errorf("vocabulary %d, token 258 %q, merges %v", tok.Vocab(), tok.Bytes(258), tok.Merges())
	}
	doubling := make([][2]int32, 13)
	for i := range doubling {
		doubling[i] = [2]int32{int32(256 + i), int32(256 + i)}
	}
	doubling[0] = [2]int32{'a', 'a'}
	for _, c := range []struct {
		name   string
		merges [][2]int32
		want   string
	}{
		{"itself", [][2]int32{{'a', 'b'}, {258, 'a'}}, "merge 1 (258 97) joins token 258"},
		{"later", [][2]int32{{'a', 300}}, "merge 0 (97 300) joins token 300"},
		{"negative", [][2]int32{{-1, 'a'}}, "merge 0 (-1 97) joins token -1"},
		{"separator", [][2]int32{{'a', Separator}}, "merge 0 (97 256) joins token 256"},
		{"twice", [][2]int32{{'a', 'b'}, {'c', 'd'}, {'a', 'b'}}, "merge 2 (97 98) makes the bytes \"ab\", as merge 0 does"},
		{"same bytes", [][2]int32{{'a', 'b'}, {'b', 'c'}, {257, 'c'}, {'a', 258}}, "merge 3 (97 258) makes the bytes \"abc\", as merge 2 does"},
		{"long", doubling, "merge 12 (268 268) makes a token of 8192 bytes"},
		{"many", make([][2]int32, MaxVocab), "65536 merges, at most 65279 fit"},
	} {
		if _, err := New(c.merges); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestNewTotal asks for more memory than any vocabulary needs, by many tokens
// each of which is short enough.
func TestNewTotal(t *testing.T) {
	merges := [][2]int32{{'a', 'a'}}
	for id := int32(FirstMerge); len(merges) < 11; id++ {
		merges = append(merges, [2]int32{id, id})
	}
	half := int32(FirstMerge + 10)
	for _, c := range "bcd" {
		last := half
		for range MaxTokenBytes / 2 {
			merges = append(merges, [2]int32{last, c})
			last = int32(FirstMerge + len(merges) - 1)
		}
	}
	if _, err := New(merges); err == nil || !strings.Contains(err.Error(), "all tokens together have more than") {
		t.Errorf("error %v", err)
	}
	mustNew(t, merges[:len(merges)/2])
}
