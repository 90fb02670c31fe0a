//go:build (!amd64 && !arm64) || purego

package kernel

// variants returns what this CPU runs besides the portable variant, best first.
func variants() []*variant { return nil }
