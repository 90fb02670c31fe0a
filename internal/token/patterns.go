package token

import "strings"

// patterns are the pre-tokenizers of published models by the name that llama.cpp
// gives them, with the names of others that split alike.
var patterns = []struct {
	names string
	split Splitter
}{
	{"gpt-2 phi-2 mpt olmo jais trillion granite-docling exaone4 gigachat a.x-4.0 mellum modern-bert", splitGPT2},
	{"qwen2 deepseek-r1-qwen stablelm2 megrez kormo hunyuan f2llmv2", Split},
	{"llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 dbrx smaug-bpe chatglm-bpe glm4", splitLlama3},
	{"starcoder refact command-r smollm codeshell exaone minerva-7b", splitDigits},
	{"gpt-4o llama4 kanana2", splitGPT4o},
	{"tekken", splitTekken},
	{"default", splitDefault},
}

// SplitterNamed returns the pre-tokenizer that llama.cpp knows by a name, nil if
// kolm does not know it.
func SplitterNamed(name string) Splitter {
	for _, p := range patterns {
		for known := range strings.FieldsSeq(p.names) {
			if known == name {
				return p.split
			}
		}
	}
	return nil
}

// SplitterNames lists the names of the pre-tokenizers, each with its other names
// after it.
func SplitterNames() []string {
	var list []string
	for _, p := range patterns {
		list = append(list, p.names)
	}
	return list
}

// splitLlama3 is the pattern of Llama 3 ("llama-bpe"): Split with \p{N}{1,3}.
func splitLlama3(b []byte) int { return splitLines(b, 3) }

// splitGPT2 is the pattern of GPT-2:
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
func splitGPT2(b []byte) int { return splitUntil(b, 0) }

// splitUntil is splitGPT2 of the part of b before the first character of the
// classes stop, which b does not begin with.
func splitUntil(b []byte, stop class) int {
	i := 0
	k, n := next(b)
	if n == 0 {
		return 0
	}
	if b[0] == '\'' {
		if c := contraction(b, 0); c > 0 {
			return c
		}
	}
	if b[0] == ' ' {
		if after, n := next(b[1:]); n > 0 && after&stop == 0 {
			k, i = after, 1
		}
	}
	switch {
	case k&letter != 0:
		return i + run(b[i:], letter)
	case k&number != 0:
		return i + run(b[i:], number)
	case k&(space|newline) == 0:
		return i + runOther(b[i:], notOther|stop)
	}
	return spaces(b, 0, stop)
}

// splitDigits is the pattern of StarCoder and SmolLM: every \p{N} stands alone, and
// what is between them is split by that of GPT-2.
func splitDigits(b []byte) int {
	if k, n := next(b); k&number != 0 {
		return n
	}
	return splitUntil(b, number)
}

// splitDefault is what llama.cpp does where a file names no pre-tokenizer. Runs of
// [\p{P}$+<=>^~|]+ stand alone; what is between them is split by the pattern of
// GPT-2; in that, runs of \p{N}+ stand alone; of those, [0-9][0-9][0-9].
func splitDefault(b []byte) int {
	k, n := next(b)
	switch {
	case k&punct != 0:
		return run(b, punct)
	case k&number != 0:
		return triple(b)
	case n > 0 && b[0] == ' ':
		if after, _ := next(b[1:]); after&number != 0 {
			return 1
		}
	}
	return splitUntil(b, punct)
}

// triple cuts a run of numbers before and after the first three digits of ASCII
// that follow each other.
func triple(b []byte) int {
	i, digits := 0, 0
	for {
		k, n := next(b[i:])
		switch {
		case k&number == 0:
			return i
		case b[i] < '0' || b[i] > '9':
			digits = -1
		}
		digits++
		i += n
		if digits == 3 && i > 3 {
			return i - 3
		}
		if digits == 3 {
			return i
		}
	}
}
