package token

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestMergeList(t *testing.T) {
	lists := [][][2]int32{nil, {{'a', 'b'}, {257, 'c'}}, randomMerges(rand.New(rand.NewPCG(1, 2)), 500), {{math.MaxInt32, 0}}}
	for _, list := range lists {
		var b bytes.Buffer
		if err := WriteMerges(&b, list); err != nil {
			t.Fatal(err)
		}
		got, err := ReadMerges(&b)
		if err != nil || !slices.Equal(got, list) {
			t.Errorf("%v comes back as %v, error %v", list, got, err)
		}
	}
	var b bytes.Buffer
	if err := WriteMerges(&b, lists[1]); err != nil || b.String() != "kolm merges 1\n97 98\n257 99\n" {
		t.Errorf("wrote %q, error %v", b.String(), err)
	}
}

func TestMergeListErrors(t *testing.T) {
	many := "kolm merges 1\n" + strings.Repeat("1 2\n", MaxVocab)
	for _, c := range []struct{ text, want string }{
		{"", "first line"},
		{"97 98\n", "first line"},
		{"kolm merges 2\n97 98\n", "first line is \"kolm merges 2\""},
		{"kolm merges 1\n97 98\n97\n", "line 3"},
		{"kolm merges 1\n97 98 99\n", "line 2"},
		{"kolm merges 1\na b\n", "line 2"},
		{"kolm merges 1\n97 98\n\n97 99\n", "line 3"},
		{"kolm merges 1\n97 4294967296\n", "line 2"},
		{strings.Repeat("x", 1<<20), "first line"},
		{many, "line 65281"},
	} {
		_, err := ReadMerges(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 300 {
			t.Errorf("%.40q: error %.300v, want %q", c.text, err, c.want)
		}
	}
}
