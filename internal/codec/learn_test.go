package codec

import (
	"strings"
	"testing"

	"kolm/internal/context"
)

// TestLearn learns tables of the shape of the built-in ones, twice the same.
func TestLearn(t *testing.T) {
	lm := toyLM(t)
	short := [][]byte{toyText, table(3000)}
	quiet := func(string, ...any) {}
	states, weights := Learn(lm, short, short, quiet)
	if again, w := Learn(lm, short, short, quiet); again != states || w != weights {
		t.Error("the same texts give other tables")
	}
	if n := strings.Count(states, "\n"); n != context.Contexts {
		t.Errorf("states of %d contexts, want %d", n, context.Contexts)
	}
	learned := parseWeights(weights)
	for name, rows := range firstWeights {
		if len(learned[name]) != len(rows) {
			t.Fatalf("%s: %d sets, want %d", name, len(learned[name]), len(rows))
		}
		for i, row := range rows {
			if len(learned[name][i]) != len(row) {
				t.Errorf("%s: %d weights in set %d, want %d", name, len(learned[name][i]), i, len(row))
			}
		}
	}
}
