package tensor

import "unsafe"

// tiles is the argument of the kernels of products: a column of tiles of C, each
// a few rows of A times one panel of B. A word is 32 bits: one float32 or a pair
// of bfloat16 along the sum. Steps and ldc are bytes. All rows of a tile are
// read and written.
type tiles struct {
	a                           unsafe.Pointer // first word of the first row
	rowStep, wordStep, tileStep int
	b                           unsafe.Pointer // panel: [word][column]
	c                           *float32
	ldc                         int
	words, count                int
	acc                         int // 1: start from C, not from zero
}

// tileKernel is a kernel, and the shape of its tiles.
type tileKernel struct{ id, rows, columns int }

var (
	kernelBF16   = tileKernel{0, 8, 32}
	kernelF32512 = tileKernel{1, 8, 32}
	kernelF32256 = tileKernel{2, 6, 16}
)

//go:noescape
func tilesBF16(t *tiles)

//go:noescape
func tilesF32512(t *tiles)

//go:noescape
func tilesF32256(t *tiles)

// run calls the kernel by name: through a pointer its argument would escape.
func (k tileKernel) run(t *tiles) {
	switch k.id {
	case 0:
		tilesBF16(t)
	case 1:
		tilesF32512(t)
	default:
		tilesF32256(t)
	}
}

func word[T any](x []T) unsafe.Pointer { return unsafe.Pointer(&x[0]) }

// runTiles multiplies rows of a by one panel; tiles that are not full go
// through a buffer. A must have rows for whole tiles.
func runTiles(s *Scratch, k tileKernel, t tiles, a unsafe.Pointer, c []float32, ldc, rows, columns int) {
	full := rows / k.rows
	if columns < k.columns {
		full = 0
	}
	t.a, t.c, t.count = a, &c[0], full
	if full > 0 {
		k.run(&t)
	}
	if full*k.rows == rows {
		return
	}
	s.tile = grow(s.tile, k.rows*k.columns)
	t.c, t.count, t.ldc = &s.tile[0], 1, 4*k.columns
	for i := full; i*k.rows < rows; i++ {
		t.a = unsafe.Add(a, i*t.tileStep)
		n := min(k.rows, rows-i*k.rows)
		for r := range n {
			copy(s.tile[r*k.columns:][:columns], c[(i*k.rows+r)*ldc:])
		}
		k.run(&t)
		for r := range n {
			copy(c[(i*k.rows+r)*ldc:][:columns], s.tile[r*k.columns:])
		}
	}
}
