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
		"a two-part file with the precision that the data asks for is shorter than that one too, and so is a transformer by itself that learns as it goes; all files decode",
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
	names := "kt,ctw,mixture,contexts,two-part,variational"
	if !r.Quick { // a decoder that learns takes its time
		names += ",prequential"
	}
	chosen, err := codes.Choose(names)
	if err != nil {
		return err
	}
	t := r.table(fmt.Sprintf("%d bytes of biographies. Bits; model: what a decoder that knows only the method must be told.", len(text)), "code", "kind", "model", "data", "total", "bits a byte", "length")
	bits := map[string]float64{}
	learned := math.Inf(1)
	r.steps(len(chosen))
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
			kind := "prequential"
			if c.Name == "two-part" || c.Name == "variational" {
				kind = c.Name
			}
			t.row(l.Code, kind, l.Sum(ledger.Model).Float(), l.Sum(ledger.Data).Float(), total, total/float64(len(text)), how)
			bits[c.Name], bits[l.Code] = total, total
			if kind == "prequential" {
				learned = min(learned, total)
			}
		}
		r.step()
	}
	r.bars("codes", "one text in codes that count their models", "bits", t, t.Rows, 0, 2, 3)
	r.atMost("prequential, the shortest, against -ELBO", learned, bits["variational"])
	r.atMost("-ELBO, against the two-part file in float32", bits["variational"], bits["two-part, float32"])
	r.atMost("two-part file in the precision that the data asks for, against float32", bits["two-part, coded"], bits["two-part, float32"])
	if !r.Quick {
		r.atMost("a transformer that learns as it goes, against the two-part file in float32", bits["prequential"], bits["two-part, float32"])
	}
	r.note("The data of the two-part files and of -ELBO is coded by the transformer and contexts together, as kolm packs; the prequential transformer has no contexts beside it. It is decoded by repeating what it learned, bit for bit.")
	return nil
}
