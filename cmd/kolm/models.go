package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"kolm"
	"kolm/internal/builtin"
	"kolm/internal/modelfile"
)

// A catalogued model is a file named by its ID, 64 hexadecimal digits and .gguf,
// in one of the folders of modelFolders; or one of those built in.
const (
	modelSuffix = ".gguf"
	builtinName = "built-in"
	smallName   = "built-in-small"
	// minPrefix is how many digits of an ID must be given to mean a model.
	minPrefix = 4
)

type modelEntry struct {
	id   string // hexadecimal
	path string // or the name of a built-in model
}

// embedded are the built-in models by their names.
var embedded = map[string]*builtin.Model{builtinName: builtin.Default, smallName: builtin.Small}

func embeddedEntry(name string) modelEntry {
	return modelEntry{fmt.Sprintf("%x", embedded[name].ID()), name}
}

func (e modelEntry) read() ([]byte, error) {
	if b := embedded[e.path]; b != nil {
		return b.File(), nil
	}
	return os.ReadFile(e.path)
}

// open opens a catalogued model and makes sure that it is what its name says.
func (e modelEntry) open() (*kolm.Model, error) {
	switch e.path {
	case builtinName:
		return kolm.BuiltinModel()
	case smallName:
		return kolm.SmallModel()
	}
	m, err := openModelFile(e.path)
	if err != nil {
		return nil, err
	}
	if m.ID().String() != e.id {
		return nil, e.misnamed(m.ID().String())
	}
	return m, nil
}

func (e modelEntry) misnamed(id string) error {
	return noModel("restore it, or remove it", "%s: is model %s: the file was changed or renamed", e.path, id)
}

func noModel(hint, format string, args ...any) error {
	return &problem{code: codeModel, text: fmt.Sprintf(format, args...), hint: hint}
}

// modelFolders are where models are looked for, the one to import to last.
func modelFolders() []string {
	var dirs []string
	for _, d := range filepath.SplitList(os.Getenv("KOLM_MODELS")) {
		if d != "" {
			dirs = append(dirs, d)
		}
	}
	if d := dataFolder(); d != "" {
		dirs = append(dirs, filepath.Join(d, "kolm", "models"))
	}
	return dirs
}

// dataFolder is where the user's programs keep data, "" if there is no such place.
func dataFolder() string {
	if d := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return d
	}
	home, err := os.UserHomeDir()
	switch {
	case runtime.GOOS == "windows":
		return os.Getenv("LocalAppData")
	case err != nil || home == "":
		return ""
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support")
	}
	return filepath.Join(home, ".local", "share")
}

// catalogue lists the models at hand, the built-in ones first. A folder that
// does not exist holds none; one that can not be read is an error beside those of
// the others.
func catalogue() ([]modelEntry, error) {
	var list []modelEntry
	var bad error
	seen := map[string]bool{}
	for _, name := range []string{builtinName, smallName} {
		e := embeddedEntry(name)
		list = append(list, e)
		seen[e.id] = true
	}
	for _, dir := range modelFolders() {
		files, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			bad = errors.Join(bad, err)
		}
		for _, f := range files {
			id, ok := strings.CutSuffix(f.Name(), modelSuffix)
			if raw, err := hex.DecodeString(id); !ok || err != nil || len(raw) != 32 || id != strings.ToLower(id) || seen[id] {
				continue
			}
			seen[id] = true
			list = append(list, modelEntry{id, filepath.Join(dir, f.Name())})
		}
	}
	return list, bad
}

// modelsWith lists the catalogued models whose ID begins with hexadecimal digits.
func modelsWith(prefix string) ([]modelEntry, error) {
	all, err := catalogue()
	var list []modelEntry
	for _, e := range all {
		if strings.HasPrefix(e.id, prefix) {
			list = append(list, e)
		}
	}
	return list, err
}

// findModel finds the model that a packed file names.
func findModel(prefix []byte) (*kolm.Model, error) {
	e, err := onlyModel(hex.EncodeToString(prefix))
	if err != nil {
		return nil, err
	}
	return e.open()
}

// whereModel says where that model is.
func whereModel(prefix []byte) string {
	e, err := onlyModel(hex.EncodeToString(prefix))
	if err != nil {
		return "not here"
	}
	return e.path
}

// onlyModel is the one catalogued model whose ID begins so.
func onlyModel(prefix string) (modelEntry, error) {
	list, err := modelsWith(prefix)
	switch {
	case len(list) == 0 && err != nil:
		return modelEntry{}, err
	case len(list) == 0:
		return modelEntry{}, noModel(`give the model's file with -m, or keep it with "kolm model import FILE"`,
			"no model %s: looked in %s", prefix, strings.Join(modelFolders(), ", "))
	case len(list) > 1:
		return modelEntry{}, noModel("give more digits", "%d models begin with %s", len(list), prefix)
	}
	return list[0], nil
}

// chooseModel finds the model that a user means: the name of a built-in one,
// digits of an ID, or a file.
func chooseModel(name string) (modelEntry, error) {
	if embedded[name] != nil {
		return embeddedEntry(name), nil
	}
	if _, err := os.Stat(name); err == nil {
		return modelEntry{path: name}, nil
	}
	lower := strings.ToLower(name)
	if strings.Trim(lower, "0123456789abcdef") == "" && len(lower) >= minPrefix {
		return onlyModel(lower)
	}
	return modelEntry{}, noModel(fmt.Sprintf("a model is a GGUF file, %q, %q, or at least %d digits of an ID that \"kolm model list\" shows", builtinName, smallName, minPrefix),
		"%s: no such model file", name)
}

// modelPath is the file of the model that a user means, "" if there is none.
func modelPath(name string) string {
	e, err := chooseModel(name)
	if err != nil || embedded[e.path] != nil {
		return ""
	}
	return e.path
}

// openModel opens the model that a user means.
func openModel(name string) (*kolm.Model, error) {
	e, err := chooseModel(name)
	if err != nil {
		return nil, err
	}
	if e.id != "" {
		return e.open()
	}
	return openModelFile(e.path)
}

func openModelFile(path string) (*kolm.Model, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := kolm.ParseModel(file)
	if err != nil {
		return nil, noModel("", "%s: %v", path, err)
	}
	return m, nil
}

// describeModel reads what a model's file says of it.
func describeModel(e modelEntry) (*modelReport, error) {
	file, err := e.read()
	if err != nil {
		return nil, err
	}
	f, err := modelfile.Load(file)
	if err != nil {
		return nil, noModel("", "%s: %v", e.path, err)
	}
	c := f.Config
	r := &modelReport{
		ID: hex.EncodeToString(f.ID[:]), Name: f.Name, Where: e.path, Bytes: int64(len(file)),
		Vocab: c.Vocab, Dim: c.Dim, Layers: c.Layers, Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim, FFN: c.FFN, Window: c.Window,
	}
	if e.id != "" && e.id != r.ID {
		return nil, e.misnamed(r.ID)
	}
	return r, nil
}
