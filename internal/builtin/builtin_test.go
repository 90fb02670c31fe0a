package builtin

import (
	"encoding/hex"
	"testing"
)

// TestID: a wrong constant would have packed files name a model that no file is.
func TestID(t *testing.T) {
	lm, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(lm.ID[:]); got != id {
		t.Errorf("the embedded file is model %s, the constant says %s", got, id)
	}
}

// TestSize: the repository promises a small model.
func TestSize(t *testing.T) {
	if len(file) > 16<<20 {
		t.Errorf("the embedded file has %d bytes, more than 16 MiB", len(file))
	}
}
