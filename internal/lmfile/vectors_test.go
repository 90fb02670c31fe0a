package lmfile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kolm/internal/builtin"
	"kolm/internal/modelfile"
)

const vectorsExt = ".vectors.json"

// vectors are logits that PyTorch computed, in float32, for the model of a file:
// what train/gpu/export.py writes.
type vectors struct {
	SHA256 string  `json:"sha256"` // of the model file
	Window int     `json:"window"` // positions that a token sees
	Tokens []int32 `json:"tokens"`
	Rows   []struct {
		Position int       `json:"position"`
		Logits   []float32 `json:"logits"` // after the token there
	} `json:"rows"`
}

// TestVectors compares logits with those of the program that trained a model on a
// GPU. NAME.vectors.json goes with NAME.gguf; with what kolm makes of NAME.gguf in
// int8 if it is NAME-int8.vectors.json; and builtin.vectors.json goes with the
// built-in model. A folder of more is named by KOLM_VECTORS.
func TestVectors(t *testing.T) {
	const own = "testdata"
	checked := 0
	for _, dir := range []string{own, os.Getenv("KOLM_VECTORS")} {
		paths, err := filepath.Glob(filepath.Join(dir, "*"+vectorsExt))
		if err != nil {
			t.Fatal(err)
		}
		if dir == "" {
			continue
		}
		if len(paths) == 0 {
			t.Errorf("%s has no *%s: nothing was checked", dir, vectorsExt)
		}
		for _, path := range paths {
			name := strings.TrimSuffix(filepath.Base(path), vectorsExt)
			t.Run(name, func(t *testing.T) { checkVectors(t, path, name) })
			checked++
		}
	}
	if _, err := os.Stat(filepath.Join(own, "builtin"+vectorsExt)); errors.Is(err, fs.ErrNotExist) {
		t.Logf("the built-in model has no vectors; %d others were checked", checked)
	}
}

func checkVectors(t *testing.T, path, name string) {
	if name == "builtin" && testing.Short() {
		t.Skip("short: the built-in model is large for an emulated CPU")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	data := vectorsModel(t, filepath.Dir(path), name)
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != v.SHA256 {
		t.Fatalf("the model file has SHA-256 %x, the vectors are of %s: make them again", sum, v.SHA256)
	}
	m := open(t, name+".gguf", data).Model
	for range m.Config.Layers {
		m.Config.Windows = append(m.Config.Windows, v.Window)
	}
	got, vocab, worst := logits(t, m, v.Tokens, len(v.Tokens)), m.Config.Vocab, 0.0
	for _, r := range v.Rows {
		if len(r.Logits) != vocab {
			t.Fatalf("%d logits at position %d, want %d", len(r.Logits), r.Position, vocab)
		}
		for i, want := range r.Logits {
			worst = max(worst, math.Abs(float64(got[r.Position*vocab+i]-want)))
		}
	}
	if len(v.Rows) == 0 || !(worst <= 1e-4) {
		t.Errorf("logits of %d positions differ by up to %v, want 1e-4", len(v.Rows), worst)
	}
}

// vectorsModel returns the model file that vectors of a name are of. Other
// programs' files must be what kolm would have written.
func vectorsModel(t *testing.T, dir, name string) []byte {
	if name == "builtin" {
		return builtin.Default.File()
	}
	data, err := os.ReadFile(filepath.Join(dir, name+".gguf"))
	base, int8 := strings.CutSuffix(name, "-int8")
	if errors.Is(err, fs.ErrNotExist) && int8 {
		data, err = os.ReadFile(filepath.Join(dir, base+".gguf"))
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := modelfile.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := modelfile.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(data) {
		t.Error("kolm writes the model as another file")
	}
	if _, err := f.Tokenizer(); err != nil {
		t.Error(err)
	}
	if int8 && f.Weights.Output.F != nil {
		f.Weights = f.Weights.Quantized()
		if data, err = modelfile.Marshal(f); err != nil {
			t.Fatal(err)
		}
	}
	return data
}
