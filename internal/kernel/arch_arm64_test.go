//go:build !purego

package kernel

var peakLoops []peakLoop

// Every arm64 CPU has what the NEON variant needs.
var requirements = map[string]string{"neon": ""}
