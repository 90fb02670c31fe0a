package lmfile

import (
	"bytes"
	"crypto/sha256"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"kolm/internal/builtin"
	"kolm/internal/model"
	"kolm/internal/modelfile"
	"kolm/internal/token"
)

const models = "../../../shared/models"

// shared skips a test where the folder of public models is absent.
func shared(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(models); err != nil {
		t.Skip("the folder of public models is absent, nothing was checked:", err)
	}
	return models
}

// story is "Once upon a time, there was a little girl named Lily. She loved to
// play outside in the park. One day, she saw a big, red ball." in the pieces of
// the stories260K tokenizer.
var story = []int32{
	1, 403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426, 338, 401, 396, 267, 337, 410,
	408, 419, 292, 411, 322, 265, 282, 295, 433, 426, 385, 328, 432, 358, 394, 261, 370, 432, 352, 266, 268, 388, 426,
}

// TestStories opens one model as four files. Each continues the story as its
// README says; the float32 ones agree to the bit.
func TestStories(t *testing.T) {
	dir := shared(t)
	var exact []float32
	for _, c := range []struct {
		name   string
		format Format
		params int64
		types  map[string]int
		within float64 // mean code length, nats
	}{
		{"stories260K-f32.gguf", GGUF, 292800, map[string]int{"F32": 48}, 0},
		{"stories260K.bin", Llama2C, 260032, map[string]int{"F32": 47}, 0},
		{"stories260K-q8_0mix.gguf", GGUF, 292800, map[string]int{"F32": 11, "F16": 5, "Q8_0": 32}, .01},
		{"stories260K-q8.bin", Llama2C, 260032, map[string]int{"F32": 11, "Q8": 36}, .01},
	} {
		f := openPath(t, filepath.Join(dir, c.name))
		if f.Format != c.format || f.Arch != "llama" || f.Parameters != c.params || len(f.Types) != len(c.types) {
			t.Errorf("%s: %s %s, %d parameters, %v", c.name, f.Format, f.Arch, f.Parameters, f.Types)
		}
		for typ, n := range c.types {
			if f.Types[typ] != n {
				t.Errorf("%s: %d tensors of type %s, want %d", c.name, f.Types[typ], typ, n)
			}
		}
		got := logits(t, f.Model, story, len(story))
		vocab, diff := f.Model.Config.Vocab, 0.0
		for p := range story[1:] {
			row := got[p*vocab:][:vocab]
			if best := slices.Index(row, slices.Max(row)); p >= 5 && int32(best) != story[p+1] {
				t.Errorf("%s: after %d tokens comes %d, want %d", c.name, p+1, best, story[p+1])
			}
			if exact != nil {
				diff += math.Abs(nats(row, story[p+1])-nats(exact[p*vocab:][:vocab], story[p+1])) / float64(len(story)-1)
			}
		}
		if exact == nil {
			exact = got
		}
		if diff > c.within {
			t.Errorf("%s: a token costs %v nats more or less, at most %v", c.name, diff, c.within)
		}
	}
}

// TestHash compares the hash with that of the bytes.
func TestHash(t *testing.T) {
	data := newSample("llama", small).gguf(3)
	f := open(t, "model.gguf", data)
	if got, err := f.Hash(); err != nil || got != sha256.Sum256(data) {
		t.Errorf("%x %v", got, err)
	}
	if f.Size != int64(len(data)) {
		t.Errorf("size is %d, want %d", f.Size, len(data))
	}
}

// TestBuiltin opens the built-in model, and compares it with the plain forward
// pass and with the arithmetic of the coding path, whose activations have 8 bits.
func TestBuiltin(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the built-in model is large for an emulated CPU")
	}
	f := open(t, "kolm.gguf", builtin.Default.File())
	k, err := modelfile.Load(builtin.Default.File())
	if err != nil {
		t.Fatal(err)
	}
	tok, err := k.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	// In tokens as the model has learned them: where it expects something else,
	// rounding moves much.
	tokens := []int32{token.Separator}
	for _, id := range tok.Encode(nil, []byte("The cat sat on the mat, and the dog sat on the floor of the house.\n")) {
		tokens = append(tokens, int32(id))
	}
	got := logits(t, f.Model, tokens, len(tokens))
	compare(t, got, referenceOf(t, builtin.Default.File()).logits(tokens), tokens)

	m, err := model.New(k.Config, k.Weights)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]model.Row, len(tokens))
	for i, id := range tokens {
		rows[i].Token = id
	}
	hidden := make([]float32, len(tokens)*k.Config.Dim)
	m.Forward(m.NewState(1), rows, hidden)
	coded := make([]float32, len(got))
	if err := f.Model.Logits(coded, hidden, len(tokens), 1); err != nil {
		t.Fatal(err)
	}
	diff, vocab := 0.0, k.Config.Vocab
	for p := range tokens[1:] {
		diff += math.Abs(nats(got[p*vocab:][:vocab], tokens[p+1])-nats(coded[p*vocab:][:vocab], tokens[p+1])) / float64(len(tokens)-1)
	}
	if diff > .1 { // to both sides: what it costs in the mean is TestInt8Loss's to say
		t.Errorf("a token costs %v nats more or less than on the coding path", diff)
	}
}

// referenceOf makes the plain model of a GGUF file.
func referenceOf(t *testing.T, data []byte) *reference {
	t.Helper()
	g, err := modelfile.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	s := &sample{}
	v, _ := g.Get("general.architecture")
	s.arch, _ = v.Text()
	for _, kv := range g.Keys {
		name, ours := bytes.CutPrefix([]byte(kv.Key), []byte(s.arch))
		if n, ok := kv.Value.Int(); ok && ours {
			s.set(string(name), uint32(n))
		} else if x, ok := kv.Value.Float(); ok && ours {
			s.set(string(name), float32(x))
		}
	}
	for _, x := range g.Tensors {
		s.tensors = append(s.tensors, stored{x.Name, x.Dims, x.Type, x.Data})
	}
	return s.reference()
}

// TestOpenIsFast opens a file of a gigabyte, most of it a hole.
func TestOpenIsFast(t *testing.T) {
	s := newSample("llama", small)
	s.drop("output.weight")
	s.drop("token_embd.weight")
	const vocab = 5 << 20
	s.tensors = append(s.tensors, stored{name: "token_embd.weight", dims: []int{small.dim, vocab}})
	data := s.gguf(3)
	path := filepath.Join(t.TempDir(), "big.gguf")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(data)+4*small.dim*vocab)); err != nil {
		t.Skip("no room for a file with holes:", err)
	}
	start := time.Now()
	f := openPath(t, path)
	if d := time.Since(start); d > time.Second/2 {
		t.Errorf("opening took %v", d)
	}
	if f.Model.Config.Vocab != vocab || f.Size < 1<<30-1<<26 {
		t.Errorf("vocabulary %d, %d bytes", f.Model.Config.Vocab, f.Size)
	}
}
