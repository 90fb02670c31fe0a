package kernel

import (
	"runtime"
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
	// Numbers, not pointers: the surroundings may be no memory of the program.
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	begin := at / hugePage * hugePage
	end := (at + uintptr(len(b))*unsafe.Sizeof(b[0]) + hugePage - 1) / hugePage * hugePage
	for _, advice := range []uintptr{unix.MADV_HUGEPAGE, unix.MADV_COLLAPSE} {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, begin, end-begin, advice)
	}
	runtime.KeepAlive(b)
}
