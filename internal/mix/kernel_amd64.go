//go:build !purego

package mix

import (
	"os"

	"golang.org/x/sys/cpu"
)

// useAVX2 goes by the same variable as package kernel: who asks for portable
// arithmetic gets it here too.
var useAVX2 = cpu.X86.HasAVX2 && os.Getenv("KOLM_KERNEL") != "portable"

func dots(out, x, weight, offset []int32) {
	if !useAVX2 {
		dotsGeneric(out, x, weight, offset)
		return
	}
	dotsAVX2(&out[0], &x[0], &weight[0], &offset[0], len(offset), len(x))
}

func train(step, x, weight, offset []int32) {
	if !useAVX2 {
		trainGeneric(step, x, weight, offset)
		return
	}
	trainAVX2(&step[0], &x[0], &weight[0], &offset[0], len(offset), len(x))
}

// dotsAVX2 is dots for sets vectors of n weights; n is a multiple of 8.
//
//go:noescape
func dotsAVX2(out, x, weight, offset *int32, sets, n int)

// trainAVX2 is train for sets vectors of n weights; n is a multiple of 8.
//
//go:noescape
func trainAVX2(step, x, weight, offset *int32, sets, n int)
