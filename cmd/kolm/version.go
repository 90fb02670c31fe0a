package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"kolm/internal/container"
	"kolm/internal/kernel"
)

type versionCmd struct {
	JSON bool `help:"Print a JSON object."`
}

// versionReport says what this program is. Commit is empty where the build did
// not see the repository, as under go run.
type versionReport struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // there were changes that were not committed
	Format   int    `json:"format"`
	Go       string `json:"go"`
	System   string `json:"system"`
	Kernel   string `json:"kernel"` // variant of the arithmetic in use; all give the same bits
	Model    string `json:"model"`  // ID of the built-in one
	Small    string `json:"small_model"`
}

func (c *versionCmd) Run(a *app) error {
	r := version()
	if c.JSON {
		a.printJSON(r)
		return nil
	}
	_, err := fmt.Fprintln(a.stdout, r.line())
	return err
}

// version describes this program.
func version() versionReport {
	r := versionReport{
		Version: "(devel)", Format: container.Version, Go: runtime.Version(),
		System: runtime.GOOS + "/" + runtime.GOARCH, Kernel: kernel.Active(),
		Model: embeddedEntry(builtinName).id, Small: embeddedEntry(smallName).id,
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		r.fill(b)
	}
	return r
}

// fill takes what the build says of itself.
func (r *versionReport) fill(b *debug.BuildInfo) {
	if b.Main.Version != "" {
		r.Version = b.Main.Version
	}
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			r.Commit = s.Value
		case "vcs.modified":
			r.Modified = s.Value == "true"
		}
	}
}

func (r versionReport) line() string {
	commit := ""
	if r.Commit != "" {
		commit = fmt.Sprintf(", commit %.12s", r.Commit)
		if r.Modified {
			commit += " modified"
		}
	}
	return fmt.Sprintf("kolm %s%s, format %d, %s %s, kernel %s, models %.8s, %.8s", r.Version, commit, r.Format, r.System, r.Go, r.Kernel, r.Model, r.Small)
}
