// Command learn finds what the predictors of kolm begin with: what follows each
// state of each context, and the weights of the mixers. It writes
// internal/context/start.txt and internal/codec/start.txt, which are built in;
// the weights with a language model are those for the built-in one.
//
//	go run ./internal/codec/learn CORPUS...
//
// from the root of the repository, where CORPUS are archives, files or folders
// of training documents, in folders by their kind. The same documents give the
// same tables. They must be none that figures are reported on. Changing the
// tables changes the format.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"kolm/internal/builtin"
	"kolm/internal/codec"
	"kolm/internal/corpus"
)

// Samples are documents of one kind, one after another, cut at sampleBytes:
// what is learned matters most for small files and the beginning of others.
const (
	sampleBytes = 30 << 10
	samples     = 2       // of each kind, for the contexts alone
	textBytes   = 8 << 10 // of the first sample of each kind, for the mixing with the model
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/codec/learn CORPUS...")
		os.Exit(2)
	}
	if err := learn(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "learn:", err)
		os.Exit(1)
	}
}

func learn(paths []string) error {
	lm, err := builtin.Default.LM()
	if err != nil {
		return err
	}
	short, err := read(paths)
	if err != nil {
		return err
	}
	var texts [][]byte
	for i := 0; i < len(short); i += samples {
		texts = append(texts, short[i][:min(len(short[i]), textBytes)])
	}
	states, weights := codec.Learn(lm, short, texts, func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	})
	if err := os.WriteFile("internal/context/start.txt", []byte(states), 0o644); err != nil {
		return err
	}
	return os.WriteFile("internal/codec/start.txt", []byte(weights), 0o644)
}

// read returns the samples of every kind, kind after kind in the order in which
// they appear, samples of each.
func read(paths []string) ([][]byte, error) {
	var kinds []string
	all := map[string][][]byte{}
	for doc, err := range corpus.Open(paths...) {
		if err != nil {
			return nil, err
		}
		kind := filepath.Dir(doc.Name)
		s, known := all[kind]
		if !known {
			kinds = append(kinds, kind)
			s = make([][]byte, samples)
		}
		for i := range s {
			if room := sampleBytes - len(s[i]); room > 0 {
				s[i] = append(s[i], doc.Text[:min(room, len(doc.Text))]...)
				break
			}
		}
		all[kind] = s
	}
	var short [][]byte
	for _, kind := range kinds {
		short = append(short, all[kind]...)
	}
	return short, nil
}
