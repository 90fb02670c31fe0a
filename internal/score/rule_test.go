package score

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"kolm/internal/vocab"
)

// TestWindows checks of all rules that no token is scored twice, that every scored
// token has one before it where there can be one, and that windows are not too long;
// of those that say so, that every token is scored.
func TestWindows(t *testing.T) {
	for _, bos := range []int32{vocab.None, 256} {
		for _, add := range []bool{false, true} {
			tok := toyTokenizer(t, bos, vocab.None, add)
			for context := 2; context < 9; context++ {
				for stride := 1; stride <= context; stride++ {
					a, err1 := Every(tok, context, stride)
					b, err2 := HuggingFace(tok, context, stride)
					c, err3 := Harness(tok, context)
					d, err4 := LlamaCpp(tok, context)
					if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
						t.Fatal(err1, err2, err3, err4)
					}
					for n := range 40 {
						for _, r := range []*Rule{a, b, c, d} {
							checkWindows(t, r, n)
						}
					}
				}
			}
		}
	}
}

func checkWindows(t *testing.T, r *Rule, n int) {
	t.Helper()
	scored := 0
	for i, w := range r.Windows(n) {
		bad := ""
		lead := w.Score - w.From
		if w.Start {
			lead++
		}
		switch {
		case w.From < 0 || w.Score < w.From || w.End <= w.Score || w.End > n:
			bad = "no window"
		case w.Score < scored:
			bad = "a token is scored twice"
		case w.fed() > r.Context:
			bad = "too long"
		case w.Start && r.Start == vocab.None:
			bad = "starts with a token that there is not"
		case lead == 0 && (w.Score > 0 || r.Name == "hf" || r.Name == "llama.cpp"):
			bad = "a token has nothing before it"
		case (r.Name == "every" || r.Name == "harness") && w.Score != scored:
			bad = "a token is left out"
		case r.Name == "every" && w.Score > 0 && lead < min(w.Score, r.Context-r.Stride):
			bad = "too little context"
		}
		if bad != "" {
			t.Fatalf("%+v, %d tokens, window %d %+v: %s", r, n, i, w, bad)
		}
		scored = w.End
	}
	if (r.Name == "every" || r.Name == "harness") && scored != n {
		t.Fatalf("%+v: %d of %d tokens are scored", r, scored, n)
	}
}

func TestRuleRefused(t *testing.T) {
	tok := toyTokenizer(t, 256, vocab.None, true)
	for _, c := range [][2]int{{1, 1}, {0, 0}, {8, 0}, {8, 9}, {-1, -1}} {
		if _, err := Every(tok, c[0], c[1]); err == nil {
			t.Errorf("context %d, stride %d is accepted", c[0], c[1])
		}
	}
}

const sample = "the then these, thou 你好 there\n\xff!"

// TestLlamaCpp follows the program's steps: tokens with BOS, chunks, BOS over the
// first token of each, targets from the middle on.
func TestLlamaCpp(t *testing.T) {
	m := toyModel(t, 1)
	for _, add := range []bool{true, false} {
		tok := toyTokenizer(t, 256, vocab.None, add)
		text := encode(t, tok, strings.Repeat(sample, 3))
		for _, context := range []int{8, 9, 16} {
			tokens := text.IDs
			if add {
				tokens = append([]int32{256}, tokens...)
			}
			sum, count := 0.0, 0
			for i := range len(tokens) / context {
				chunk := append([]int32{}, tokens[i*context:][:context]...)
				if add {
					chunk[0] = 256
				}
				for _, x := range nats(t, m, chunk)[context/2:] {
					sum += x
					count++
				}
			}
			rule, err := LlamaCpp(tok, context)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, fmt.Sprintf("-c %d, BOS %v", context, add), &Run{Rule: rule, Model: m}, text, math.Exp(sum/float64(count)), count)
		}
	}
}

// TestHuggingFace follows the guide's loop: the labels of all but the new tokens are
// masked, the loss is the mean over the labels after a shift by one, and it weighs as
// one label less than there are.
func TestHuggingFace(t *testing.T) {
	m := toyModel(t, 1)
	for _, add := range []bool{true, false} {
		tok := toyTokenizer(t, 256, vocab.None, add)
		text := encode(t, tok, sample)
		tokens := text.IDs
		if add {
			tokens = append([]int32{256}, tokens...)
		}
		for _, c := range [][2]int{{16, 4}, {16, 16}, {7, 3}, {60, 60}} {
			context, stride := c[0], c[1]
			sum, weight, count, before := 0.0, 0.0, 0, 0
			for at := 0; at < len(tokens); at += stride {
				end := min(at+context, len(tokens))
				fresh := end - before
				loss := nats(t, m, tokens[at:end])
				loss = loss[max(0, len(loss)-fresh):]
				mean := 0.0
				for _, x := range loss {
					mean += x / float64(len(loss))
				}
				sum += mean * float64(fresh-1)
				weight += float64(fresh - 1)
				count += len(loss)
				if before = end; end == len(tokens) {
					break
				}
			}
			rule, err := HuggingFace(tok, context, stride)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, fmt.Sprintf("context %d, stride %d, BOS %v", context, stride, add), &Run{Rule: rule, Model: m}, text, math.Exp(sum/weight), count)
		}
	}
}

// TestHarness follows lm-evaluation-harness: (context, continuation) pairs.
func TestHarness(t *testing.T) {
	m := toyModel(t, 1)
	for _, ends := range [][2]int32{{256, vocab.None}, {vocab.None, 256}} {
		tok := toyTokenizer(t, ends[0], ends[1], false)
		text := encode(t, tok, sample)
		for _, context := range []int{5, 16, 64} {
			tokens := text.IDs
			n := min(context, len(tokens))
			sum := 0.0
			for _, x := range nats(t, m, append([]int32{256}, tokens[:n]...)) {
				sum += x
			}
			for n < len(tokens) {
				fresh := min(len(tokens)-n, context)
				n += fresh
				all := nats(t, m, tokens[n-context-1:n])
				for _, x := range all[len(all)-fresh:] {
					sum += x
				}
			}
			rule, err := Harness(tok, context)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, fmt.Sprintf("context %d", context), &Run{Rule: rule, Model: m}, text, math.Exp(sum/float64(len(tokens))), len(tokens))
		}
	}
}

func compare(t *testing.T, what string, r *Run, text *Text, perplexity float64, count int) {
	t.Helper()
	got, err := r.Score(text)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got.Perplexity/perplexity-1) > 1e-7 || got.Sum.Tokens != int64(count) {
		t.Errorf("%s %s: perplexity %.6f of %d tokens, want %.6f of %d", r.Rule.Name, what, got.Perplexity, got.Sum.Tokens, perplexity, count)
	}
}
