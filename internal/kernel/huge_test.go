package kernel

import (
	"runtime"
	"testing"
)

// TestHugePages asks for the surroundings of memory, much of which is free, while
// the collector looks at all pointers: one to what is no memory of the program
// ends it.
func TestHugePages(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	for i := range 150 {
		garbage := make([][]byte, 8)
		for k := range garbage {
			garbage[k] = make([]byte, 64<<10+(i*7919+k*104729)%(1<<20))
		}
		b := make([]int8, 1<<20+i*1009)
		for at := 0; at < len(b); at += 4096 {
			b[at] = 1
		}
		HugePages(b)
	}
}
