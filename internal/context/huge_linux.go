package context

import "golang.org/x/sys/unix"

// hugePages asks for large memory pages under b, whose bytes are looked up all
// over: with small ones most lookups also miss the address translation. It is
// only a hint.
func hugePages(b []byte) {
	if len(b) >= 1<<21 {
		_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	}
}
