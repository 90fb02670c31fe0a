package peer

import (
	"bytes"
	"strings"
	"testing"
)

func TestPeers(t *testing.T) {
	plain := []byte(strings.Repeat("all work and no play ", 100))
	list := append(Installed(), Gzip, XZ, Zstd)
	names := map[string]bool{}
	for _, p := range list {
		m, err := p.Measure(plain)
		if err != nil {
			t.Error(err)
		}
		if m.Size <= 0 || m.Size > int64(len(plain)) {
			t.Errorf("%s: %d bytes of %d", p.Name, m.Size, len(plain))
		}
		names[p.Name] = true
	}
	if len(names) < 3 {
		t.Errorf("only %d peers", len(names))
	}
}

func TestOtherBytes(t *testing.T) {
	if _, err := Filter("liar", "cat", "head -c 1").Measure(bytes.Repeat([]byte("x"), 10)); err == nil {
		t.Error("a tool that loses bytes passes")
	}
	if _, err := Filter("fails", "false", "cat").Measure(nil); err == nil {
		t.Error("a tool that fails passes")
	}
}
