//go:build (!amd64 && !arm64) || purego

package kernel

var peakLoops []peakLoop

var requirements map[string]string
