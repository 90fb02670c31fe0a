package main

import "strings"

// valueFlags are the short flags after which the rest of the word is a value.
const valueFlags = "omT"

// expandLevels turns -1 to -9, alone or among other short flags, into --level=N.
func expandLevels(args []string) []string {
	var out []string
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...)
		}
		rest, level := takeLevel(arg)
		if level != 0 {
			out = append(out, "--level="+string(level))
		}
		if rest != "-" || level == 0 {
			out = append(out, rest)
		}
	}
	return out
}

// takeLevel returns a word of short flags without its digits, and the last of those.
func takeLevel(arg string) (rest string, level byte) {
	if len(arg) < 2 || arg[0] != '-' || arg[1] == '-' {
		return arg, 0
	}
	var b strings.Builder
	for i := range len(arg) {
		c := arg[i]
		if strings.IndexByte(valueFlags, c) >= 0 {
			b.WriteString(arg[i:])
			break
		}
		if '0' <= c && c <= '9' {
			level = c
		} else {
			b.WriteByte(c)
		}
	}
	return b.String(), level
}
