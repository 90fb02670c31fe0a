//go:build !purego

package kernel

import "unsafe"

// prefetch asks for the n cache lines of p, p+stride, ... ahead of their use.
//
//go:noescape
func prefetch(p unsafe.Pointer, stride, n int)
