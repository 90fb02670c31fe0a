package lmfile

import (
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"

	"kolm/internal/dequant"
	"kolm/internal/lm"
)

// A llama2.c checkpoint has no names. Of three kinds, all little-endian, the
// layouts are (facts from export.py and run.c of karpathy/llama2.c):
//
//	legacy     7 int32: dim, hidden, layers, heads, kv heads, vocabulary (negative
//	           if the output table is separate), context; float32 tensors; two
//	           tables of rotations that are not used, before the output table
//	version 1  "ak42" as a number, 1, the 7 int32, a byte that says whether the
//	           output table is shared, zeros up to byte 256; float32 tensors, all
//	           norms first
//	version 2  the same with 2 and, after the byte, an int32, the length of a group;
//	           float32 norms; int8 matrices, each followed by a float32 scale a group
const (
	llama2cMagic  = 0x616b3432
	llama2cHeader = 256
	llama2cLegacy = 28
)

// isLlama2C reports whether a file is a llama2.c checkpoint. The legacy ones have
// no mark: a name that ends in .bin stands for it.
func isLlama2C(data []byte, path string) bool {
	if len(data) >= 4 && binary.LittleEndian.Uint32(data) == llama2cMagic {
		return true
	}
	return filepath.Ext(path) == ".bin" && (len(data) < 4 || string(data[:4]) != "GGUF")
}

// llama2c reads a checkpoint from front to back.
type llama2c struct {
	*builder
	data   []byte
	pos    int
	kind   int // version, 0 for legacy
	group  int
	shared bool
}

func readLlama2C(data []byte) (*builder, error) {
	r := &llama2c{builder: newBuilder(), data: data}
	r.header()
	if r.err == nil {
		r.assemble()
	}
	if c := &r.config; r.err == nil {
		c.Rope = lm.Rope{Kind: lm.Interleaved, Freq: lm.Frequencies(c.HeadDim, 10000), Scale: 1}
	}
	if r.err == nil && r.pos != len(data) {
		r.failAt(r.pos, "%d bytes after the last tensor", len(data)-r.pos)
	}
	return r.finish(func(string) bool { return false })
}

func (r *llama2c) header() {
	u32 := func(at int) int { return int(int32(binary.LittleEndian.Uint32(r.data[at:]))) }
	if len(r.data) < llama2cLegacy {
		r.failAt(0, "a llama2.c checkpoint of %d bytes", len(r.data))
		return
	}
	at := 0
	if uint32(u32(0)) == llama2cMagic {
		if len(r.data) < llama2cHeader {
			r.failAt(0, "a llama2.c checkpoint of %d bytes, the header alone has %d", len(r.data), llama2cHeader)
			return
		}
		r.kind, at, r.pos = u32(4), 8, llama2cHeader
		if r.kind != 1 && r.kind != 2 {
			r.failAt(4, "llama2.c checkpoint of version %d, want 1 or 2", r.kind)
			return
		}
		r.shared = r.data[36] != 0
		if r.kind == 2 {
			r.group = u32(37)
		}
	} else {
		r.pos, r.shared = llama2cLegacy, u32(20) > 0
	}
	c := &r.config
	vocab := u32(at + 20)
	if r.kind == 0 && vocab < 0 {
		vocab = -vocab
	}
	for i, v := range []*int{&c.Dim, &c.FFN, &c.Layers, &c.Heads, &c.KVHeads, &c.Vocab, &c.Context} {
		*v = u32(at + 4*i)
		if i == 5 {
			*v = vocab
		}
		if *v < 1 || *v > 1<<24 {
			r.failAt(at+4*i, "size %d of a llama2.c checkpoint is %d", i, *v)
			return
		}
	}
	if c.Dim%c.Heads != 0 || c.Heads%c.KVHeads != 0 || c.Dim/c.Heads%2 != 0 {
		r.failAt(at, "%d heads and %d key/value heads of %d numbers do not fit", c.Heads, c.KVHeads, c.Dim)
		return
	}
	if r.kind == 2 && r.group < 1 {
		r.failAt(37, "groups of %d numbers", r.group)
		return
	}
	c.Arch, c.EmbedScale, c.Eps = "llama", 1, 1e-5
	c.HeadDim = c.Dim / c.Heads
	c.QueryScale = float32(1 / math.Sqrt(float64(c.HeadDim)))
}

// assemble takes the tensors in the order of the file.
func (r *llama2c) assemble() {
	c, w := &r.config, &r.weights
	if c.Layers > len(r.data)/(8*c.Dim) { // the norms of a layer alone need so many
		r.failAt(r.pos, "%d layers of %d numbers in %d bytes", c.Layers, c.Dim, len(r.data))
		return
	}
	w.Layers = make([]lm.Layer, c.Layers)
	norms := func(to func(l *lm.Layer) *lm.Norm) {
		for i := range w.Layers {
			to(&w.Layers[i]).Gain = r.vector(c.Dim)
		}
	}
	matrices := func(rows, cols int, to func(l *lm.Layer) *lm.Linear) {
		for i := range w.Layers {
			to(&w.Layers[i]).Matrix = r.matrix(rows, cols)
		}
	}
	attnNorm := func(l *lm.Layer) *lm.Norm { return &l.AttnNorm }
	ffnNorm := func(l *lm.Layer) *lm.Norm { return &l.FFNNorm }
	if r.kind > 0 {
		norms(attnNorm)
		norms(ffnNorm)
		w.FinalNorm.Gain = r.vector(c.Dim)
	}
	w.Embed = r.matrix(c.Vocab, c.Dim)
	if r.kind == 0 {
		norms(attnNorm)
	}
	kv := c.KVHeads * c.HeadDim
	matrices(c.Dim, c.Dim, func(l *lm.Layer) *lm.Linear { return &l.Q })
	matrices(kv, c.Dim, func(l *lm.Layer) *lm.Linear { return &l.K })
	matrices(kv, c.Dim, func(l *lm.Layer) *lm.Linear { return &l.V })
	matrices(c.Dim, c.Dim, func(l *lm.Layer) *lm.Linear { return &l.O })
	if r.kind == 0 {
		norms(ffnNorm)
	}
	matrices(c.FFN, c.Dim, func(l *lm.Layer) *lm.Linear { return &l.Gate })
	matrices(c.Dim, c.FFN, func(l *lm.Layer) *lm.Linear { return &l.Down })
	matrices(c.FFN, c.Dim, func(l *lm.Layer) *lm.Linear { return &l.Up })
	if r.kind == 0 {
		w.FinalNorm.Gain = r.vector(c.Dim)
		r.next(c.Context, 4*c.HeadDim) // cosines and sines
	}
	w.Output = w.Embed
	if !r.shared {
		w.Output = r.matrix(c.Vocab, c.Dim)
	}
}

// next returns the next n rows of some bytes and where they begin.
func (r *llama2c) next(n, width int) ([]byte, int) {
	at := r.pos
	if r.err == nil && n > (len(r.data)-at)/width {
		r.failAt(at, "the next tensor needs %d times %d bytes, %d are left", n, width, len(r.data)-at)
	}
	if r.err != nil {
		return nil, at
	}
	r.pos += n * width
	return r.data[at:r.pos], at
}

func (r *llama2c) vector(n int) []float32 {
	b, at := r.next(n, 4)
	if r.err != nil {
		return nil
	}
	r.count("F32", n)
	v := make([]float32, n)
	if err := widenAt(v, dequant.F32, b, at); err != nil {
		r.fail("%w", err)
	}
	return v
}

func (r *llama2c) count(typ string, n int) {
	r.types[typ]++
	r.parameters += int64(n)
}

// widenAt widens bytes that begin at a place of the file.
func widenAt(dst []float32, t dequant.Type, b []byte, at int) error {
	err := dequant.Widen(dst, t, b)
	if bad, ok := err.(*dequant.Error); ok {
		return fmt.Errorf("at byte %d: %s", at+bad.Offset, bad.What)
	}
	return err
}

func (r *llama2c) matrix(n, cols int) *lm.Matrix {
	if r.kind < 2 {
		b, at := r.next(n, 4*cols)
		r.count("F32", n*cols)
		return lm.NewMatrix(n, cols, floatRows{b, at, cols})
	}
	q, at := r.next(n, cols)
	if r.err == nil && len(q)%r.group != 0 {
		r.failAt(at, "a tensor of %d numbers in groups of %d", len(q), r.group)
	}
	scales, at := r.next(len(q)/r.group, 4)
	r.count("Q8", len(q))
	return lm.NewMatrix(n, cols, groupRows{q, scales, at, cols, r.group})
}

// floatRows is a float32 matrix, row-major.
type floatRows struct {
	data []byte
	at   int // of data in the file
	cols int
}

func (m floatRows) ReadRow(dst []float32, r int) error {
	start := 4 * r * m.cols
	return widenAt(dst, dequant.F32, m.data[start:][:4*m.cols], m.at+start)
}

// groupRows is an int8 matrix with a float32 scale for every group of numbers,
// which may go over the ends of rows.
type groupRows struct {
	q      []byte
	scales []byte
	at     int // of the scales in the file
	cols   int
	group  int
}

func (m groupRows) ReadRow(dst []float32, r int) error {
	var scale [1]float32
	for c := range dst {
		i := r*m.cols + c
		if c == 0 || i%m.group == 0 {
			s := i / m.group * 4
			if err := widenAt(scale[:], dequant.F32, m.scales[s:][:4], m.at+s); err != nil {
				return err
			}
		}
		dst[c] = float32(int8(m.q[i])) * scale[0]
	}
	return nil
}
