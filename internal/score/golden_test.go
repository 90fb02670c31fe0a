package score

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"kolm/internal/lm"
	"kolm/internal/lmfile"
	"kolm/internal/vocab"
)

// shared is a file beside the repository. Tests that need it skip where it is absent.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("../../../shared", name)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		t.Skipf("../shared/%s is not here", name)
	}
	return path
}

// stories opens the model of the golden figures.
func stories(t testing.TB, name string) (*lm.Model, *vocab.Tokenizer) {
	t.Helper()
	f, err := lmfile.Open(shared(t, "models/"+name), lm.DefaultKeep)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	tok, err := vocab.ParseGGUF(f.Keys)
	if err != nil {
		t.Fatal(err)
	}
	return f.Model, tok
}

func storiesText(t testing.TB, tok *vocab.Tokenizer) *Text {
	t.Helper()
	b, err := os.ReadFile(shared(t, "models/tinystories-valid.txt"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Encode(tok, b)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The figures were measured with llama.cpp's perplexity program and with rolling
// windows of 128.
func TestGolden(t *testing.T) {
	if testing.Short() {
		t.Skip("scores 60 000 tokens")
	}
	m, tok := stories(t, "stories260K-f32.gguf")
	text := storiesText(t, tok)
	for context, want := range map[int]float64{64: 5.844, 128: 5.694, 256: 5.428, 512: 5.385} {
		rule, err := LlamaCpp(tok, context)
		if err != nil {
			t.Fatal(err)
		}
		r, err := (&Run{Rule: rule, Model: m}).Score(text)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(r.Perplexity-want) > 0.001 { // that program keeps keys and values in binary16
			t.Errorf("llama.cpp -c %d: perplexity %.4f, want %.3f", context, r.Perplexity, want)
		}
	}
	rule, err := Harness(tok, 128)
	if err != nil {
		t.Fatal(err)
	}
	r, err := (&Run{Rule: rule, Model: m}).Score(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Sum.BitsPerByte(); math.Abs(got-1.3198) > 0.00005 || math.Abs(r.Perplexity-5.964) > 0.0005 {
		t.Errorf("rolling windows of 128: %.5f bits a byte, perplexity %.4f; want 1.3198, 5.964", got, r.Perplexity)
	}
	if r.Sum.Bytes != r.Bytes || r.Sum.Tokens != r.Tokens {
		t.Errorf("scored %d of %d bytes, %d of %d tokens", r.Sum.Bytes, r.Bytes, r.Sum.Tokens, r.Tokens)
	}
}
