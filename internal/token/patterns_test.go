package token

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSplitters(t *testing.T) {
	f, err := os.Open("testdata/splits.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		name, quoted, _ := strings.Cut(lines.Text(), "\t")
		want, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		text := strings.ReplaceAll(want, "\u00ac", "")
		if got := strings.Join(words(SplitterNamed(name), []byte(text)), "\u00ac"); got != want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
		seen[name]++
	}
	if len(seen) != len(patterns) {
		t.Errorf("the table has %v, want every pattern", seen)
	}
	for name, n := range seen {
		if n < 60 {
			t.Errorf("%d texts for %s", n, name)
		}
	}
}

func TestSplitterNames(t *testing.T) {
	for _, names := range SplitterNames() {
		for _, name := range strings.Fields(names) {
			if SplitterNamed(name) == nil {
				t.Errorf("%s is listed and not known", name)
			}
		}
	}
	for _, name := range []string{"", "gpt", "qwen2 ", "GPT-2"} {
		if SplitterNamed(name) != nil {
			t.Errorf("%q is known", name)
		}
	}
}

// TestSplittersWhole checks that pieces are the text, whatever it is, and that
// long runs take linear time.
func TestSplittersWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	start := time.Now()
	for _, p := range patterns {
		for range 2000 {
			text := randomText(r, r.IntN(40))
			if got := strings.Join(words(p.split, text), ""); got != string(text) {
				t.Fatalf("%s: %q became %q", p.names, text, got)
			}
		}
		for _, unit := range []string{" ", "\n ", "a", "A", "'", ".", "1", "٣", "12٣", " .", "\xff", "中", "\u0301", "A\u0301", "©.", "/\n", "Aa", "x "} {
			text := bytes.Repeat([]byte(unit), 1<<17/len(unit))
			for rest := text; len(rest) > 0; {
				n := p.split(rest)
				if n <= 0 {
					t.Fatalf("%s: run of %q: a pre-token of length %d", p.names, unit, n)
				}
				rest = rest[n:]
			}
		}
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("long runs took %v", took)
	}
}
