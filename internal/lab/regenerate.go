package lab

import (
	"strings"

	"kolm/internal/chart"
)

var regenerate = Experiment{
	Name:     "regenerate",
	Question: "is training a compression of the text?",
	Criterion: "a model that is asked to go on from the first words gives back some lines of what it was trained on and not all; the same model with the coder behind it gives back every byte, " +
		"of its training text and of others; both from the same weights",
	run: runRegenerate,
}

func runRegenerate(r *run) error {
	b, text, err := r.biographer()
	if err != nil {
		return err
	}
	lines := b.lines[:min(len(b.lines), r.choose(300, 80))]
	words := []int{1, 3, 5, 7}
	r.steps(len(words) + 2)
	t := r.table("Weights alone: a line of the training text from its first words, always the likeliest token. Exactly the rest?", "words given", "lines", "exact", "bytes right before the first error")
	line, best, worst := chart.Line{Name: "exact"}, 0.0, 1.0
	for _, k := range words {
		asked, exact, right, total := 0, 0, 0, 0
		for _, l := range lines {
			prompt, rest := firstWords(l, k)
			if rest == "" {
				continue
			}
			got, err := b.goOn(prompt, rest)
			if err != nil {
				return err
			}
			n := commonPrefix(got, rest)
			asked++
			exact, right, total = exact+one(n == len(rest)), right+n, total+len(rest)
		}
		share := float64(exact) / float64(asked)
		t.row(k, asked, share, float64(right)/float64(total))
		line.Add(float64(k), share)
		best, worst = max(best, share), min(worst, share)
		r.step()
	}
	r.plot("regenerated", "lines that weights give back alone", "words given", "share of lines", false, line)
	r.atMost("share of lines that come back from weights, at best", best, .999)
	r.atLeast("share of lines that come back from weights, at best", best, .01)
	other := newLife(r.Seed+1, 100, 300, 0).text()
	own := text[:min(len(text), r.choose(60_000, 15_000))]
	p := r.table("Weights and coder: kolm -6 with the same model. Every byte comes back.", "text", "bytes", "packed, bytes", "bits a byte", "transformer alone, bits a byte (computed)", "came back")
	for _, c := range []struct {
		name string
		text []byte
	}{{"trained on", own}, {"of other people", other[:min(len(other), len(own))]}} {
		size, err := b.packed(c.text)
		if err != nil {
			return err
		}
		alone, err := b.alone(c.text)
		if err != nil {
			return err
		}
		n := float64(len(c.text))
		p.row(c.name, len(c.text), size, 8*float64(size)/n, alone/n, "all")
		r.input(c.name, c.text)
		r.atMost(c.name+": packed, of the size", float64(size)/n, 1)
		r.step()
	}
	r.note("The model file has %d bytes, the text that it was trained on %d. Packed sizes do not count the model; kolm lab scale does.", b.bytes, len(text))
	return nil
}

// firstWords parts a line after some words.
func firstWords(l string, k int) (prompt, rest string) {
	at := 0
	for range k {
		i := strings.IndexByte(l[at+1:], ' ')
		if i < 0 {
			return l, ""
		}
		at += i + 1
	}
	return l[:at], l[at:]
}

// goOn is what the model holds likeliest after a prompt, as long as what is right.
func (b *biographer) goOn(prompt, right string) (string, error) {
	tokens, err := b.Vocab.Continue([]byte(right))
	if err != nil {
		return "", err
	}
	return b.Continuation(prompt, len(tokens))
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
