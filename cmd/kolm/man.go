package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type manCmd struct{}

// Run prints the manual page. Commands and flags come from the command line
// itself, so that the page does not go stale; the rest is below.
func (manCmd) Run(a *app, ctx *kong.Context) error {
	m := &manual{}
	root := ctx.Model.Node
	m.macro(".TH KOLM 1")
	m.section("NAME", "kolm - pack files with a small language model")
	m.macro(".SH SYNOPSIS")
	for _, c := range commands(root) {
		m.macro(".br")
		m.line(`\fB%s\fP [\fIflags\fP] %s`, c.FullPath(), roff(arguments(c)))
	}
	m.macro(".br")
	m.line(`\fBkolm\fP [\fB\-d\fP] [\fIflags\fP] < \fIinput\fP > \fIoutput\fP`)
	m.section("DESCRIPTION", manDescription...)
	m.macro(".SH COMMANDS")
	for _, c := range commands(root) {
		m.command(c, c.FullPath()+" "+arguments(c))
	}
	m.command(noVerb(root), "kolm")
	m.table("EXIT STATUS", manStatus)
	m.table("ENVIRONMENT", manEnvironment)
	m.table("FILES", manFiles)
	m.macro(".SH EXAMPLES")
	for _, e := range manExamples {
		m.macro(".PP")
		m.line("%s", roff(e[1]))
		m.macro(".PP\n.nf")
		m.line(`\fB%s\fP`, roff(e[0]))
		m.macro(".fi")
	}
	_, err := a.stdout.Write(m.Bytes())
	return err
}

var manDescription = []string{
	"kolm packs any file into fewer bytes, without loss. A small language model, which comes with the program, " +
		"predicts the bytes from what it learned before; contexts that learn the file at hand predict them too; " +
		"a mixer weighs the two. What does not pack is stored.",
	"By default an input is kept, its mode and time go to the output, an existing file is not overwritten, and each packed " +
		"block is decoded and compared with the input before it is written. The output appears under its name when it is " +
		"whole and on the disk; after an error or an interruption there is none.",
	"Packed files may be joined with cat(1). Unpacking takes as long as packing does without verifying. A file that was packed with a model " +
		"unpacks with that model only: it names it by the beginning of its ID.",
}

var manStatus = [][2]string{
	{"0", "All was done. Also if whoever reads the output had enough of it."},
	{"1", "Something failed, such as a file that can not be read."},
	{"2", "The command line can not be meant."},
	{"3", "An input is damaged, or is no packed file."},
	{"4", "A model is missing, or is not what its name says."},
	{"5", "What was packed did not unpack to its input, or the arithmetic failed its self-test: nothing was written."},
	{"130", "Interrupted by a signal; unfinished outputs were removed."},
	{"", "With several inputs, the greatest status of all. Others are to be taken as failure."},
}

var manEnvironment = [][2]string{
	{"KOLM_MODELS", "Folders in which models are looked for, each in a file named by its ID. kolm model import keeps them in the first one."},
	{"XDG_DATA_HOME", "The folder kolm/models in it is searched too; by default ~/.local/share/kolm/models."},
	{"KOLM_KERNEL", "The variant of the arithmetic to use, instead of the fastest: portable, avx2, avx512 or neon; one that this CPU lacks is an error. All give the same bytes."},
}

var manFiles = [][2]string{
	{"*.kolm", "Packed files."},
	{"*.gguf", "Models, in the format that llama.cpp reads."},
	{".kolm-*.tmp", "Unfinished outputs. One that stays after a crash may be removed."},
}

var manExamples = [][2]string{
	{"kolm pack -9 notes.txt", "Pack a file into notes.txt.kolm:"},
	{"tar -I kolm -cf home.tar.kolm home; tar -I kolm -xf home.tar.kolm", "Pack and unpack a folder:"},
	{"kolm unpack -c log.kolm | less", "Read a packed file:"},
	{"kolm test *.kolm", "Check packed files:"},
}

// manual is a page in the man macros of roff.
type manual struct{ bytes.Buffer }

func (m *manual) macro(s string) { fmt.Fprintln(m, s) }

// line prints text whose arguments are safe for roff.
func (m *manual) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

func (m *manual) section(name string, paragraphs ...string) {
	m.macro(".SH " + name)
	for i, p := range paragraphs {
		if i > 0 {
			m.macro(".PP")
		}
		m.line("%s", roff(p))
	}
}

func (m *manual) table(name string, rows [][2]string) {
	m.macro(".SH " + name)
	for _, r := range rows {
		if r[0] == "" {
			m.macro(".PP")
		} else {
			m.macro(".TP")
			m.line(`\fB%s\fP`, roff(r[0]))
		}
		m.line("%s", roff(r[1]))
	}
}

func (m *manual) command(n *kong.Node, title string) {
	m.macro(`.SS "` + roff(title) + `"`)
	m.line("%s", roff(n.Help))
	for _, p := range n.Positional {
		m.item(strings.ToUpper(p.Name), p.Help)
	}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			if f.Name == "help" {
				continue
			}
			title := strings.Join(flagWords(f), ", ")
			if v := flagValue(f); v != "" {
				title += " " + v
			}
			m.item(title, f.Help)
		}
	}
}

func (m *manual) item(title, text string) {
	m.macro(".TP")
	m.line(`\fB%s\fP`, roff(title))
	m.line("%s", roff(text))
}

// roff escapes what roff would take for more than text.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`, "~", `\(ti`, "'", `\(aq`).Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
