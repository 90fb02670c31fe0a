package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"kolm/internal/corpus"
)

var pageFlag = flag.String("page", "", "run the commands of doc/memory.md over this folder of text, and write what they print into it")

const memoryPage = "../../doc/memory.md"

// consoleBlock is a block of a page that shows commands with what they print.
var consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)```")

// measuredLine is the line of a page that says what its output was made with.
var measuredLine = regexp.MustCompile("(?m)^Measured: .*$")

// pageText is the text.txt of the page, which quotes it.
const pageText = "The capital of France is Paris. Water boils at one hundred degrees."

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
	if n := len(measuredLine.FindAll(page, -1)); n != 1 || !strings.Contains(string(page), pageText) {
		t.Fatalf("%s has %d lines that begin with %q, want one, and must quote text.txt", memoryPage, n, "Measured: ")
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
	measured := pageMeasured(t, dir)
	page = measuredLine.ReplaceAllFunc(page, func([]byte) []byte { return []byte(measured) })
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
		"text.txt":     []byte(pageText + "\n"),
		"facts.tsv":    []byte("The capital of France is\t Paris\tFrance\tcapital\nThe capital of Spain is\t Madrid\tSpain\tcapital\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pageMeasured says with what commit, on what machine and of what data the page is made.
func pageMeasured(t *testing.T, dir string) string {
	t.Helper()
	docs, size, sum := 0, 0, sha256.New()
	for doc, err := range corpus.Open(filepath.Join(dir, "corpus") + "/") {
		if err != nil {
			t.Fatal(err)
		}
		docs, size = docs+1, size+len(doc.Text)
		sum.Write(doc.Text)
	}
	line := fmt.Sprintf("Measured: commit %s, %s. SHA-256 of the %d documents of `corpus/` joined, %d bytes: `%.8x`", pageCommit(t), pageMachine(), docs, size, sum.Sum(nil))
	for _, name := range []string{"ordinary.txt", "text.txt", "facts.tsv"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		line += fmt.Sprintf("; of `%s`, %d bytes: `%.8x`", name, len(b), sha256.Sum256(b))
	}
	return line + "."
}

// pageCommit is the commit that is checked out, and whether files differ from it.
func pageCommit(t *testing.T) string {
	t.Helper()
	git := func(args ...string) string {
		out, err := exec.Command("git", args...).Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	commit := git("rev-parse", "--short", "HEAD")
	if git("status", "--porcelain", "--untracked-files=no") != "" {
		commit += " and changes after it"
	}
	return commit
}

// pageMachine names the system, and its processors as far as it knows their name. No
// figure depends on them.
func pageMachine() string {
	name := "of unknown name"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`(?m)^model name\s*: *(.*)$`).FindSubmatch(b); m != nil {
			name = string(m[1])
		}
	}
	return fmt.Sprintf("%s/%s, %d processors %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), name)
}
