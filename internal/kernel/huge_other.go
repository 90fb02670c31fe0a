//go:build !linux

package kernel

// HugePages does nothing where the system offers no hint.
func HugePages[T int8 | float32]([]T) {}
