package tensor

import "golang.org/x/sys/cpu"

func init() {
	bf16, avx512, avx2 := portable, portable, portable
	bf16.name, avx512.name, avx2.name = "bf16", "avx512", "avx2"
	bf16.present = func() bool { return has512() && cpu.X86.HasAVX512BF16 }
	avx512.present = has512
	avx2.present = func() bool { return cpu.X86.HasAVX2 && cpu.X86.HasFMA }

	float32Backend(&avx2, kernelF32256)
	float32Backend(&avx512, kernelF32512)
	layers512(&avx512)
	layers512(&bf16)
	bf16.pack, bf16.nt, bf16.nn, bf16.gemm = packBF16, ntBF16, nnBF16, gemmBF16
	bf16.attnForward, bf16.attnBackward = attnForwardBF16, attnBackwardBF16
	backends = []*backend{&bf16, &avx512, &avx2, &portable}
}

func has512() bool {
	x := &cpu.X86
	return x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL
}

// float32Backend gives b the float32 products of a kernel.
func float32Backend(b *backend, k tileKernel) {
	b.pack, b.nt, b.nn, b.gemm = k.pack, k.nt, k.nn, k.gemm
	b.attnForward, b.attnBackward = attnForwardF32, attnBackwardF32
}
