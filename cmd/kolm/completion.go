package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (c *completionCmd) Help() string {
	return "bash: source <(kolm completion bash), in ~/.bashrc. zsh: kolm completion zsh > a file named _kolm in a folder of $fpath. " +
		"fish: kolm completion fish > ~/.config/fish/completions/kolm.fish"
}

func (c *completionCmd) Run(a *app, ctx *kong.Context) error {
	script := map[string]func(*kong.Node) string{"bash": bash, "zsh": zsh, "fish": fish}[c.Shell](ctx.Model.Node)
	_, err := a.stdout.WriteString(script)
	return err
}

// visible lists the commands below n.
func visible(n *kong.Node) []*kong.Node {
	var list []*kong.Node
	for _, c := range n.Children {
		if !c.Hidden {
			list = append(list, c)
		}
	}
	return list
}

func names(list []*kong.Node) string {
	var words []string
	for _, c := range list {
		words = append(words, c.Name)
	}
	return strings.Join(words, " ")
}

// flags of a command, and of those above it.
func flags(n *kong.Node) []*kong.Flag {
	var list []*kong.Flag
	for _, group := range n.AllFlags(true) {
		list = append(list, group...)
	}
	return list
}

// eachCommand visits all commands with their names, those above them first.
func eachCommand(root *kong.Node, f func(path string, n *kong.Node)) {
	for _, c := range visible(root) {
		f(strings.TrimPrefix(c.FullPath(), "kolm "), c)
		eachCommand(c, f)
	}
}

func bash(root *kong.Node) string {
	var b bytes.Buffer
	b.WriteString(`# bash completion of kolm, made by "kolm completion bash"
_kolm() {
	local word=${COMP_WORDS[COMP_CWORD]} verb= i words
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -* ]] || verb+="${verb:+ }${COMP_WORDS[i]}"
	done
	case $verb in
`)
	eachCommand(root, func(path string, n *kong.Node) {
		words := []string{names(visible(n))}
		for _, f := range flags(n) {
			words = append(words, flagWords(f)...)
		}
		for _, p := range n.Positional {
			words = append(words, strings.ReplaceAll(p.Enum, ",", " "))
		}
		pattern := casePattern(path, n)
		fmt.Fprintf(&b, "\t%s) words=%q ;;\n", pattern, strings.TrimSpace(strings.Join(words, " ")))
	})
	var words []string
	for _, f := range flags(noVerb(root)) {
		words = append(words, flagWords(f)...)
	}
	fmt.Fprintf(&b, "\t*) words=%q ;;\n", names(visible(root))+" "+strings.Join(words, " "))
	b.WriteString(`	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"; [[ $word == -* ]] || compgen -f -- "$word")
}
complete -o filenames -F _kolm kolm
`)
	return b.String()
}

func zsh(root *kong.Node) string {
	var b bytes.Buffer
	b.WriteString(`#compdef kolm
# zsh completion of kolm, made by "kolm completion zsh"
_kolm() {
	local verb= i
	for ((i = 2; i < CURRENT; i++)); do
		[[ $words[i] == -* ]] || verb+="${verb:+ }$words[i]"
	done
	local -a commands options
	case $verb in
`)
	entry := func(pattern string, n *kong.Node, children []*kong.Node) {
		fmt.Fprintf(&b, "\t%s)\n\t\tcommands=(", pattern)
		for _, c := range children {
			fmt.Fprintf(&b, " %s", quoteZsh(c.Name+":"+c.Help))
		}
		for _, p := range n.Positional {
			for _, v := range strings.Split(p.Enum, ",") {
				if v != "" {
					fmt.Fprintf(&b, " %s", v)
				}
			}
		}
		b.WriteString(" )\n\t\toptions=(")
		for _, f := range flags(n) {
			for _, w := range flagWords(f) {
				fmt.Fprintf(&b, " %s", quoteZsh(w+":"+f.Help))
			}
		}
		b.WriteString(" )\n\t\t;;\n")
	}
	eachCommand(root, func(path string, n *kong.Node) {
		pattern := casePattern(path, n)
		entry(pattern, n, visible(n))
	})
	entry("*", noVerb(root), visible(root))
	b.WriteString(`	esac
	if [[ $words[CURRENT] == -* ]]; then
		_describe -o option options
	else
		(( $#commands )) && _describe command commands
		_files
	fi
}
# Loaded from $fpath this file is the function; sourced, it defines it.
if [[ $funcstack[1] == _kolm ]]; then _kolm; else compdef _kolm kolm; fi
`)
	return b.String()
}

// casePattern matches the words of a command, and arguments after them.
func casePattern(path string, n *kong.Node) string {
	if n.Leaf() {
		return fmt.Sprintf("%q|%q*", path, path+" ")
	}
	return fmt.Sprintf("%q", path)
}

func quoteZsh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func fish(root *kong.Node) string {
	var b bytes.Buffer
	b.WriteString("# fish completion of kolm, made by \"kolm completion fish\"\n")
	quote := func(s string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
	}
	options := func(condition string, n *kong.Node) {
		for _, f := range flags(n) {
			fmt.Fprintf(&b, "complete -c kolm -n %s -l %s -d %s", quote(condition), f.Name, quote(f.Help))
			if f.Short != 0 {
				fmt.Fprintf(&b, " -s %c", f.Short)
			}
			if !f.IsBool() {
				b.WriteString(" -r")
			}
			b.WriteByte('\n')
		}
	}
	command := func(condition string, n *kong.Node) {
		fmt.Fprintf(&b, "complete -c kolm -n %s -a %s -d %s\n", quote(condition), n.Name, quote(n.Help))
	}
	for _, n := range visible(root) {
		command("__fish_use_subcommand", n)
		seen := "__fish_seen_subcommand_from " + n.Name
		for _, c := range visible(n) {
			command(seen+"; and not __fish_seen_subcommand_from "+names(visible(n)), c)
			options(seen+"; and __fish_seen_subcommand_from "+c.Name, c)
		}
		if n.Leaf() {
			options(seen, n)
		}
		for _, p := range n.Positional {
			if p.Enum != "" {
				fmt.Fprintf(&b, "complete -c kolm -n %s -f -a %s\n", quote(seen), quote(strings.ReplaceAll(p.Enum, ",", " ")))
			}
		}
	}
	options("__fish_use_subcommand", noVerb(root))
	return b.String()
}
