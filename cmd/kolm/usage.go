package main

import (
	"strings"

	"github.com/alecthomas/kong"
)

// Help over the command line as kong knows it, from which completions and the
// manual page are made.

// commands lists the commands that do something, without those that are hidden.
func commands(n *kong.Node) []*kong.Node {
	var list []*kong.Node
	for _, leaf := range n.Leaves(true) {
		if !leaf.Hidden {
			list = append(list, leaf)
		}
	}
	return list
}

// noVerb is the command that runs if none is named.
func noVerb(n *kong.Node) *kong.Node { return n.DefaultCmd }

// flagWords are the ways to write a flag: -o, --output.
func flagWords(f *kong.Flag) []string {
	var words []string
	if f.Short != 0 {
		words = append(words, "-"+string(f.Short))
	}
	return append(words, "--"+f.Name)
}

// flagValue is how the value of a flag is called, "" if it has none.
func flagValue(f *kong.Flag) string {
	if f.IsBool() {
		return ""
	}
	return f.FormatPlaceHolder()
}

// arguments are the positional arguments in the manner of a manual page.
func arguments(n *kong.Node) string {
	var words []string
	for _, p := range n.Positional {
		word := strings.ToUpper(p.Name)
		if p.IsCumulative() {
			word += "..."
		}
		if !p.Required {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
