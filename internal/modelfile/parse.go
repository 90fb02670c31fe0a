package modelfile

import (
	"cmp"
	"math"
	"slices"
)

const (
	magic        = "GGUF"
	defaultAlign = 32
)

// Parse reads a GGUF file of version 2 or 3. The result refers to data, which
// must not change. Errors are of type *Error. What Parse allocates is at most a
// small multiple of len(data), whatever the file claims.
func Parse(data []byte) (*GGUF, error) {
	s := &scanner{data: data}
	g := &GGUF{}
	nTensors, nKeys := s.header(g)
	s.metadata(g, nKeys)
	align := s.alignment(g)
	s.tensors(g, nTensors, align)
	if s.err != nil {
		return nil, s.err
	}
	return g, nil
}

// scanner walks through a file. After its first error it reads zeros.
type scanner struct {
	data []byte
	pos  int
	err  error
}

func (s *scanner) fail(offset int, format string, args ...any) {
	if s.err == nil {
		s.err = errorAt(offset, format, args...)
	}
}

// take returns the next n bytes.
func (s *scanner) take(n uint64, what string) []byte {
	if s.err != nil {
		return nil
	}
	if left := uint64(len(s.data) - s.pos); n > left {
		s.fail(s.pos, "%s needs %d bytes, %d are left", what, n, left)
		return nil
	}
	b := s.data[s.pos : s.pos+int(n) : s.pos+int(n)]
	s.pos += int(n)
	return b
}

func (s *scanner) u32(what string) uint32 { return uint32(little(s.take(4, what))) }
func (s *scanner) u64(what string) uint64 { return little(s.take(8, what)) }

func (s *scanner) text(what string) []byte { return s.take(s.u64(what), what) }

// header reads the fixed part and returns the counts.
func (s *scanner) header(g *GGUF) (nTensors, nKeys uint64) {
	if m := s.take(4, "magic"); s.err == nil && string(m) != magic {
		s.fail(0, "magic is %q, want %q: not a GGUF file", m, magic)
	}
	v := s.u32("version")
	switch {
	case s.err != nil:
		return 0, 0
	case v == 2<<24 || v == 3<<24:
		s.fail(4, "the file is big-endian, want little-endian")
	case v != 2 && v != 3:
		s.fail(4, "version is %d, want 2 or 3", v)
	}
	g.Version = int(v)
	nTensors, nKeys = s.u64("tensor count"), s.u64("key count")
	if nTensors > maxTensors {
		s.fail(8, "%d tensors, at most %d are read", nTensors, maxTensors)
	}
	if nKeys > maxKeys {
		s.fail(16, "%d keys, at most %d are read", nKeys, maxKeys)
	}
	return nTensors, nKeys
}

func (s *scanner) metadata(g *GGUF, n uint64) {
	seen := make(map[string]bool)
	for range n {
		at := s.pos
		key := string(s.text("key"))
		kind := Kind(s.u32("kind of value"))
		v := s.value(kind)
		if s.err != nil {
			return
		}
		if seen[key] {
			s.fail(at, "key %q occurs twice", key)
		}
		seen[key] = true
		g.Keys = append(g.Keys, KV{key, v})
	}
}

// value skips over a value, checking that all of it is there.
func (s *scanner) value(kind Kind) Value {
	v := Value{Kind: kind, at: s.pos}
	switch {
	case kind == String:
		v.raw = s.text("string")
	case kind == Array:
		v.Elem = Kind(s.u32("kind of array"))
		n := s.u64("array length")
		v.raw = s.array(v.Elem, n)
		v.Len = int(n)
	case kind.size() > 0:
		v.raw = s.take(uint64(kind.size()), "value")
	default:
		s.fail(s.pos-4, "value has unknown kind %d", kind)
	}
	return v
}

// array skips over n elements and returns their bytes.
func (s *scanner) array(elem Kind, n uint64) []byte {
	start, least := s.pos, uint64(elem.size())
	switch {
	case elem == String:
		least = 8 // its length
	case least == 0:
		s.fail(start-12, "array of kind %d is not supported", elem)
		return nil
	}
	if left := uint64(len(s.data) - s.pos); n > left/least {
		s.fail(start-8, "array of %d elements needs at least %d bytes each, %d are left", n, least, left)
	}
	if s.err != nil {
		return nil
	}
	if elem != String {
		return s.take(n*least, "array")
	}
	for range n {
		if s.text("string in array"); s.err != nil {
			return nil
		}
	}
	return s.data[start:s.pos:s.pos]
}

func (s *scanner) alignment(g *GGUF) int {
	v, ok := g.Get("general.alignment")
	if !ok || s.err != nil {
		return defaultAlign
	}
	n, ok := v.Int()
	if !ok || n < 8 || n > maxAlign || n&(n-1) != 0 {
		s.fail(v.at, "general.alignment is not a power of two from 8 to %d", maxAlign)
		return defaultAlign
	}
	return int(n)
}

// tensors reads the descriptions and then finds the data that they refer to.
func (s *scanner) tensors(g *GGUF, n uint64, align int) {
	offsets := make(map[string]uint64)
	for range n {
		t := Tensor{at: s.pos, Name: string(s.text("tensor name"))}
		s.shape(&t)
		t.Type = Type(s.u32("tensor type"))
		offset := s.u64("tensor offset")
		if s.err != nil {
			return
		}
		if _, ok := offsets[t.Name]; ok {
			s.fail(t.at, "tensor %q occurs twice", t.Name)
		}
		offsets[t.Name] = offset
		g.Tensors = append(g.Tensors, t)
	}
	base := (s.pos + align - 1) &^ (align - 1)
	if n > 0 && base > len(s.data) {
		s.fail(s.pos, "the file ends before its tensor data")
	}
	for i := range g.Tensors {
		if s.err != nil {
			return
		}
		t := &g.Tensors[i]
		s.locate(t, offsets[t.Name], base, align)
	}
	s.overlaps(g, offsets)
}

func (s *scanner) shape(t *Tensor) {
	n := s.u32("dimension count")
	if s.err == nil && (n < 1 || n > maxDims) {
		s.fail(s.pos-4, "tensor %q has %d dimensions, want 1 to %d", t.Name, n, maxDims)
	}
	if s.err != nil {
		return
	}
	for range n {
		d := s.u64("dimension")
		if s.err == nil && (d < 1 || d > math.MaxInt32) {
			s.fail(s.pos-8, "tensor %q has a dimension of %d", t.Name, d)
		}
		t.Dims = append(t.Dims, int(d))
	}
}

// locate sets the data of a tensor.
func (s *scanner) locate(t *Tensor, offset uint64, base, align int) {
	numbers, bytes := t.Type.Block()
	if numbers == 0 {
		s.fail(t.at, "tensor %q has type %v, which is not supported", t.Name, t.Type)
		return
	}
	if t.Dims[0]%numbers != 0 {
		s.fail(t.at, "tensor %q has rows of %d numbers, want a multiple of %d for type %v", t.Name, t.Dims[0], numbers, t.Type)
		return
	}
	size, left := uint64(t.Dims[0]/numbers)*uint64(bytes), uint64(len(s.data)-base)
	for _, d := range t.Dims[1:] {
		if size > left { // so that the product cannot overflow
			break
		}
		size *= uint64(d)
	}
	switch {
	case offset%uint64(align) != 0:
		s.fail(t.at, "tensor %q is at offset %d, want a multiple of %d", t.Name, offset, align)
	case offset > left || size > left-offset:
		s.fail(t.at, "tensor %q (%v %v at offset %d) reaches beyond the %d bytes of data", t.Name, t.Type, t.Dims, offset, left)
	default:
		start := base + int(offset)
		t.Data, t.Offset = s.data[start:start+int(size):start+int(size)], start
	}
}

// overlaps refuses tensors that share bytes: their copies would need more
// memory than the file is long.
func (s *scanner) overlaps(g *GGUF, offsets map[string]uint64) {
	if s.err != nil {
		return
	}
	order := make([]*Tensor, len(g.Tensors))
	for i := range g.Tensors {
		order[i] = &g.Tensors[i]
	}
	slices.SortStableFunc(order, func(a, b *Tensor) int { return cmp.Compare(offsets[a.Name], offsets[b.Name]) })
	for i := 1; i < len(order); i++ {
		a, b := order[i-1], order[i]
		if offsets[a.Name]+uint64(len(a.Data)) > offsets[b.Name] {
			s.fail(b.at, "tensor %q overlaps tensor %q", b.Name, a.Name)
			return
		}
	}
}
