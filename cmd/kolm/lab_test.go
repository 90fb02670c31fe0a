package main

import (
	"errors"
	"strings"
	"testing"

	"kolm/internal/lab"
)

// TestClaimsFail: one experiment that does not pass makes kolm lab claims exit with
// 1 and name it, and fails its claims.
func TestClaimsFail(t *testing.T) {
	if err := notPassed(nil); err != nil {
		t.Errorf("all pass: %v", err)
	}
	err := notPassed([]string{"floor", "sizes"})
	var p *problem
	if !errors.As(err, &p) || p.code != codeFailed || !strings.Contains(p.text, "floor, sizes") {
		t.Errorf("two fail: %v", err)
	}
	results := map[string]*lab.Result{}
	for _, e := range lab.Experiments() {
		results[e.Name] = &lab.Result{Pass: e.Name != "sizes"}
	}
	failed := 0
	for _, s := range lab.Judge(results) {
		if s.State == lab.Failed {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d claims fail with one experiment of one claim", failed)
	}
}
