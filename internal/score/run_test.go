package score

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"kolm/internal/lm"
	"kolm/internal/vocab"
)

func everyRule(t testing.TB, tok *vocab.Tokenizer, context, stride int) *Rule {
	t.Helper()
	r, err := Every(tok, context, stride)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSame computes one text in many ways.
func TestSame(t *testing.T) {
	a, b := toyModel(t, 1), toyModel(t, 2)
	tok := toyTokenizer(t, 256, vocab.None, true)
	text := encode(t, tok, strings.Repeat(sample, 5))
	var first *Result
	var tokens []Token
	threads, batches := []int{1, 2, 3, 16}, []int{0, 1, 7}
	if testing.Short() {
		threads, batches = []int{1, 3}, []int{0, 7}
	}
	for _, threads := range threads {
		for _, batch := range batches {
			var list []Token
			run := Run{Rule: everyRule(t, tok, 32, 16), Model: a, Other: b, Threads: threads, Batch: batch,
				Each: func(x Token) error { list = append(list, x); return nil }}
			r, err := run.Score(text)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first, tokens = r, list
			}
			if !reflect.DeepEqual(r, first) || !reflect.DeepEqual(list, tokens) {
				t.Errorf("%d threads, batch %d: other figures", threads, batch)
			}
		}
	}
	if first.Sum.Bytes != int64(text.Bytes) || first.Sum.Tokens != int64(len(text.IDs)) || len(tokens) != len(text.IDs) {
		t.Errorf("%+v of %d bytes, %d tokens", first.Sum, text.Bytes, len(text.IDs))
	}
	at := 0
	for i, x := range tokens {
		if x.Index != i || x.Offset != at {
			t.Fatalf("token %d is %+v, at %d", i, x, at)
		}
		at += x.Bytes
	}
	if at != text.Bytes {
		t.Errorf("tokens have %d bytes, the text %d", at, text.Bytes)
	}
}

// TestShort weighs texts of a few bytes, or none.
func TestShort(t *testing.T) {
	m := toyModel(t, 1)
	for _, ends := range [][2]int32{{256, vocab.None}, {vocab.None, 256}, {vocab.None, vocab.None}} {
		tok := toyTokenizer(t, ends[0], ends[1], false)
		for _, s := range []string{"", "a", "th", "\xff", "ab", "你"} {
			text := encode(t, tok, s)
			run := Run{Rule: everyRule(t, tok, 8, 4), Model: m}
			r, err := run.Score(text)
			if err != nil {
				t.Fatal(err)
			}
			want := 0.0
			window := text.IDs
			if ends[0] == 256 || ends[1] == 256 {
				window = append([]int32{256}, window...)
			} else if len(s) > 0 {
				want = math.Log2(264)
			}
			if len(window) > 1 {
				for _, x := range nats(t, m, window) {
					want += x / math.Ln2
				}
			}
			if math.Abs(r.Sum.Bits-want) > 1e-6 || r.Sum.Bytes != int64(len(s)) {
				t.Errorf("%q after %v: %v bits of %d bytes, want %v of %d", s, ends, r.Sum.Bits, r.Sum.Bytes, want, len(s))
			}
		}
	}
}

// TestLongContext: a context that is longer than the text changes nothing, and takes
// no memory.
func TestLongContext(t *testing.T) {
	m, tok := toyModel(t, 1), toyTokenizer(t, 256, vocab.None, true)
	text := encode(t, tok, sample)
	want, err := (&Run{Rule: everyRule(t, tok, len(text.IDs)+1, 1), Model: m}).Score(text)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := (&Run{Rule: everyRule(t, tok, 1<<22, 1<<21), Model: m}).Score(text)
	runtime.ReadMemStats(&after)
	if err != nil || got.Sum != want.Sum {
		t.Errorf("%+v, want %+v: %v", got, want, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<26 {
		t.Errorf("%d tokens took %d bytes", len(text.IDs), n)
	}
}

// TestStart puts the token before every window where the model wants it.
func TestStart(t *testing.T) {
	m := toyModel(t, 1)
	for _, add := range []bool{false, true} {
		tok := toyTokenizer(t, 256, vocab.None, add)
		text := encode(t, tok, "abcdefghijkl")
		r, err := (&Run{Rule: everyRule(t, tok, 4, 2), Model: m}).Score(text)
		if err != nil {
			t.Fatal(err)
		}
		var want float64
		for _, x := range nats(t, m, append([]int32{256}, text.IDs[:4]...)) {
			want += x
		}
		for end := 6; end <= 12; end += 2 {
			window := text.IDs[end-5 : end]
			if add {
				window = append([]int32{256}, text.IDs[end-4:end]...)
			}
			all := nats(t, m, window)
			want += all[len(all)-1] + all[len(all)-2]
		}
		if math.Abs(r.Sum.Bits-want/math.Ln2) > 1e-6 {
			t.Errorf("%v: %v bits, want %v", add, r.Sum.Bits, want/math.Ln2)
		}
	}
}

func TestPairs(t *testing.T) {
	a, b := toyModel(t, 1), toyModel(t, 2)
	tok := toyTokenizer(t, 256, vocab.None, true)
	text := encode(t, tok, strings.Repeat(sample, 5))
	rule := everyRule(t, tok, 16, 8)
	same, err := (&Run{Rule: rule, Model: a, Other: a}).Score(text)
	if err != nil {
		t.Fatal(err)
	}
	if s := same.Sum; s.KL != 0 || s.Agree != s.Tokens || s.Bits != s.OtherBits {
		t.Errorf("a model against itself: %+v", s)
	}
	ab, err := (&Run{Rule: rule, Model: a, Other: b}).Score(text)
	if err != nil {
		t.Fatal(err)
	}
	ba, err := (&Run{Rule: rule, Model: b, Other: a}).Score(text)
	if err != nil {
		t.Fatal(err)
	}
	if ab.Sum.Bits != ba.Sum.OtherBits || ab.Sum.OtherBits != ba.Sum.Bits || ab.Sum.Agree != ba.Sum.Agree || ab.Sum.KL == ba.Sum.KL || ab.Sum.KL <= 0 {
		t.Errorf("%+v\n%+v", ab.Sum, ba.Sum)
	}
	if len(ab.KL) != int(ab.Sum.Tokens) {
		t.Errorf("%d divergences of %d tokens", len(ab.KL), ab.Sum.Tokens)
	}
}

func TestErrors(t *testing.T) {
	m := toyModel(t, 1)
	tok := toyTokenizer(t, 256, vocab.None, true)
	text := encode(t, tok, strings.Repeat(sample, 30))
	enough := errors.New("enough")
	n := 0
	run := Run{Rule: everyRule(t, tok, 8, 4), Model: m, Threads: 4, Each: func(Token) error {
		if n++; n > 50 {
			return enough
		}
		return nil
	}}
	if _, err := run.Score(text); err != enough || n != 51 {
		t.Errorf("%v after %d tokens", err, n)
	}
	small := toyModel(t, 1)
	small.Config.Vocab = 200
	if _, err := (&Run{Rule: run.Rule, Model: small}).Score(text); err == nil {
		t.Error("a tokenizer with more tokens than the model is accepted")
	}
	huge := toyModel(t, 1)
	table := make([]float32, 264*32)
	for i := range table {
		table[i] = 3e38
	}
	huge.Weights.Output = lm.Floats(264, 32, table)
	if _, err := (&Run{Rule: run.Rule, Model: huge}).Score(text); err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("logits without bounds: %v", err)
	}
	if _, err := (&Run{Rule: run.Rule, Model: m, Other: small}).Score(text); err == nil {
		t.Error("models with different vocabularies are compared")
	}
}

func TestJudge(t *testing.T) {
	// Probabilities 1/2, 1/4, 1/8, 1/8 at any height.
	for _, h := range []float32{0, 50, -1000} {
		row := []float32{h - float32(math.Ln2), h, h - 2*float32(math.Ln2), h - 2*float32(math.Ln2)}
		for i, want := range []struct {
			bits float64
			rank int
		}{{2, 2}, {1, 1}, {3, 3}, {3, 4}} {
			g := judge(row, int32(i))
			rank, entropy := g.details(row, int32(i))
			if math.Abs(g.Nats/math.Ln2-want.bits) > 1e-4 || rank != want.rank || math.Abs(entropy/math.Ln2-1.75) > 1e-4 || g.Top != 1 {
				t.Errorf("at %v token %d: %+v, rank %d, entropy %v", h, i, g, rank, entropy)
			}
		}
	}
	a, b := []float32{0, float32(math.Log(3))}, []float32{0, 0} // 1/4, 3/4 against 1/2, 1/2
	want := math.Log(2) - (math.Log(4) - 0.75*math.Log(3))
	if got := divergence(a, b, judge(a, 0).log, judge(b, 0).log); math.Abs(got-want) > 1e-7 {
		t.Errorf("divergence %v, want %v", got, want)
	}
}

// TestExpSum: the sum over a large vocabulary is right to a few parts in 10 million,
// whatever the length is a multiple of.
func TestExpSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 3, 511, 512, 515, 150_001} {
		row := make([]float32, n)
		top := float32(math.Inf(-1))
		for i := range row {
			row[i] = float32(4 * r.NormFloat64())
			top = max(top, row[i])
		}
		want := 0.0
		for _, x := range row {
			want += math.Exp(float64(x) - float64(top))
		}
		if got := expSum(row, top); math.Abs(got/want-1) > 3e-7 {
			t.Errorf("%d logits: %v, want %v", n, got, want)
		}
		row[n/2] = float32(math.NaN())
		if !math.IsNaN(expSum(row, top)) {
			t.Errorf("%d logits: one that is no number passes", n)
		}
	}
}

func TestWords(t *testing.T) {
	for s, want := range map[string]int{"": 1, "a": 1, "a b": 2, " a  b\n": 4, "a\u3000b\x1cc": 3, "\xff \xff": 2} {
		if got := Words([]byte(s)); got != want {
			t.Errorf("%q has %d words, want %d", s, got, want)
		}
	}
}
