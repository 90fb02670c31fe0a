package kolm

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers says which packages of kolm each package may import. It is policy:
// change the import, not this table, unless the architecture changes.
// CONTRIBUTING.md describes what each package is for.
var layers = map[string][]string{
	"internal/coder":        {},
	"internal/nofuse":       {},
	"internal/half":         {},
	"internal/dequant":      {"half"},
	"internal/mmap":         {},
	"internal/safetensors":  {"dequant", "mmap"},
	"internal/kernel":       {},
	"internal/tensor":       {"kernel"},
	"internal/token":        {},
	"internal/corpus":       {},
	"internal/mix":          {},
	"internal/context":      {"mix"},
	"internal/model":        {"half", "kernel"},
	"internal/learn":        {"kernel", "model"},
	"internal/modelfile":    {"dequant", "half", "model", "token"},
	"internal/lm":           {"kernel"},
	"internal/memory":       {"lm"},
	"internal/lmfile":       {"dequant", "lm", "mmap", "model", "modelfile", "safetensors", "half"},
	"internal/codec":        {"coder", "mix", "context", "model", "kernel", "token", "learn"},
	"internal/codec/learn":  {"builtin", "codec", "corpus"},
	"internal/container":    {},
	"internal/builtin":      {"codec", "model", "modelfile"},
	"internal/train":        {"tensor", "token", "corpus", "model", "modelfile"},
	"internal/mdl":          {},
	"internal/mdl/bitsback": {"mdl"},
	"internal/mdl/prefix":   {},
	"internal/mdl/turing":   {},
	"internal/source":       {},
	"internal/peer":         {},
	"internal/chart":        {},
	"internal/lab":          {".", "chart", "codes", "coder", "ledger", "lm", "lmfile", "mdl", "mdl/bitsback", "mdl/prefix", "mdl/turing", "memory", "modelfile", "peer", "score", "source", "token", "train", "vocab", "weightcode"},
	"internal/vocab":        {"modelfile", "token"},
	"internal/score":        {"kernel", "lm", "vocab"},
	"internal/quantize":     {"dequant", "lm", "lmfile", "modelfile", "score"},
	"internal/ledger":       {},
	"internal/universal":    {"coder"},
	"internal/weightcode":   {"coder"},
	"internal/twopart":      {"codec", "coder", "half", "kernel", "ledger", "mdl", "model", "modelfile", "token", "weightcode"},
	"internal/prequential":  {"coder", "kernel", "learn", "model"},
	"internal/codes":        {".", "builtin", "codec", "container", "ledger", "mdl", "mdl/bitsback", "modelfile", "peer", "prequential", "token", "train", "twopart", "universal"},
	".":                     {"codec", "container", "builtin", "kernel", "modelfile"},
	"cmd/kolm":              {".", "builtin", "codec", "container", "corpus", "kernel", "model", "modelfile", "token", "train", "peer", "chart", "lab", "mdl/prefix", "lm", "lmfile", "score", "vocab", "memory", "codes", "ledger", "twopart", "quantize"},
}

func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	for dir, files := range goFiles(t) {
		allowed, known := layers[dir]
		if !known {
			t.Errorf("package %s is not in the table of layers: decide what it may import", dir)
		}
		seen[dir] = true
		for _, file := range files {
			for _, imp := range imports(t, file) {
				to, ours := strings.CutPrefix(imp, "kolm")
				if !ours {
					continue
				}
				name := strings.TrimPrefix(to, "/internal/")
				if name == "" {
					name = "."
				}
				if !slices.Contains(allowed, name) {
					t.Errorf("%s imports %s, which the table of layers does not allow", file, imp)
				}
			}
		}
	}
	for dir := range layers {
		if !seen[dir] {
			t.Errorf("the table of layers names %s, which has no Go files", dir)
		}
	}
}

// goFiles returns the non-test Go files of the repository by folder.
func goFiles(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			dir := filepath.ToSlash(filepath.Dir(path))
			files[dir] = append(files[dir], path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, s := range f.Imports {
		path, err := strconv.Unquote(s.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}
