package train

import (
	"errors"
	"fmt"
	"math"

	"kolm/internal/model"
	"kolm/internal/modelfile"
)

// ShapeOf is the shape of a model that this package trained.
func ShapeOf(f *modelfile.File) Shape {
	c := f.Config
	return Shape{Vocab: c.Vocab, Dim: c.Dim, Layers: c.Layers, Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim,
		FFN: c.FFN, Window: c.Window, RopeBase: c.RopeBase, Eps: c.Eps}
}

// adopt sets w, (total), to the weights of a model file, the inverse of
// Snapshot.File but for rounding. It refuses models with what Snapshot never
// writes: gains before attention and feed-forward, or an input table that is not
// the normed output table.
func (l *params) adopt(w []float32, f *modelfile.File) error {
	ws := f.Weights
	put := func(p *param, ms ...model.Matrix) {
		dst := p.of(w)
		for _, m := range ms {
			dst = dst[copy(dst, m.Floats()):]
		}
	}
	put(l.embed, ws.Output)
	if err := normed(ws.Embed, l.embed.of(w)); err != nil {
		return err
	}
	copy(l.finalNorm.of(w), ws.OutputNorm)
	for i := range l.blocks {
		b, from := &l.blocks[i], &ws.Layers[i]
		for _, g := range append(from.AttnNorm, from.FFNNorm...) {
			if g != 1 {
				return fmt.Errorf("train: layer %d of the model has gains before its blocks: it was not trained by kolm", i)
			}
		}
		put(b.qkv, from.Q, from.K, from.V)
		put(b.out, from.O)
		put(b.gateUp, from.Gate, from.Up)
		put(b.down, from.Down)
		copy(b.qNorm.of(w), from.QNorm)
		copy(b.kNorm.of(w), from.KNorm)
	}
	return nil
}

// normed checks that rows of the input table point where those of the output
// table, (Vocab, Dim), point.
func normed(input model.Matrix, output []float32) error {
	d := input.Cols
	row := input.Floats()
	for r := range input.Rows {
		var dot, xx, yy float64
		for i := range d {
			x, y := float64(row[r*d+i]), float64(output[r*d+i])
			dot, xx, yy = dot+x*y, xx+x*x, yy+y*y
		}
		if dot < 0.99*math.Sqrt(xx*yy) {
			return errors.New("train: the model's input table is not its output table, normed: it was not trained by kolm")
		}
	}
	return nil
}
