//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

var peakLoops = func() (p []peakLoop) {
	if cpu.X86.HasFMA {
		p = append(p, peakLoop{"avx2-f32", false, 1000 * 12 * 8 * 2, func() { peakF32Y(1000) }})
	}
	if cpu.X86.HasAVX512VNNI {
		p = append(p,
			peakLoop{"avx512-f32", false, 1000 * 16 * 16 * 2, func() { peakF32Z(1000) }},
			peakLoop{"avx512-i8", true, 1000 * 16 * 64 * 2, func() { peakI8Z(1000) }})
	}
	return p
}()

// requirements are the flags of /proc/cpuinfo that each variant needs.
var requirements = map[string]string{
	"avx512": "fma bmi2 avx512f avx512bw avx512vl avx512dq avx512_vnni",
	"avx2":   "fma avx2",
}
