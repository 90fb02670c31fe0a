package kernel

import (
	"fmt"
	"testing"
	"time"
)

// fastest returns the shortest time of one call of f, in seconds, over many
// short runs: the machine may be shared.
func fastest(f func()) float64 {
	best, n := 1.0, 1
	for range 60 {
		for {
			start := time.Now()
			for range n {
				f()
			}
			d := time.Since(start).Seconds()
			best = min(best, d/float64(n))
			if d > 50e-6 {
				break
			}
			n *= 2
		}
	}
	return best
}

// peaks returns the most that a loop on registers reaches here, in operations
// a second, for float32 and for bytes; 0 where there is none.
func peaks() (f32, i8 float64) {
	for _, p := range peakLoops {
		ops := p.ops / fastest(p.loop)
		if p.bytes {
			i8 = max(i8, ops)
		} else {
			f32 = max(f32, ops)
		}
	}
	return f32, i8
}

// A peakLoop does a number of operations on registers only.
type peakLoop struct {
	name  string
	bytes bool
	ops   float64
	loop  func()
}

func BenchmarkPeak(b *testing.B) {
	for _, p := range peakLoops {
		b.Run(p.name, func(b *testing.B) {
			for b.Loop() {
				p.loop()
			}
			b.ReportMetric(p.ops/fastest(p.loop)/1e9, "best-Gop/s")
		})
	}
}

// report adds the best rate seen to a benchmark, and its share of the peak.
func report(b *testing.B, ops, peak float64, f func()) {
	best := ops / fastest(f)
	b.ReportMetric(best/1e9, "best-Gop/s")
	if peak > 0 {
		b.ReportMetric(100*best/peak, "%peak")
	}
}

func BenchmarkMatMul(b *testing.B) {
	s := newSource(6)
	peakF32, peakI8 := peaks()
	for _, v := range registry {
		for _, d := range [][2]int{{32, 128}, {256, 256}, {1536, 256}, {256, 768}, {4096, 256}} {
			rows, cols := d[0], d[1]
			f32 := PackF32(rows, cols, s.floats(rows*cols, 0))
			i8 := NewI8(rows, cols)
			for r := range rows {
				i8.SetRow(r, s.int8s(cols, 0), 1)
			}
			for _, m := range []int{1, 2, 4, 8, 16, 64, 256} {
				if v.name == "portable" && m > 4 {
					continue
				}
				dst, x, q, xs := make([]float32, m*rows), s.floats(m*cols, 0), s.uint8s(m*cols, 0), s.floats(m, 0)
				ops := 2 * float64(m) * float64(rows) * float64(cols)
				b.Run(fmt.Sprintf("f32/%s/%dx%d/m%d", v.name, rows, cols, m), func(b *testing.B) {
					f := func() { v.matF32(dst, x, f32.Data, m, rows, cols) }
					for b.Loop() {
						f()
					}
					report(b, ops, peakF32, f)
				})
				b.Run(fmt.Sprintf("i8/%s/%dx%d/m%d", v.name, rows, cols, m), func(b *testing.B) {
					f := func() { v.matI8(dst, q, xs, i8, m) }
					for b.Loop() {
						f()
					}
					report(b, ops, peakI8, f)
				})
			}
		}
	}
}

func BenchmarkDot(b *testing.B) {
	s := newSource(7)
	_, peak := peaks()
	for _, v := range registry {
		for _, d := range [][3]int{{1, 256, 64}, {2, 256, 64}, {4, 256, 64}, {2, 64, 256}, {2, 64, 64}} {
			m, n, k := d[0], d[1], d[2]
			dst, x, w := make([]int32, m*n), s.uint8s(m*k, 0), s.int8s(n*k, 0)
			b.Run(fmt.Sprintf("%s/m%d,n%d,k%d", v.name, m, n, k), func(b *testing.B) {
				f := func() { v.dotI8(dst, x, w, m, n, k) }
				for b.Loop() {
					f()
				}
				report(b, 2*float64(m)*float64(n)*float64(k), peak, f)
			})
		}
	}
}

func BenchmarkRows(b *testing.B) {
	s := newSource(11)
	before := Active()
	defer Use(before)
	for _, name := range Variants() {
		if err := Use(name); err != nil {
			b.Fatal(err)
		}
		for _, n := range []int{64, 256, 768, 4096} {
			x, y, dst := s.floats(n, 0), s.floats(n, 0), make([]float32, n)
			q, w, cum := make([]uint8, n), make([]uint32, n), make([]uint32, n+1)
			for _, f := range []struct {
				name string
				run  func()
			}{
				{"QuantizeU8", func() { QuantizeU8(q, x) }},
				{"RMSNorm", func() { RMSNorm(dst, x, y, 1e-6) }},
				{"Softmax", func() { copy(dst, x); Softmax(dst) }},
				{"SiluMul", func() { SiluMul(dst, x, y) }},
				{"Rope", func() { Rope(dst, x, y) }},
				{"Add", func() { Add(dst, x) }},
				{"Axpy", func() { Axpy(dst, 0x1p-20, x) }},
				{"Weights", func() { Weights(w, x) }},
				{"PrefixSum", func() { PrefixSum(cum, w) }},
			} {
				b.Run(fmt.Sprintf("%s/%s/%d", f.name, name, n), func(b *testing.B) {
					for b.Loop() {
						f.run()
					}
					b.ReportMetric(1e9*fastest(f.run), "best-ns")
				})
			}
		}
	}
}

// BenchmarkTables has what runs once a token and is not in assembly.
func BenchmarkTables(b *testing.B) {
	table := NewRopeTable(64, 10000)
	cos, sin := make([]float32, 32), make([]float32, 32)
	i8, row := NewI8(64, 256), newSource(12).int8s(256, 0)
	for name, f := range map[string]func(){
		"RopeTable.At/64": func() { table.At(77777, cos, sin) },
		"I8.SetRow/256":   func() { i8.SetRow(5, row, 1) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(1e9*fastest(f), "best-ns")
		})
	}
}
