package context

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"
)

// startStates holds, for each context, what followed each state in training
// text: the stretch of the share of ones, in 1/16 nat above -8 nats, a line in
// base64 for each context. Small blocks gain by it. It is written by
// internal/codec/learn.
//
//go:embed start.txt
var startStates string

// startCount is how firmly the first probabilities are held, as decisions seen.
const startCount = 60

var startEntries [entries]uint32

func init() {
	lines := strings.Fields(startStates)
	if len(lines) != Contexts {
		panic(fmt.Sprintf("context: first probabilities of %d contexts, want %d", len(lines), Contexts))
	}
	for i, s := range lines {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			panic(fmt.Sprintf("context: first probabilities of context %d: %v", i, err))
		}
		for state, v := range b {
			startEntries[i<<8|state] = startEntry(v)
		}
	}
}
