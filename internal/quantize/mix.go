package quantize

import (
	"context"
	"fmt"
	"sort"

	"kolm/internal/dequant"
	"kolm/internal/modelfile"
	"kolm/internal/score"
)

// steps are the types that a mixture of types is made of, from coarse to fine, with
// the part of the coarsest one's loss that remains. Rounding to steps half as long
// loses a fourth: the loss grows with the square of the error.
var steps = []struct {
	Type modelfile.Type
	Loss float64
}{{dequant.Q4_0, 1}, {dequant.Q5_0, 1. / 4}, {modelfile.Q8_0, 1. / 256}, {dequant.BF16, 0}}

// weight is a tensor on which bits are to be spent.
type weight struct {
	name    string
	numbers int
	loss    float64 // bits of divergence on the sample where it alone is coarsest
	step    int     // chosen
}

// bits is how many bits the tensor takes with a step; rows are whole blocks.
func (w *weight) bits(step int) float64 {
	numbers, bytes := steps[step].Type.Block()
	return 8 * float64(bytes) / float64(numbers) * float64(w.numbers)
}

// worth is the divergence that a bit more takes away where the tensor goes up a step.
func (w *weight) worth() float64 {
	return w.loss * (steps[w.step].Loss - steps[w.step+1].Loss) / (w.bits(w.step+1) - w.bits(w.step))
}

// Mix spends at most perWeight bits on a weight, in the mean, where they are worth
// most: it measures on a sample how far the predictions move, in Kullback-Leibler
// divergence, where one tensor alone is coarse, and then refines from the coarsest
// file on, always the tensor that gains most for a bit.
func (s *Source) Mix(ctx context.Context, sample *score.Text, perWeight float64) (As, error) {
	weights, fixed, total, err := s.losses(ctx, sample)
	if err != nil {
		return nil, err
	}
	left := perWeight*float64(total) - fixed
	for _, w := range weights {
		left -= w.bits(0)
	}
	if left < 0 {
		return nil, fmt.Errorf("%.2f bits a weight are too few: the coarsest file has %.2f", perWeight, perWeight-left/float64(total))
	}
	allot(weights, left)
	chosen := map[string]modelfile.Type{}
	for _, w := range weights {
		chosen[w.name] = steps[w.step].Type
	}
	return func(t *modelfile.Tensor) modelfile.Type {
		if to, ok := chosen[t.Name]; ok {
			return to
		}
		return modelfile.F16
	}, nil
}

// losses measures every tensor that can be narrowed. fixed are the bits of those
// that can not, total the number of all weights.
func (s *Source) losses(ctx context.Context, sample *score.Text) (list []*weight, fixed float64, total int, err error) {
	coarse := steps[0].Type
	block, _ := coarse.Block()
	g := s.File.Keys
	for i := range g.Tensors {
		t := &g.Tensors[i]
		if !t.Weight() {
			continue
		}
		total += t.Numbers()
		if t.Dims[0]%block != 0 {
			fixed += 16 * float64(t.Numbers())
			continue
		}
		list = append(list, &weight{name: t.Name, numbers: t.Numbers()})
	}
	one := *s
	one.Texts, one.Progress = []*score.Text{sample}, nil
	for i, w := range list {
		if ctx.Err() != nil {
			return nil, 0, 0, ctx.Err()
		}
		if s.Step != nil {
			s.Step(w.name, i, len(list))
		}
		p, err := one.Make(w.name, func(t *modelfile.Tensor) modelfile.Type {
			if t.Name == w.name {
				return coarse
			}
			return t.Type
		})
		if err != nil {
			return nil, 0, 0, err
		}
		w.loss = p.Sum.KL
	}
	return list, fixed, total, nil
}

// allot spends so many bits. What a tensor can not pay for, smaller ones may.
func allot(list []*weight, bits float64) {
	for {
		var can []*weight
		for _, w := range list {
			if w.step+1 < len(steps) && w.bits(w.step+1)-w.bits(w.step) <= bits {
				can = append(can, w)
			}
		}
		if len(can) == 0 {
			return
		}
		sort.SliceStable(can, func(i, j int) bool { return can[i].worth() > can[j].worth() })
		w := can[0]
		bits -= w.bits(w.step+1) - w.bits(w.step)
		w.step++
	}
}
