package main

// Rules of what kolm prints:
//
//   - Data and what was asked for (tables, JSON) go to standard output, talk to
//     standard error.
//   - Lines can be found by grep: lower case, no period at the end, and
//     "name: " before what is about a file.
//   - An error says what is wrong and where; what to do about it is a hint, on a
//     line of its own. One cause, one error.
//   - Progress is shown on a terminal only, after two seconds, and erased before
//     anything else is printed.
//   - --json prints one object a file, on one line, with keys that stay.
//   - Packed bytes are not written to a terminal unless forced.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/term"

	"kolm"
)

// Exit statuses.
const (
	codeFailed      = 1
	codeUsage       = 2
	codeCorrupt     = 3
	codeModel       = 4
	codeSelfTest    = 5
	codeInterrupted = 130
)

// app is what all commands share.
type app struct {
	stdin          *os.File
	stdout, stderr *os.File
	quiet, verbose bool
	json           bool
	status         int // exit status: the greatest of all errors reported
	bar            atomic.Pointer[progress]
	temps          temps
	interrupt      interruption
}

func newApp() *app { return &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr} }

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// talk are the flags of commands that report on files.
type talk struct {
	JSON    bool `help:"Print one JSON object a file on standard output."`
	Quiet   bool `short:"q" help:"Print errors only."`
	Verbose bool `short:"v" help:"Print more."`
}

func (t talk) apply(a *app) { a.json, a.quiet, a.verbose = t.JSON, t.Quiet, t.Verbose }

// problem is an error with an exit status and a way out.
type problem struct {
	code  int
	text  string
	hint  string
	cause error // may be nil
}

func (p *problem) Error() string { return p.text }
func (p *problem) Unwrap() error { return p.cause }

func usage(hint, format string, args ...any) error {
	return &problem{code: codeUsage, text: fmt.Sprintf(format, args...), hint: hint}
}

func failed(hint, format string, args ...any) error {
	return &problem{code: codeFailed, text: fmt.Sprintf(format, args...), hint: hint}
}

// flagNumber is a flag and the number that it was given.
type flagNumber struct {
	flag   string
	number int
}

// atLeast refuses numbers below the least that makes sense.
func atLeast(least int, flags ...flagNumber) error {
	for _, f := range flags {
		if f.number < least {
			return usage("", "%s %d: want %d or more", f.flag, f.number, least)
		}
	}
	return nil
}

// flagGiven is a flag and whether it was given.
type flagGiven struct {
	flag  string
	given bool
}

// unused refuses flags that have no effect, for a reason such as "with --codes".
func unused(why string, flags ...flagGiven) error {
	for _, f := range flags {
		if f.given {
			return usage("leave it out", "%s has no effect %s", f.flag, why)
		}
	}
	return nil
}

// explain finds the exit status and hint of an error, and cuts from its text
// the name of the file, which is printed before it.
func explain(name string, err error) problem {
	var p *problem
	var e *kolm.Error
	var path *fs.PathError
	switch {
	case errors.As(err, &p):
		return *p
	case errors.As(err, &e):
		return explainDamage(name, e)
	case errors.Is(err, kolm.ErrVerify):
		return problem{code: codeSelfTest, text: err.Error(), hint: "nothing was written; this is a defect of kolm or of the machine, please report it"}
	case errors.Is(err, kolm.ErrSelfTest):
		return problem{code: codeSelfTest, text: err.Error(), hint: "this build or machine does not compute as it must; try KOLM_KERNEL=portable, and please report it"}
	case errors.Is(err, kolm.ErrOption):
		return problem{code: codeUsage, text: strings.TrimPrefix(err.Error(), "kolm: ")}
	case errors.As(err, &path) && path.Path == name:
		err = path.Err
	}
	if errors.Is(err, syscall.ENOSPC) {
		hint := "nothing was written; make room, or write elsewhere with -o"
		if path != nil && path.Path == os.Stdout.Name() {
			hint = "what stands there is not all"
		}
		return problem{code: codeFailed, text: err.Error(), hint: hint}
	}
	return problem{code: codeFailed, text: err.Error()}
}

func explainDamage(name string, e *kolm.Error) problem {
	p := problem{code: codeCorrupt, text: e.Error()}
	switch e.Kind {
	case kolm.ErrModel:
		p.code = codeModel
		p.hint = `give it with -m FILE, or keep it with "kolm model import FILE"; "kolm model list" shows those at hand`
	case kolm.ErrVersion:
		p.code = codeFailed
		p.hint = "a newer kolm reads it"
	case kolm.ErrTruncated, kolm.ErrBlock, kolm.ErrHeader:
		if e.Good > 0 {
			p.text += fmt.Sprintf("; %d bytes before it are good", e.Good)
			if name == label("-") {
				name = "< FILE"
			}
			p.hint = fmt.Sprintf(`"kolm unpack -c %s > PART" writes the good part`, name)
		}
	case kolm.ErrMagic:
		if strings.Contains(e.Detail, "6b 6f 6c 6d 0a") || strings.Contains(e.Detail, "6b 6f 6c 6d 0d 0d") {
			p.hint = "the line ends in it were changed, as by a transfer in text mode: transfer it again in binary mode"
		}
	case kolm.ErrTrailing:
		p.hint = "packed files may be joined, but nothing else may follow"
		if e.Good > 0 {
			p.text += fmt.Sprintf("; %d bytes before it are good", e.Good)
		}
	}
	return p
}

// brokenPipe says that whoever read our output had enough, which is no failure.
func (a *app) brokenPipe(err error) bool {
	var path *fs.PathError
	return errors.Is(err, syscall.EPIPE) && errors.As(err, &path) && path.Path == a.stdout.Name()
}

// report prints an error about a file, "" if about none, and remembers the status.
func (a *app) report(name string, err error) {
	if a.brokenPipe(err) {
		return
	}
	p := explain(name, err)
	a.status = max(a.status, p.code)
	a.bar.Load().erase()
	if a.json {
		a.printJSON(errorReport(name, err, p))
	}
	if name != "" {
		p.text = name + ": " + p.text
	}
	fmt.Fprintf(a.stderr, "kolm: error: %s\n", p.text)
	if p.hint != "" {
		fmt.Fprintf(a.stderr, "kolm: hint: %s\n", p.hint)
	}
}

// warn prints something that the user should know and that is no failure.
func (a *app) warn(name, format string, args ...any) {
	a.bar.Load().erase()
	fmt.Fprintf(a.stderr, "kolm: warning: %s: %s\n", name, fmt.Sprintf(format, args...))
}

// say prints a summary line to standard error, unless JSON says the same.
func (a *app) say(format string, args ...any) {
	if !a.quiet && !a.json {
		a.bar.Load().erase()
		fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}

type jsonError struct {
	File  string `json:"file"`
	Error struct {
		Kind    string `json:"kind"`
		Status  int    `json:"status"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
		Offset  *int64 `json:"offset,omitempty"`
		Block   *int   `json:"block,omitempty"`
		Good    *int64 `json:"good_bytes,omitempty"`
	} `json:"error"`
}

func errorReport(name string, err error, p problem) jsonError {
	j := jsonError{File: name}
	j.Error.Kind, j.Error.Status, j.Error.Message, j.Error.Hint = "failed", p.code, p.text, p.hint
	var e *kolm.Error
	if errors.As(err, &e) {
		j.Error.Kind, j.Error.Offset, j.Error.Good = e.Kind.Error(), &e.Offset, &e.Good
		if e.Block >= 0 {
			j.Error.Block = &e.Block
		}
	}
	return j
}

func (a *app) printJSON(v any) {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(a.stdout, "%s\n", b)
	}
	if err != nil && !a.brokenPipe(err) {
		fmt.Fprintf(a.stderr, "kolm: error: standard output: %v\n", err)
		a.status = max(a.status, codeFailed)
	}
}
