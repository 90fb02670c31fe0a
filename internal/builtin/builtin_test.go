package builtin

import (
	"encoding/hex"
	"testing"
)

// TestID: a wrong constant would have packed files name a model that no file is.
func TestID(t *testing.T) {
	for _, m := range Models() {
		lm, err := Open(m.File())
		if err != nil {
			t.Fatal(err)
		}
		if want := m.ID(); lm.ID != want {
			t.Errorf("the embedded file is model %s, the constant says %s", hex.EncodeToString(lm.ID[:]), hex.EncodeToString(want[:]))
		}
	}
}

// TestSize: the repository promises small models.
func TestSize(t *testing.T) {
	var all int
	for _, m := range Models() {
		all += len(m.File())
	}
	if all > 16_000_000 {
		t.Errorf("the embedded files have %d bytes, more than 16,000,000", all)
	}
	if large, small := len(Default.File()), len(Small.File()); 3*small > large {
		t.Errorf("the small model has %d bytes, the other one %d", small, large)
	}
}
