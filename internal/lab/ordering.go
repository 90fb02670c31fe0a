package lab

import (
	"context"
	"fmt"
	"math"

	"kolm"
	"kolm/internal/codes"
	"kolm/internal/ledger"
)

var ordering = Experiment{
	Name:     "ordering",
	Question: "two-part, variational, prequential: which code of one text, model included, is shortest?",
	Criterion: "on one text, through the codes of kolm weigh, the order of Blier and Ollivier: what learns as it goes is shorter than -ELBO, and that is shorter than a two-part file with weights as they were trained; " +
		"a two-part file with the precision that the data asks for is shorter than that one too; all files decode",
	run: runOrdering,
}

func runOrdering(r *run) error {
	text := newLife(r.Seed, r.choose(400, 300), r.choose(3000, 1000), 0).text()
	text = text[:min(len(text), r.choose(64_000, 24_000))]
	r.input("biographies", text)
	m, err := kolm.BuiltinModel()
	if err != nil {
		return err
	}
	in := &codes.Input{Data: text, Model: m, Threads: 2, Seed: r.Seed, Tokens: int64(r.choose(400_000, 100_000))}
	chosen, err := codes.Choose("kt,ctw,mixture,contexts,two-part,variational")
	if err != nil {
		return err
	}
	t := r.table(fmt.Sprintf("%d bytes of biographies. Bits; model: what a decoder that knows only the method must be told.", len(text)), "code", "kind", "model", "data", "total", "bits a byte", "length")
	bits := map[string]float64{}
	learned, kinds := math.Inf(1), map[string]string{"kt": "prequential", "ctw": "prequential", "mixture": "prequential", "contexts": "prequential", "two-part": "two-part", "variational": "variational"}
	r.steps(len(chosen) + 1)
	for _, c := range chosen {
		list, err := c.Run(context.Background(), in)
		if err != nil {
			return err
		}
		for _, l := range list {
			total, how := l.Total().Float(), "computed"
			if l.Decoded {
				how = "decoded"
			}
			t.row(l.Code, kinds[c.Name], l.Sum(ledger.Model).Float(), l.Sum(ledger.Data).Float(), total, total/float64(len(text)), how)
			bits[l.Code] = total
			if c.Name == "variational" {
				bits["-ELBO"] = total
			}
			if kinds[c.Name] == "prequential" {
				learned = min(learned, total)
			}
		}
		r.step()
	}
	blocks, err := r.inBlocks(text, in.Tokens)
	if err != nil {
		return err
	}
	t.row("the transformer, trained anew on all before each of 5 blocks", "prequential", 0., blocks, blocks, blocks/float64(len(text)), "computed")
	r.step()
	r.atMost("prequential, the shortest, against -ELBO", learned, bits["-ELBO"])
	r.atMost("-ELBO, against the two-part file in float32", bits["-ELBO"], bits["two-part, float32"])
	r.atMost("two-part file in the precision that the data asks for, against float32", bits["two-part, coded"], bits["two-part, float32"])
	r.atMost("transformer in blocks, against the two-part file in float32", blocks, bits["two-part, float32"])
	r.note("The transformer in blocks is computed: its training is not the same to the bit on all machines, so that a decoder elsewhere could not repeat it.")
	return nil
}

// inBlocks is the length of a text in blocks, each twice as long as what was before
// it, coded by a transformer that was trained on that; the first, a sixteenth, in
// bytes as they are.
func (r *run) inBlocks(text []byte, tokens int64) (float64, error) {
	first := len(text) / 16
	bits := 8 * float64(first)
	for from := first; from < len(text); from *= 2 {
		to := min(2*from, len(text))
		t, err := recipe{text: text[:from], vocab: 288, dim: 32, layers: 1, tokens: tokens, seed: r.Seed}.train()
		if err != nil {
			return 0, err
		}
		// Without what came before it: a window of 64 tokens soon has its own.
		n, err := t.alone(text[from:to])
		if err != nil {
			return 0, err
		}
		bits += n
	}
	return bits, nil
}
