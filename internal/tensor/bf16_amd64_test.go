package tensor

import (
	"math"
	"math/rand/v2"
	"testing"
)

func need512(t testing.TB) {
	if Backends()[0] != "bf16" {
		t.Skip("this CPU has no AVX512-BF16")
	}
}

// TestConvertBF16 compares the instruction with the rounding in Go, ties and
// carries into the exponent included. The instruction knows no subnormals.
func TestConvertBF16(t *testing.T) {
	need512(t)
	r := rand.New(rand.NewPCG(27, 28))
	x := randoms(r, 4096)
	for i := range 2048 {
		exponent := 1 + r.Uint32N(253)
		low := []uint32{0x7fff, 0x8000, 0x8001, 0xffff}[i%4]
		x[i] = math.Float32frombits(r.Uint32()&0x807f0000 | exponent<<23 | low)
	}
	got := make([]uint16, len(x))
	convertBF16(&got[0], &x[0], len(x))
	for i, v := range x {
		if want := toBF16(v); got[i] != want {
			t.Fatalf("%x converts to %x, want %x", math.Float32bits(v), got[i], want)
		}
	}
}

// TestPackBF16 compares the packing kernels with the layout as it is defined.
func TestPackBF16(t *testing.T) {
	need512(t)
	r := rand.New(rand.NewPCG(29, 30))
	for _, size := range [][2]int{{32, 32}, {64, 96}, {33, 65}, {7, 16}, {100, 47}, {70, 48}} {
		k, n := size[0], size[1]
		kp := roundUp(k, 2)
		b := randoms(r, k*n)
		bt := make([]float32, n*k)
		for l := range k {
			for j := range n {
				bt[j*k+l] = b[l*n+j]
			}
		}
		want := make([]uint16, roundUp(n, panel)*kp)
		for l := range k {
			for j := range n {
				want[j/panel*kp*panel+l/2*2*panel+j%panel*2+l%2] = toBF16(b[l*n+j])
			}
		}
		across, along := make([]uint16, len(want)), make([]uint16, len(want))
		for i := range want {
			across[i], along[i] = 0xffff, 0xffff
		}
		packAcross(across, b, n, k, n, kp)
		packAlong(along, bt, k, n, k, kp)
		for i, v := range want {
			if across[i] != v || along[i] != v {
				t.Fatalf("(%d, %d) word %d: across %x, along %x, want %x", k, n, i, across[i], along[i], v)
			}
		}
	}
}

// BenchmarkTiles measures the kernels alone, operands in the first-level cache:
// as near to the CPU's peak as they can come.
func BenchmarkTiles(b *testing.B) {
	need512(b)
	for _, k := range []tileKernel{kernelBF16, kernelF32512, kernelF32256} {
		b.Run([]string{"bf16", "f32x512", "f32x256"}[k.id], func(b *testing.B) {
			const words = 128
			x, p, c := make([]float32, k.rows*words), make([]float32, k.columns*words), make([]float32, k.rows*k.columns)
			t := tiles{a: word(x), rowStep: 4 * words, wordStep: 4, b: word(p), c: &c[0], ldc: 4 * k.columns, words: words, count: 1}
			for range b.N {
				k.run(&t)
			}
			flops := 2 * words * k.rows * k.columns
			if k == kernelBF16 {
				flops *= 2
			}
			b.ReportMetric(float64(flops)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
