package token

import (
	"cmp"
	"iter"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// slowTrain is the definition of Train: count everything anew for every merge.
func slowTrain(docs [][]byte, vocab int) (merges [][2]int32) {
	var texts [][]uint16
	for _, doc := range docs {
		for _, w := range words(slowSplit, doc) {
			for len(w) > 0 {
				n := min(len(w), pieceBytes)
				for k := 0; k < utf8.UTFMax && n < len(w) && !utf8.RuneStart(w[n]); k++ {
					n--
				}
				texts = append(texts, byteIDs(w[:n]))
				w = w[n:]
			}
		}
	}
	for FirstMerge+len(merges) < vocab {
		counts := map[[2]int32]int{}
		for _, ids := range texts {
			for i := 1; i < len(ids); i++ {
				counts[[2]int32{int32(ids[i-1]), int32(ids[i])}]++
			}
		}
		maps.DeleteFunc(counts, func(_ [2]int32, n int) bool { return n < 2 })
		if len(counts) == 0 {
			break
		}
		m := slices.MinFunc(slices.Collect(maps.Keys(counts)), func(a, b [2]int32) int {
			return cmp.Or(counts[b]-counts[a], int(a[0]-b[0]), int(a[1]-b[1]))
		})
		for i, ids := range texts {
			texts[i] = joinAll(ids, m, uint16(FirstMerge+len(merges)))
		}
		merges = append(merges, m)
	}
	return merges
}

// byteIDs is a text as the ids of its bytes.
func byteIDs(s string) (ids []uint16) {
	for i := range len(s) {
		ids = append(ids, uint16(s[i]))
	}
	return ids
}

func joinAll(ids []uint16, m [2]int32, id uint16) (out []uint16) {
	for i := 0; i < len(ids); i++ {
		if i+1 < len(ids) && int32(ids[i]) == m[0] && int32(ids[i+1]) == m[1] {
			out = append(out, id)
			i++
		} else {
			out = append(out, ids[i])
		}
	}
	return out
}

func mustTrain(t testing.TB, docs iter.Seq[[]byte], vocab int) [][2]int32 {
	t.Helper()
	merges, err := Train(docs, vocab, nil)
	if err != nil {
		t.Fatal(err)
	}
	return merges
}

// trainingText is a text with runs, ties and words beyond pieceBytes.
func trainingText(r *rand.Rand) []byte {
	alphabets := []string{"a", "ab", "abc ", "abc \n'", "aабв ", "中文a，", "ab\xff\xe4"}
	alphabet := []rune(alphabets[r.IntN(len(alphabets))])
	var b []byte
	for range r.IntN(300) {
		c := alphabet[r.IntN(len(alphabet))]
		if c == utf8.RuneError {
			b = append(b, byte(0x80+r.IntN(128)))
			continue
		}
		b = utf8.AppendRune(b, c)
	}
	return b
}

func TestTrainExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	longest := 0
	for range 100 {
		var docs [][]byte
		for range 1 + r.IntN(4) {
			docs = append(docs, trainingText(r))
		}
		vocab := FirstMerge + r.IntN(60)
		got, want := mustTrain(t, slices.Values(docs), vocab), slowTrain(docs, vocab)
		if !slices.Equal(got, want) {
			t.Fatalf("%q:\n got %v\nwant %v", docs, got, want)
		}
		longest = max(longest, len(got))
		mustNew(t, got) // which no list is that makes the same bytes twice
	}
	if longest < 40 {
		t.Errorf("at most %d merges were learned, want more of a test", longest)
	}
}

// TestTrainInvariant learns the same merges whatever the order of the documents,
// the number of processors and how often the same slice is used.
func TestTrainInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var docs [][]byte
	for range 100 {
		docs = append(docs, randomText(r, r.IntN(3000)), trainingText(r))
	}
	docs = append(docs, []byte(strings.Repeat("one big document ", 3*batchBytes/2/17)))
	want := mustTrain(t, slices.Values(docs), 600)
	if len(want) != 600-FirstMerge {
		t.Fatalf("%d merges, want %d", len(want), 600-FirstMerge)
	}
	if got := mustTrain(t, slices.Values(docs), 400); !slices.Equal(got, want[:400-FirstMerge]) {
		t.Error("a smaller vocabulary is not a prefix of a larger one")
	}
	slices.Reverse(docs)
	var buffer []byte
	reused := func(yield func([]byte) bool) {
		for _, doc := range docs {
			buffer = append(buffer[:0], doc...)
			if !yield(buffer) {
				return
			}
			clear(buffer)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(procs)
		if got := mustTrain(t, reused, 600); !slices.Equal(got, want) {
			t.Errorf("%d processors learn other merges", procs)
		}
	}
}

func TestTrainApart(t *testing.T) {
	docs := make([][]byte, 100)
	for i := range docs {
		docs[i] = []byte{byte('a' + i%2)}
	}
	if got := mustTrain(t, slices.Values(docs), 300); len(got) != 0 {
		t.Errorf("learned %v across documents", got)
	}
}

func TestTrainOptions(t *testing.T) {
	docs := [][]byte{[]byte(strings.Repeat("the cat sat on the mat, the end. ", 9))}
	for _, vocab := range []int{-1, 0, FirstMerge - 1, MaxVocab + 1} {
		if _, err := Train(slices.Values(docs), vocab, nil); err == nil || !strings.Contains(err.Error(), "vocabulary of") {
			t.Errorf("vocabulary of %d: error %v", vocab, err)
		}
	}
	if got := mustTrain(t, slices.Values(docs), FirstMerge+3); !slices.Equal(got, [][2]int32{{'a', 't'}, {'h', 'e'}, {'t', 258}}) {
		t.Errorf("learned %v", got)
	}
	if got := mustTrain(t, slices.Values([][]byte(nil)), 300); len(got) != 0 {
		t.Errorf("learned %v from nothing", got)
	}
	last := 0.0
	r := rand.New(rand.NewPCG(4, 4))
	text := [][]byte{randomText(r, 30000)}
	merges, err := Train(slices.Values(text), 1000, func(done float64) {
		if done < last || done > 1 {
			t.Errorf("progress from %v to %v", last, done)
		}
		last = done
	})
	if err != nil || len(merges) != 1000-FirstMerge || last != 1 {
		t.Errorf("%d merges, error %v, progress up to %v", len(merges), err, last)
	}
}

func TestPieceLength(t *testing.T) {
	for _, c := range []struct {
		word string
		want int
	}{
		{"ab", 2},
		{strings.Repeat("a", 24), 24},
		{strings.Repeat("a", 25), 24},
		{strings.Repeat("中", 9), 24},
		{"a" + strings.Repeat("中", 9), 22},
		{"a" + strings.Repeat("\U00020000", 9), 21},
		{strings.Repeat("\x80", 30), 20},
	} {
		if got := pieceLength([]byte(c.word)); got != c.want {
			t.Errorf("%q: %d bytes, want %d", c.word, got, c.want)
		}
	}
}
