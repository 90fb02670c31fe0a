package lmfile

import (
	"cmp"
	"fmt"
	"slices"

	"kolm/internal/lm"
)

// tensor is a tensor of any format.
type tensor struct {
	name string
	dims []int // length of a row first
	typ  string
	at   int // where the file describes it; -1 in formats without descriptions
	data interface {
		// Widen writes the numbers from number first on to dst.
		Widen(dst []float32, first int) error
	}
	used bool
}

// builder makes a model of tensors. After its first error its methods return
// zero values.
type builder struct {
	config  lm.Config
	weights lm.Weights

	tensors    map[string]*tensor
	parameters int64
	types      map[string]int
	err        error
}

func newBuilder() *builder {
	return &builder{tensors: map[string]*tensor{}, types: map[string]int{}}
}

func (b *builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

// failAt fails because of something at a place in the file.
func (b *builder) failAt(at int, format string, args ...any) {
	if at < 0 {
		b.fail(format, args...)
		return
	}
	b.fail("at byte %d: %s", at, fmt.Sprintf(format, args...))
}

// has reports whether there is a tensor.
func (b *builder) has(name string) bool { return b.tensors[name] != nil }

// take returns a tensor with the given dimensions; those of length 1 at the end
// do not count.
func (b *builder) take(name string, dims ...int) *tensor {
	if b.err != nil {
		return nil
	}
	t := b.tensors[name]
	if t == nil {
		b.fail("tensor %q is missing", name)
		return nil
	}
	have, want := slices.Clone(t.dims), slices.Clone(dims)
	for len(have) < len(want) {
		have = append(have, 1)
	}
	for len(want) < len(have) {
		want = append(want, 1)
	}
	if !slices.Equal(have, want) {
		b.failAt(t.at, "tensor %q has dimensions %v, want %v", name, t.dims, dims)
		return nil
	}
	if !t.used {
		t.used = true
		b.types[t.typ]++
		n := int64(1)
		for _, d := range dims {
			n *= int64(d)
		}
		b.parameters += n
	}
	return t
}

// rows is a part of a tensor as a source of rows.
type rows struct {
	t     *tensor
	cols  int
	first int // row of the tensor
}

func (s rows) ReadRow(dst []float32, r int) error {
	return s.t.data.Widen(dst, (s.first+r)*s.cols)
}

// part returns the rows from first on of a tensor as a matrix.
func (t *tensor) part(first, n, cols int) *lm.Matrix {
	if t == nil {
		return nil
	}
	return lm.NewMatrix(n, cols, rows{t, cols, first})
}

// matrix returns a tensor as a matrix.
func (b *builder) matrix(name string, n, cols int) *lm.Matrix {
	return b.take(name, cols, n).part(0, n, cols)
}

// vector widens a tensor of one dimension.
func (b *builder) vector(name string, n int) []float32 {
	t := b.take(name, n)
	if t == nil {
		return nil
	}
	v := make([]float32, n)
	if err := t.data.Widen(v, 0); err != nil {
		b.fail("%w", err)
	}
	return v
}

// bias is a vector that may be missing.
func (b *builder) bias(name string, n int) []float32 {
	if !b.has(name) {
		return nil
	}
	return b.vector(name, n)
}

// linear returns a matrix name.weight and its bias name.bias, if there is one.
func (b *builder) linear(name string, n, cols int) lm.Linear {
	return lm.Linear{Matrix: b.matrix(name+".weight", n, cols), Bias: b.bias(name+".bias", n)}
}

// fused returns the parts of a matrix that is several matrices on top of each
// other, with the given numbers of rows.
func (b *builder) fused(name string, cols int, heights ...int) []lm.Linear {
	total := 0
	for _, n := range heights {
		total += n
	}
	t, bias := b.take(name+".weight", cols, total), b.bias(name+".bias", total)
	list, at := make([]lm.Linear, len(heights)), 0
	for i, n := range heights {
		list[i].Matrix = t.part(at, n, cols)
		if bias != nil {
			list[i].Bias = bias[at : at+n]
		}
		at += n
	}
	return list
}

// norm returns the vectors of a norm; where the kind has biases they must be
// there.
func (b *builder) norm(name string, n int) lm.Norm {
	v := lm.Norm{Gain: b.vector(name+".weight", n)}
	if b.config.Norm == lm.LayerNorm {
		v.Bias = b.vector(name+".bias", n)
	}
	return v
}

// layers makes room for n layers, if there are tensors for so many.
func (b *builder) layers(n int) []lm.Layer {
	if b.err == nil && (n < 1 || n > len(b.tensors)/4) {
		b.fail("%d layers, but %d tensors", n, len(b.tensors))
	}
	if b.err != nil {
		return nil
	}
	b.weights.Layers = make([]lm.Layer, n)
	return b.weights.Layers
}

// finish reports the first error: of the reading, or else a tensor that was not
// used and is not to be ignored.
func (b *builder) finish(ignore func(name string) bool) (*builder, error) {
	var left []*tensor
	for _, t := range b.tensors {
		if !t.used && !ignore(t.name) {
			left = append(left, t)
		}
	}
	if b.err == nil && len(left) > 0 {
		t := slices.MinFunc(left, func(a, b *tensor) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.name, b.name))
		})
		b.failAt(t.at, "tensor %q has no place in the architecture %s", t.name, b.config.Arch)
	}
	if b.err != nil {
		return nil, b.err
	}
	return b, nil
}
