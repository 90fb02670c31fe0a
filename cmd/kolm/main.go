// Command kolm packs and unpacks files with a small language model, and trains
// and keeps such models.
//
// It must not know arithmetic: what it does with bytes is in package kolm.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"

	"github.com/alecthomas/kong"

	"kolm/internal/kernel"
)

// cli is the command line. Help, completions and the manual page are made from it.
type cli struct {
	Pack       packCmd       `cmd:"" help:"Pack files: FILE.kolm beside each FILE."`
	Unpack     unpackCmd     `cmd:"" help:"Unpack files: FILE beside each FILE.kolm."`
	Test       testCmd       `cmd:"" help:"Check that packed files are whole, by unpacking them to nowhere."`
	Info       infoCmd       `cmd:"" help:"Say what packed files hold, without unpacking them."`
	Bench      benchCmd      `cmd:"" help:"Compare kolm with other compressors on files."`
	Weigh      weighCmd      `cmd:"" help:"Say how many bits texts cost under a model, or under two."`
	Train      trainCmd      `cmd:"" help:"Train a model on a corpus."`
	Model      modelCmd      `cmd:"" help:"List, inspect, verify, import, export and quantize models."`
	Lab        labCmd        `cmd:"" help:"Show by experiment what is true of models as compressors."`
	Memory     memoryCmd     `cmd:"" help:"Look into the feed-forward memories of a model: what they react to, say, cost, and how to edit them."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
	Completion completionCmd `cmd:"" help:"Print a completion script for a shell."`
	Man        manCmd        `cmd:"" help:"Print the manual page."`
	Filter     filterCmd     `cmd:"" default:"withargs" hidden:"" help:"Pack standard input to standard output; with -d, unpack."`
}

const description = `Packs any file into fewer bytes, without loss, with a small language model and contexts that learn the file at hand. ` +
	`Without a command kolm packs standard input to standard output (-d: unpacks), as tar -I kolm expects.`

func newParser(grammar *cli, a *app) (*kong.Kong, error) {
	return kong.New(grammar,
		kong.Name("kolm"),
		kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.Writers(a.stdout, a.stderr),
		kong.Exit(os.Exit),
		kong.Bind(a),
		kong.KindMapper(reflect.String, kong.MapperFunc(words)),
	)
}

func main() { os.Exit(run(os.Args[1:])) }

// run does what the arguments say and returns the exit status.
func run(args []string) int {
	a := newApp()
	defer a.handleSignals()()
	var grammar cli
	parser, err := newParser(&grammar, a)
	if err != nil {
		a.report("", err)
		return codeFailed
	}
	if len(args) > 0 && args[0] == "help" { // as others have it: help VERB
		args = append(slices.Clone(args[1:]), "--help")
	}
	ctx, err := parser.Parse(expandLevels(args, parser.Model.Node))
	if err != nil {
		a.report("", usageError(err))
		return a.status
	}
	if err := kernel.Use(""); err != nil { // as KOLM_KERNEL says, or not at all
		a.report("", usage("unset "+kernel.Environment+", or set it to one of these", "%v", err))
		return codeUsage
	}
	if err := ctx.Run(a); err != nil {
		a.report("", err)
	}
	return a.status
}

// usageError says where help is to be found.
func usageError(err error) error {
	var write *fs.PathError
	if errors.As(err, &write) && write.Op == "write" { // of the help
		return err
	}
	command := "kolm"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if n := parse.Context.Selected(); n != nil && !n.Hidden {
			command = n.FullPath()
		}
	}
	return &problem{code: codeUsage, text: err.Error(), hint: fmt.Sprintf("see %q", command+" --help"), cause: err}
}
