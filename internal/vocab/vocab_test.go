package vocab

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"kolm/internal/builtin"
	"kolm/internal/modelfile"
	"kolm/internal/token"
)

// shared reads a file beside the repository, where that is there.
func shared(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../shared", name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("../shared/%s is not here", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func fromGGUF(t testing.TB, file []byte) *Tokenizer {
	t.Helper()
	g, err := modelfile.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := ParseGGUF(g)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestBuiltin compares with the tokenizer of kolm's own models.
func TestBuiltin(t *testing.T) {
	tok := fromGGUF(t, builtin.Default.File())
	f, err := modelfile.Load(builtin.Default.File())
	if err != nil {
		t.Fatal(err)
	}
	own, err := f.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	if tok.BOS != token.Separator || !tok.AddBOS || tok.Vocab() != own.Vocab() {
		t.Errorf("BOS %d, added %v, %d tokens", tok.BOS, tok.AddBOS, tok.Vocab())
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		text := someText(r, r.IntN(4000))
		if i == 0 {
			text = bytes.Repeat([]byte("a"), 1<<20+100)
		}
		ids, err := tok.EncodeExact(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []uint16
		for _, id := range ids {
			got = append(got, uint16(id))
		}
		if want := own.Encode(nil, text); !slices.Equal(got, want) {
			t.Fatalf("%q:\n got %v\nwant %v", text[:min(len(text), 200)], got, want)
		}
	}
}

// TestStories compares the two files of one tokenizer with each other and with the
// tokens that llama.cpp and llama2.c give.
func TestStories(t *testing.T) {
	a := fromGGUF(t, shared(t, "models/stories260K-f32.gguf"))
	b, err := ParseLlama2C(shared(t, "models/tok512.bin"))
	if err != nil {
		t.Fatal(err)
	}
	if a.Kind != Scores || a.BOS != 1 || a.EOS != 2 || !a.AddBOS || a.AddEOS || !a.SpacePrefix || b.BOS != 1 || !b.AddBOS {
		t.Errorf("%v %d %d %v %v %v", a.Kind, a.BOS, a.EOS, a.AddBOS, a.AddEOS, a.SpacePrefix)
	}
	text := shared(t, "models/tinystories-valid.txt")
	r := rand.New(rand.NewPCG(5, 6))
	texts := [][]byte{text, []byte("a"), {0xff}, []byte(" "), []byte("\u2581"), []byte("<s></s><unk>"), []byte("<0x0A>")}
	for range 500 {
		texts = append(texts, someText(r, r.IntN(300)))
	}
	for _, text := range texts {
		x, err := a.EncodeExact(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		y, err := b.EncodeExact(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if !slices.Equal(x, y) {
			t.Fatalf("%q:\n%v\n%v", text, x, y)
		}
		if back, err := a.Decode(nil, x); err != nil || !bytes.Equal(back, text) {
			t.Fatalf("%q becomes %q, %v", text, back, err)
		}
		if len(text) < 1000 {
			if slow := slowScores(a, text); !slices.Equal(x, slow) {
				t.Fatalf("%q:\n got %v\nwant %v", text, x, slow)
			}
		}
	}
	ids, _ := a.Encode(nil, []byte("Once upon a time"))
	var pieces []string
	for _, id := range ids {
		pieces = append(pieces, string(a.Text(id)))
	}
	if got := fmt.Sprintf("%q", pieces); got != `[" Once" " upon" " a" " time"]` {
		t.Errorf("pieces are %s", got)
	}
}

// slowScores is SentencePiece's rule as it is stated: again and again, join the two
// neighbours whose joint piece has the highest score, the leftmost of equal ones.
func slowScores(t *Tokenizer, text []byte) []int32 {
	return slowJoin(t, text, func(a, b string) (float64, bool) {
		id, ok := t.ids[a+b]
		if !ok {
			return 0, false
		}
		return -float64(t.Scores[id]), true
	})
}

// slowJoin joins neighbours that join at the lowest cost, the leftmost of equal ones,
// until none do.
func slowJoin(t *Tokenizer, text []byte, cost func(a, b string) (float64, bool)) (out []int32) {
	if len(text) == 0 {
		return nil
	}
	var parts []string
	for b := []byte(t.Prefix() + string(text)); len(b) > 0; {
		n := charLen(b)
		parts, b = append(parts, string(b[:n])), b[n:]
	}
	for {
		best, at := 0.0, -1
		for i := range len(parts) - 1 {
			if c, ok := cost(parts[i], parts[i+1]); ok && (at < 0 || c < best) {
				best, at = c, i
			}
		}
		if at < 0 {
			break
		}
		parts[at] += parts[at+1]
		parts = slices.Delete(parts, at+1, at+2)
	}
	for _, p := range parts {
		if id, ok := t.ids[p]; ok {
			out = append(out, id)
			continue
		}
		for _, b := range []byte(p) {
			out = append(out, t.bytes[b])
		}
	}
	return out
}

// someText draws from words, characters of all lengths, and bytes.
func someText(r *rand.Rand, n int) []byte {
	words := []string{"the", " the", "Once", " upon", " a", " time", "  ", "\n", "\n\n", "你好", "é", "e\u0301", "😀", "\u2581", "'s", "123", "<s>", "\t", "ing", " dog", ".", ","}
	var b []byte
	for len(b) < n {
		switch r.IntN(8) {
		case 0:
			b = append(b, byte(r.Uint32()))
		case 1:
			b = append(b, string(rune(r.IntN(0x3000)))...)
		default:
			b = append(b, words[r.IntN(len(words))]...)
		}
	}
	return b
}

func BenchmarkEncode(b *testing.B) {
	text := bytes.Repeat(shared(b, "models/tinystories-valid.txt"), 20)
	for name, file := range map[string][]byte{
		"bytes": builtin.Default.File(), "scores": shared(b, "models/stories260K-f32.gguf"),
	} {
		tok := fromGGUF(b, file)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			var ids []int32
			for b.Loop() {
				ids, _ = tok.Encode(ids[:0], text)
			}
		})
	}
}
