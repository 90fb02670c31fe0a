package memory

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// FactCounter counts how often facts stand in texts. It looks for all of them at
// once, by the automaton of A. V. Aho and M. J. Corasick, 1975.
type FactCounter struct {
	facts []Recalled
	terms []term
	next  [][256]int32 // by state, byte
	ends  [][]int32    // by state: terms that end there
	stamp []int        // by term: the last sentence that it was seen in
	found []int32      // terms of the sentence
}

// term is words that are looked for.
type term struct {
	text    string
	whole   []int // facts of which it is prompt and answer
	subject []int // facts of which it is the subject
}

// NewFactCounter returns a counter that counts into the facts.
func NewFactCounter(facts []Recalled) *FactCounter {
	c := &FactCounter{facts: facts, next: make([][256]int32, 1)}
	known := map[string]int{}
	add := func(text string) *term {
		i, ok := known[text]
		if !ok {
			i = len(c.terms)
			known[text] = i
			c.terms = append(c.terms, term{text: text})
		}
		return &c.terms[i]
	}
	for i := range facts {
		f := &facts[i]
		t := add(f.Prompt + f.Answer)
		t.whole = append(t.whole, i)
		if f.Subject != "" {
			add(strings.TrimSpace(f.Answer))
			t := add(f.Subject)
			t.subject = append(t.subject, i)
		}
	}
	for i := range facts {
		if facts[i].Subject != "" {
			facts[i].answer = known[strings.TrimSpace(facts[i].Answer)]
		}
	}
	c.stamp = make([]int, len(c.terms))
	c.build()
	return c
}

// build makes the automaton: a tree of the terms, whose missing branches lead to
// where the longest end of what was read begins a term.
func (c *FactCounter) build() {
	c.ends = make([][]int32, 1)
	for i, t := range c.terms {
		at := int32(0)
		for _, b := range []byte(t.text) {
			if c.next[at][b] == 0 {
				c.next[at][b] = int32(len(c.next))
				c.next, c.ends = append(c.next, [256]int32{}), append(c.ends, nil)
			}
			at = c.next[at][b]
		}
		c.ends[at] = append(c.ends[at], int32(i))
	}
	back := make([]int32, len(c.next)) // by state: that of its longest proper end
	for queue := []int32{0}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		c.ends[at] = append(c.ends[at], c.ends[back[at]]...)
		for b := range c.next[at] {
			to := c.next[at][b]
			switch {
			case to == 0:
				c.next[at][b] = c.next[back[at]][b]
				continue
			case at != 0:
				back[to] = c.next[back[at]][b]
			}
			queue = append(queue, to)
		}
	}
}

// Add counts the facts of a text: prompt and answer word for word, and sentences
// that have both the subject and the answer.
func (c *FactCounter) Add(text []byte) {
	clear(c.stamp)
	state, end, sentence := int32(0), 0, 0
	for i, b := range text {
		state = c.next[state][b]
		for _, id := range c.ends[state] {
			t := &c.terms[id]
			from := i + 1 - len(t.text)
			if !isWord(text, from, i+1) {
				continue
			}
			for end <= from {
				c.together(sentence)
				end += sentenceEnd(text[end:])
				sentence++
			}
			for _, f := range t.whole {
				c.facts[f].Count++
			}
			if i < end && c.stamp[id] != sentence {
				c.stamp[id] = sentence
				c.found = append(c.found, id)
			}
		}
	}
	c.together(sentence)
}

// together counts the facts of a sentence.
func (c *FactCounter) together(sentence int) {
	for _, id := range c.found {
		for _, f := range c.terms[id].subject {
			if c.stamp[c.facts[f].answer] == sentence {
				c.facts[f].Together++
			}
		}
	}
	c.found = c.found[:0]
}

// isWord reports whether a part of a text is not the part of a longer word, in
// scripts that put something between words.
func isWord(text []byte, from, to int) bool {
	first, _ := utf8.DecodeRune(text[from:])
	before, _ := utf8.DecodeLastRune(text[:from])
	last, _ := utf8.DecodeLastRune(text[:to])
	after, _ := utf8.DecodeRune(text[to:])
	return !(inWord(before) && inWord(first)) && !(inWord(last) && inWord(after))
}

// inWord reports whether a character is a letter or digit of a script with spaces;
// beyond firstEast those of East Asia begin.
func inWord(r rune) bool {
	const firstEast = 0x2e80
	return r < firstEast && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
