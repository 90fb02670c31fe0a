//go:build !purego

package context

// prefetch asks for the n cache lines at base+at[i] ahead of their use.
//
//go:noescape
func prefetch(base *byte, at *uint32, n int)
