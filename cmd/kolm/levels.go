package main

import (
	"strings"

	"github.com/alecthomas/kong"
)

// valueFlags are the short flags after which the rest of the word is a value.
const valueFlags = "omT"

// expandLevels turns -1 to -9, alone or among other short flags, into --level=N,
// where there are levels: in pack, and without a verb.
func expandLevels(args []string, grammar *kong.Node) []string {
	if v := verb(args, grammar); v != "" && v != "pack" {
		return args
	}
	var out []string
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...)
		}
		rest, level := takeLevel(arg)
		if level != "" {
			out = append(out, "--level="+level)
		}
		if rest != "-" || level == "" {
			out = append(out, rest)
		}
	}
	return out
}

// verb is the first word that names a command, "" if there is none.
func verb(args []string, grammar *kong.Node) string {
	for _, arg := range args {
		for _, n := range grammar.Children {
			if !n.Hidden && n.Name == arg {
				return arg
			}
		}
	}
	return ""
}

// takeLevel returns a word of short flags without its digits, and those.
func takeLevel(arg string) (rest, level string) {
	if len(arg) < 2 || arg[0] != '-' || arg[1] == '-' {
		return arg, ""
	}
	var b strings.Builder
	for i := range len(arg) {
		c := arg[i]
		if strings.IndexByte(valueFlags, c) >= 0 {
			b.WriteString(arg[i:])
			break
		}
		if '0' <= c && c <= '9' {
			level += string(c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String(), level
}
