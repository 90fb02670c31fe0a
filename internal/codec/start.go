package codec

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

// startWeights holds the weights that each mixer begins with: a line for each of
// its sets, in 1/1024, and one for its second layer, in 1/65536, each behind
// the name of the mixer and of the set. They are the averages, by use, of what
// the vectors of the set had learned after training text. It is written by
// internal/codec/learn.
//
//go:embed start.txt
var startWeights string

// flagMixer is what the table calls the mixer of flags.
const flagMixer = "flag"

// firstWeights are the first weights of each set and of the second layer of
// each mixer.
var firstWeights = parseWeights(startWeights)

func parseWeights(text string) map[string][][]int32 {
	weights := map[string][][]int32{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		unit := int32(1 << 12)
		if f[1] == secondLayer {
			unit = 1
		}
		var row []int32
		for _, v := range f[2:] {
			n, err := strconv.Atoi(v)
			if err != nil {
				panic(fmt.Sprintf("codec: first weights of %s %s: %v", f[0], f[1], err))
			}
			row = append(row, int32(n)*unit)
		}
		weights[f[0]] = append(weights[f[0]], row)
	}
	return weights
}

const secondLayer = "second"

// setNames are what the table calls the sets of each mixer.
func setNames(mixer string) []string {
	if mixer == flagMixer {
		return []string{"opinion", "last", secondLayer}
	}
	if mixer == "fast" {
		return []string{fastNode: "node", fastKinds: "kinds", 2: secondLayer}
	}
	names := []string{setMatch: "match", setNode: "node", setLast: "last", setKinds: "kinds"}
	if strings.HasPrefix(mixer, "lm") {
		names = append(names, "opinion", "depth")
	}
	if strings.HasSuffix(mixer, "rich") {
		names = append(names, "field", "expected")
	}
	return append(names, secondLayer)
}
