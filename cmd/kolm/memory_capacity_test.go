package main

import (
	"strings"
	"testing"
)

// TestFactTable: doc/facts.tsv is a table that kolm memory capacity reads, each fact
// once, with answers that follow their prompts.
func TestFactTable(t *testing.T) {
	facts, err := readFacts("../../doc/facts.tsv")
	if err != nil {
		t.Fatal(err)
	}
	kinds, prompts := map[string]int{}, map[string]bool{}
	for _, f := range facts {
		kinds[f.Kind]++
		if prompts[f.Prompt] {
			t.Errorf("%q stands twice", f.Prompt)
		}
		prompts[f.Prompt] = true
		if !strings.Contains(f.Prompt, f.Subject) || f.Subject == "" {
			t.Errorf("subject %q is not in %q", f.Subject, f.Prompt)
		}
		if english := strings.HasSuffix(f.Kind, "-en"); english != strings.HasPrefix(f.Answer, " ") {
			t.Errorf("%q is followed by %q: English words want a space between them, Chinese ones none", f.Prompt, f.Answer)
		}
	}
	if len(facts) < 300 || len(kinds) != 6 {
		t.Errorf("%d facts of kinds %v", len(facts), kinds)
	}
}
