package main

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var updateKeys = flag.Bool("update-keys", false, "write testdata/memory_keys.golden anew")

// TestMemoryKeys: the keys of all JSON of kolm memory are those of the golden file.
// Programs read them, so they may be added, but not taken away or renamed.
func TestMemoryKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("short: runs every verb of kolm memory, as the run without -short does")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"line.txt":     "The capital of France is Paris. Water boils at one hundred degrees.\n",
		"facts.tsv":    "The capital of France is\t Paris\tFrance\tcapital\nThe capital of Spain is\t Madrid\tSpain\tcapital\n",
		"ordinary.txt": ordinaryText(t),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var got strings.Builder
	for _, line := range []string{
		"index line.txt --top 3 -o line.db",
		"neuron 3.7 -i line.db",
		"search line.db --text France -n 1",
		"explain France_is -n 1 -i line.db",
		"ablate line.txt -n 0.1 -n layer:2 --shapley 2",
		"ablate line.txt --rank 1",
		"trace France_is -s France --draws 2 --knowledge --steps 2",
		"edit France_is -s France -t _London --text ordinary.txt -l 0 --steps 40 --paraphrase France_was --neighbour Spain_is -o edited.gguf",
		"edit --undo edited.gguf -o undone.gguf",
		"capacity --steps 2",
		"capacity facts.tsv --text line.txt",
	} {
		args := strings.Fields(line)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "_", " ")
		}
		out, err := kolmIn(t, dir, slices.Concat([]string{"memory"}, args, []string{"--json"})...).Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
		var value any
		if err := json.Unmarshal(out, &value); err != nil {
			t.Fatalf("%s: %v: %.200s", line, err, out)
		}
		keys := map[string]bool{}
		keyPaths(value, "", keys)
		got.WriteString("$ kolm memory " + strings.ReplaceAll(line, "_", " ") + "\n")
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			got.WriteString(k + "\n")
		}
	}
	golden := filepath.Join("testdata", "memory_keys.golden")
	if *updateKeys {
		if err := os.WriteFile(golden, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the keys changed; if that is meant, run with -update-keys and look at what git says:\n%s", got.String())
	}
}

// keyPaths collects the keys of objects, with those that lead to them; [] is an
// element of a list.
func keyPaths(value any, at string, keys map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for k, x := range v {
			path := strings.TrimPrefix(at+"."+k, ".")
			keys[path] = true
			keyPaths(x, path, keys)
		}
	case []any:
		for _, x := range v {
			keyPaths(x, at+"[]", keys)
		}
	}
}

// ordinaryText is what the script of kolm memory edits with.
func ordinaryText(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", "memory.txt"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(script), "-- ordinary.txt --\n")
	if !ok {
		t.Fatal("testdata/memory.txt has no ordinary.txt")
	}
	return text
}
