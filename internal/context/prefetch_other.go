//go:build !amd64 || purego

package context

// prefetch does nothing where there is no instruction for it at hand.
func prefetch(*byte, *uint32, int) {}
