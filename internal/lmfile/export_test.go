package lmfile

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kolm/internal/builtin"
	"kolm/internal/dequant"
	"kolm/internal/modelfile"
	"kolm/internal/safetensors"
)

// TestExportFolder writes the built-in model as folders, reads them back, and
// compares them with the GGUF file.
func TestExportFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the built-in model is large for an emulated CPU; the run without -short has it")
	}
	k, err := modelfile.Load(builtin.Default.File())
	if err != nil {
		t.Fatal(err)
	}
	tokens := []int32{256, 'I', 't', ' ', 'i', 's', ' '}
	want := logits(t, open(t, "kolm.gguf", builtin.Default.File()).Model, tokens, len(tokens))
	for typ, within := range map[dequant.Type]float64{dequant.F32: 1e-5, dequant.F16: 1e-2} {
		dir := filepath.Join(t.TempDir(), "new", "folder")
		if err := ExportFolder(dir, k, typ); err != nil {
			t.Fatal(err)
		}
		f := openPath(t, dir)
		got := logits(t, f.Model, tokens, len(tokens))
		for i, v := range want {
			if d := math.Abs(float64(v - got[i])); d > within {
				t.Fatalf("%v: logit %d is %v, want %v", typ, i, got[i], v)
			}
		}
		if f.Arch != "qwen3" || f.Types[typ.String()] == 0 || len(f.Types) != 1 {
			t.Errorf("%v: read as %s with %v", typ, f.Arch, f.Types)
		}
		tokenizer(t, dir, k)
	}
	if err := ExportFolder(t.TempDir(), k, dequant.Q8_0); err == nil || !strings.Contains(err.Error(), "want F32 or F16") {
		t.Error(err)
	}
}

// tokenizer checks that tokenizer.json has every token and merge.
func tokenizer(t *testing.T, dir string, k *modelfile.File) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Added []struct {
			ID      int
			Content string
		} `json:"added_tokens"`
		Model struct {
			Type   string
			Vocab  map[string]int
			Merges []string
		}
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	m := got.Model
	if m.Type != "BPE" || len(m.Vocab) != k.Config.Vocab || len(m.Merges) != len(k.Merges) {
		t.Errorf("%s, %d tokens, %d merges", m.Type, len(m.Vocab), len(m.Merges))
	}
	if len(got.Added) != 1 || got.Added[0].ID != k.Separator || m.Vocab[got.Added[0].Content] != k.Separator {
		t.Errorf("added tokens are %v", got.Added)
	}
	for i, pair := range m.Merges {
		left, right, _ := strings.Cut(pair, " ")
		if id, ok := m.Vocab[left+right]; !ok || id != 257+i {
			t.Fatalf("merge %d, %q, makes token %d", i, pair, id)
		}
	}
}

// TestExportOverflow refuses numbers that F16 does not hold.
func TestExportOverflow(t *testing.T) {
	k, err := modelfile.Load(builtin.Default.File())
	if err != nil {
		t.Fatal(err)
	}
	k.Weights.OutputNorm[5] = 1e6
	dir := t.TempDir()
	if err := ExportFolder(dir, k, dequant.F16); err == nil || !strings.Contains(err.Error(), "model.norm: 1e+06 is too large") {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, safetensors.SingleFile)); err == nil {
		t.Error("a file was left behind")
	}
}
