package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kolm/internal/corpus"
)

var pageFlag = flag.String("page", "", "run the commands of doc/memory.md over this folder of text, and write what they print into it")

const memoryPage = "../../doc/memory.md"

// consoleBlock is a block of a page that shows commands with what they print.
var consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)```")

// TestMemoryPage brings doc/memory.md up to date: its output depends on the weights
// of the built-in model.
func TestMemoryPage(t *testing.T) {
	page, err := os.ReadFile(memoryPage)
	if err != nil {
		t.Fatal(err)
	}
	blocks := consoleBlock.FindAllString(string(page), -1)
	if len(blocks) < 8 {
		t.Fatalf("%s has %d blocks of commands: are they marked otherwise?", memoryPage, len(blocks))
	}
	if *pageFlag == "" {
		for _, b := range blocks {
			if !strings.HasPrefix(b, "```console\n$ ") {
				t.Errorf("%s: a block does not begin with a command: %.60q", memoryPage, b)
			}
		}
		return
	}
	dir := pageFolder(t)
	page = consoleBlock.ReplaceAllFunc(page, func(b []byte) []byte {
		var out strings.Builder
		out.WriteString("```console\n")
		for _, line := range strings.Split(string(b), "\n") {
			command, ok := strings.CutPrefix(line, "$ ")
			if !ok {
				continue
			}
			out.WriteString(line + "\n")
			cmd := exec.Command("sh", "-c", command)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+dir+"/bin:"+os.Getenv("PATH"), "KOLM_MODELS=", "HOME="+dir)
			text, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v: %s", command, err, text)
			}
			for _, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
				if line = strings.TrimRight(line, " "); line != "" {
					out.WriteString(line + "\n")
				}
			}
		}
		return []byte(out.String() + "```")
	})
	if t.Failed() {
		return
	}
	if err := os.WriteFile(memoryPage, page, 0o666); err != nil {
		t.Fatal(err)
	}
}

// pageFolder is a folder with all that the commands of the page name.
func pageFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := filepath.Abs(*pageFlag)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o777); err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{"bin/kolm": self, "corpus": text} {
		if err := os.Symlink(from, filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	var ordinary []byte
	for doc, err := range corpus.Open(text) {
		if err != nil {
			t.Fatal(err)
		}
		if ordinary = append(ordinary, doc.Text...); len(ordinary) > 20_000 {
			break
		}
	}
	for name, b := range map[string][]byte{
		"ordinary.txt": ordinary,
		"text.txt":     []byte("The capital of France is Paris. Water boils at one hundred degrees.\n"),
		"facts.tsv":    []byte("The capital of France is\t Paris\tFrance\tcapital\nThe capital of Spain is\t Madrid\tSpain\tcapital\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
