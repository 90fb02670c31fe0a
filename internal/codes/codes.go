// Package codes is the shelf of codes that data can be weighed with, from raw bytes
// to models that are trained on the data. Each code accounts for itself in a
// ledger: what the model costs, what the data costs given the model, and whether
// the data was read back from bytes of that length or the length was computed.
//
// The package must not know the command line.
package codes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"kolm"
	"kolm/internal/ledger"
	"kolm/internal/twopart"
)

// Input is data to weigh and what the codes may use.
type Input struct {
	Data      []byte
	Model     *kolm.Model // of the codes with a model made before
	ModelFile []byte      // of Model, GGUF

	// Of the codes that train a model on the data:
	Budget  time.Duration // how long to train it
	Tokens  int64         // if not 0, on how many tokens instead: repeatable
	Threads int
	Seed    uint64

	Progress func(what string, done float64) // may be nil; done is the share of the code that is made

	// If the two-part code is made, Archive is set to its smallest file and
	// Precisions to those that were tried.
	Archive    []byte
	Precisions []twopart.Point

	trained *trained
}

func (in *Input) say(what string, done float64) {
	if in.Progress != nil {
		in.Progress(what, done)
	}
}

// Code is a code, or a few that are made together.
type Code struct {
	Name  string
	About string
	run   func(ctx context.Context, in *Input) ([]*ledger.Ledger, error)
}

// ErrUnfit says that a code can not be made of this data, and why; the others can.
var ErrUnfit = errors.New("not for this data")

// All lists the codes, the simplest first.
func All() []Code {
	list := []Code{{"raw", "the bytes as they are", raw}}
	list = append(list, peers()...)
	return append(list,
		Code{"kt", "Krichevsky-Trofimov estimators in contexts of 0 to 5 bytes", estimators},
		Code{"ctw", "context-tree weighting over contexts of up to 5 bytes", contextTrees},
		Code{"mixture", "the Bayes mixture over the kt codes", mixture},
		Code{"contexts", "kolm -1: adaptive contexts only", contexts},
		Code{"kolm", "kolm -5: contexts mixed with a model made before, which is or is not counted", mixed},
		Code{"two-part", "a model trained on the data, and the data under it, in one file; in four precisions", twoPart},
		Code{"prequential", "a model that learns while it codes, and is not sent", online},
		Code{"variational", "a Gaussian over the weights of that model: -ELBO", variational},
		Code{"bits-back", "a model of two weights with a Gaussian over them, bits back", bitsBack},
	)
}

// Choose returns the codes of a list of names parted by commas, or all of them
// for "all".
func Choose(list string) ([]Code, error) {
	all := All()
	if list == "all" {
		return all, nil
	}
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	var chosen []Code
	for name := range strings.SplitSeq(list, ",") {
		i := slices.Index(names, strings.TrimSpace(name))
		if i < 0 {
			return nil, fmt.Errorf("no code %q; there are all, %s", name, strings.Join(names, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// Run makes the code and accounts for it.
func (c Code) Run(ctx context.Context, in *Input) ([]*ledger.Ledger, error) {
	in.say(c.Name, 0)
	list, err := c.run(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return list, nil
}

// Static is the mixture over codes that were made, all as likely beforehand: what
// choosing the best of them costs, computed from their lengths. Its length is at
// most log2 of their number above that of the best.
func Static(list []*ledger.Ledger) *ledger.Ledger {
	least, sum := math.Inf(1), 0.0
	for _, l := range list {
		least = min(least, l.Total().Float())
	}
	for _, l := range list {
		sum += math.Exp2(least - l.Total().Float())
	}
	m := &ledger.Ledger{Code: fmt.Sprintf("mixture of %d files", len(list))}
	m.Add(ledger.Data, "the shortest", ledger.Ideal(least))
	m.Add(ledger.Model, "which code", ledger.Ideal(math.Log2(float64(len(list))/sum)))
	return m
}

func raw(_ context.Context, in *Input) ([]*ledger.Ledger, error) {
	l := &ledger.Ledger{Code: "raw", Decoded: true}
	l.Add(ledger.Data, "bytes", ledger.Bytes(int64(len(in.Data))))
	return []*ledger.Ledger{l}, nil
}

// timed adds to l the seconds that f takes.
func timed(l *ledger.Ledger, f func() error) error {
	start := time.Now()
	err := f()
	l.Seconds += time.Since(start).Seconds()
	return err
}

// decoded notes that a code gave back the data, or reports that it did not.
func decoded(l *ledger.Ledger, back, data []byte) error {
	if !bytes.Equal(back, data) {
		return fmt.Errorf("%s: other bytes came back: a defect of kolm or of the machine", l.Code)
	}
	l.Decoded = true
	return nil
}
