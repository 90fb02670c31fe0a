//go:build !amd64 || purego

package kernel

import "unsafe"

// prefetch does nothing where there is no instruction for it at hand.
func prefetch(unsafe.Pointer, int, int) {}
