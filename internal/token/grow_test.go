package token

import (
	"slices"
	"testing"
)

// TestGrow: growing in two steps over one text gives what Train gives; over
// another text the given merges stay first, also those that stand nowhere in it.
func TestGrow(t *testing.T) {
	text := func(s string) [][]byte { return [][]byte{[]byte(s)} }
	here := text("the cat sat on the mat, the bat sat on the hat; abab abab ababab\n")
	all := mustTrain(t, slices.Values(here), FirstMerge+10)
	if len(all) != 10 {
		t.Fatalf("%d merges, want 10", len(all))
	}
	for n := range all {
		grown, err := Grow(all[:n], slices.Values(here), FirstMerge+10, nil)
		if err != nil || !slices.Equal(grown, all) {
			t.Errorf("from %d merges: %v, %v, want %v", n, grown, err, all)
		}
	}
	there := text("zxzx zxzx zxzx qq qq qq")
	grown, err := Grow(all, slices.Values(there), FirstMerge+12, nil)
	if err != nil || len(grown) != 12 || !slices.Equal(grown[:10], all) {
		t.Fatalf("over another text: %v, %v", grown, err)
	}
	tok, err := New(grown)
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.Bytes(FirstMerge + 10); string(got) != "zx" {
		t.Errorf("the first new token is %q, want zx", got)
	}
}

func TestGrowErrors(t *testing.T) {
	docs := slices.Values([][]byte{[]byte("abab")})
	merges := [][2]int32{{'a', 'b'}, {FirstMerge, FirstMerge}}
	if _, err := Grow(merges, docs, FirstMerge+1, nil); err == nil {
		t.Error("no error for a vocabulary smaller than the merges make")
	}
	if _, err := Grow([][2]int32{{'a', FirstMerge}}, docs, FirstMerge+2, nil); err == nil {
		t.Error("no error for a merge of a token that comes after it")
	}
}
