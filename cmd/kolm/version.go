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

type versionReport struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Format  int    `json:"format"`
	Go      string `json:"go"`
	System  string `json:"system"`
	Kernel  string `json:"kernel"` // variant of the arithmetic in use; all give the same bits
}

func (c *versionCmd) Run(a *app) error {
	r := versionReport{
		Version: "0.1.0-dev", Format: container.Version, Go: runtime.Version(),
		System: runtime.GOOS + "/" + runtime.GOARCH, Kernel: kernel.Active(),
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				r.Commit = s.Value
			}
		}
	}
	if c.JSON {
		a.printJSON(r)
		return nil
	}
	_, err := fmt.Fprintf(a.stdout, "kolm %s, format %d, %s %s, kernel %s\n", r.Version, r.Format, r.System, r.Go, r.Kernel)
	return err
}
