package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of a large page of memory.
const hugePage = 2 << 20

// HugePages asks for large pages under b and its surroundings, at once where the
// system can: megabytes that are read from end to end again and again, as weights
// are, take address translation to its limits with small ones. It is only a hint.
func HugePages[T int8 | float32](b []T) {
	if len(b) == 0 {
		return
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	before := int(uintptr(p) % hugePage)
	n := (before + len(b)*int(unsafe.Sizeof(b[0])) + hugePage - 1) / hugePage * hugePage
	all := unsafe.Slice((*byte)(unsafe.Add(p, -before)), n)
	_ = unix.Madvise(all, unix.MADV_HUGEPAGE)
	_ = unix.Madvise(all, unix.MADV_COLLAPSE)
}
