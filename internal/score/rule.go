package score

import (
	"fmt"

	"kolm/internal/vocab"
)

// Window is a part of the tokens of a text that a model sees at once: Start, if it
// is set, then tokens From to End-1. Tokens Score to End-1 are scored.
type Window struct {
	Start            bool
	From, Score, End int
	Weight           int // in the perplexity: the scored tokens, but for hf
}

// fed is the number of tokens that go through the model: the last is a target only.
func (w *Window) fed() int {
	n := w.End - 1 - w.From
	if w.Start {
		n++
	}
	return n
}

// Rule says how a text is cut into windows.
type Rule struct {
	Name    string
	Context int   // most tokens that are fed at once
	Stride  int   // tokens that a window advances by
	Start   int32 // token that is put before windows; vocab.None if none is
	Each    bool  // it is put before every window, not only the first
	windows func(r *Rule, n int) []Window
}

// Windows returns the windows of a text of n tokens, in the order of the tokens they
// score. No token is scored twice.
func (r *Rule) Windows(n int) []Window {
	var list []Window
	for _, w := range r.windows(r, n) {
		if w.End > w.Score {
			if r.Name != "hf" {
				w.Weight = w.End - w.Score
			}
			list = append(list, w)
		}
	}
	return list
}

// start is the token before a text: BOS, else EOS.
func start(t *vocab.Tokenizer) int32 {
	if t.BOS != vocab.None {
		return t.BOS
	}
	return t.EOS
}

func newRule(name string, context, stride int, windows func(*Rule, int) []Window) (*Rule, error) {
	if context < 2 {
		return nil, fmt.Errorf("a context of %d tokens, want 2 or more", context)
	}
	if stride < 1 || stride > context {
		return nil, fmt.Errorf("a stride of %d tokens, want 1 to the context, %d", stride, context)
	}
	return &Rule{Name: name, Context: context, Stride: stride, Start: vocab.None, windows: windows}, nil
}

// Every is kolm's own rule: every token is scored once, with at least context-stride
// tokens before it but at the start of the text. BOS, else EOS, stands before the
// text, and before every window if the model wants BOS. Without either, the first
// token costs the logarithm of the size of the vocabulary.
func Every(t *vocab.Tokenizer, context, stride int) (*Rule, error) {
	r, err := newRule("every", context, stride, every)
	if err == nil {
		r.Start, r.Each = start(t), t.AddBOS && t.BOS != vocab.None
	}
	return r, err
}

func every(r *Rule, n int) (list []Window) {
	for at := 0; at < n; {
		w := Window{Score: at, Start: r.Start != vocab.None && (at == 0 || r.Each)}
		room := r.Context + 1 // tokens that the window has beside Start, the last one not fed
		if w.Start {
			room--
		}
		w.End = min(n, at+r.Stride)
		if at == 0 {
			w.End = min(n, room)
		}
		w.From = max(0, w.End-room)
		list = append(list, w)
		at = w.End
	}
	return list
}

// LlamaCpp is the rule of llama.cpp's perplexity program.
func LlamaCpp(t *vocab.Tokenizer, context int) (*Rule, error) {
	r, err := newRule("llama.cpp", context, context, llamaCpp)
	if err == nil && t.AddBOS && t.BOS != vocab.None {
		r.Start, r.Each = t.BOS, true
	}
	return r, err
}

func llamaCpp(r *Rule, n int) (list []Window) {
	// Its text begins with BOS, if there is one, so that all places are one lower here.
	bos := 0
	if r.Start != vocab.None {
		bos = 1
	}
	c := r.Context
	for at := 0; at+c <= n+bos; at += c {
		list = append(list, Window{Start: bos == 1, From: at, Score: at + c/2 + 1 - bos, End: at + c - bos})
	}
	return list
}

// Harness is the rule of lm-evaluation-harness for rolling log-likelihoods.
func Harness(t *vocab.Tokenizer, context int) (*Rule, error) {
	r, err := newRule("harness", context, context, every)
	if err == nil {
		r.Start = start(t)
	}
	return r, err
}

// HuggingFace is the rule of the guide in Hugging Face's transformers.
func HuggingFace(t *vocab.Tokenizer, context, stride int) (*Rule, error) {
	r, err := newRule("hf", context, stride, huggingFace)
	if err == nil && t.AddBOS {
		r.Start = t.BOS
	}
	return r, err
}

func huggingFace(r *Rule, n int) (list []Window) {
	bos := 0
	if r.Start != vocab.None {
		bos = 1
	}
	done := 0 // where the window before ended; places count BOS
	for at := 0; done < n+bos; at += r.Stride {
		end := min(at+r.Context, n+bos)
		w := Window{Start: at == 0 && bos == 1, From: max(0, at-bos), Score: max(done, at+1) - bos, End: end - bos, Weight: end - done - 1}
		list = append(list, w)
		done = end
	}
	return list
}
