package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kolm/internal/lab"
)

// TestClaims: kolm lab claims prints seventeen rows. With one experiment that does
// not pass it exits with 1 and names it, and its claims alone fail.
func TestClaims(t *testing.T) {
	for _, c := range []struct {
		failing string // experiment
		failed  int    // claims
	}{{"", 0}, {"sizes", 1}, {"trees", 2}} {
		dir := t.TempDir()
		text, err := os.Create(filepath.Join(dir, "stdout"))
		if err != nil {
			t.Fatal(err)
		}
		defer text.Close()
		a := &app{stdout: text, stderr: os.Stderr}
		err = (&labClaimsCmd{labFlags{Output: dir}}).judge(a, func(e lab.Experiment) (*lab.Result, error) {
			return &lab.Result{Name: e.Name, Pass: e.Name != c.failing}, nil
		})
		var p *problem
		if c.failing == "" {
			if err != nil {
				t.Errorf("all pass: %v", err)
			}
		} else if !errors.As(err, &p) || p.code != codeFailed || !strings.Contains(p.text, c.failing) {
			t.Errorf("%s does not pass: %v", c.failing, err)
		}
		out, err := os.ReadFile(text.Name())
		if err != nil {
			t.Fatal(err)
		}
		pass, fail := strings.Count(string(out), "  pass  "), strings.Count(string(out), "  fail  ")
		if experiments := len(lab.Experiments()); pass+fail != experiments+17 || c.failing != "" && fail != c.failed+1 {
			t.Errorf("%q does not pass: %d rows pass and %d fail of %d experiments and 17 claims:\n%s", c.failing, pass, fail, experiments, out)
		}
		var report claimsReport
		b, err := os.ReadFile(filepath.Join(dir, "claims.json"))
		if err == nil {
			err = json.Unmarshal(b, &report)
		}
		if err != nil || report.Failed != c.failed || report.Passed != 17-c.failed {
			t.Errorf("%q: claims.json: %d pass, %d fail, %v", c.failing, report.Passed, report.Failed, err)
		}
	}
}
