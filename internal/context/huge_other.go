//go:build !linux

package context

func hugePages([]byte) {}
