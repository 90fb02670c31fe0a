package modelfile

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"kolm/internal/model"
)

// idVersion begins what is hashed. It changes with the order or the choice of
// the fields below.
const idVersion = "kolm model ID 1"

// id hashes what determines the predictions; the package documentation lists it.
func (l *loader) id() [32]byte {
	f, c := l.f, &l.f.Config
	h := &hashed{}
	h.text(idVersion)
	h.int(model.Numerics)
	h.text(architecture)
	for _, n := range []int{c.Vocab, c.Dim, c.Layers, c.Heads, c.KVHeads, c.HeadDim, c.FFN, c.Window} {
		h.int(n)
	}
	h.long(math.Float64bits(c.RopeBase))
	h.int(int(math.Float32bits(c.Eps)))

	h.text(preTokenizer)
	h.int(f.Separator)
	h.int(len(f.Pieces))
	for id, p := range f.Pieces {
		h.int(int(f.Types[id]))
		h.text(string(p))
	}
	h.int(len(f.Merges))
	for _, m := range f.Merges {
		h.int(int(m[0]))
		h.int(int(m[1]))
	}

	sum := sha256.New()
	h.int(len(l.tensors))
	for _, p := range parts(*c, f.Weights) {
		t := l.tensors[p.Name]
		if t == nil {
			continue // the output table of a tied model
		}
		h.text(t.Name)
		h.int(int(t.Type))
		h.int(len(t.Dims))
		for _, d := range t.Dims {
			h.long(uint64(d))
		}
		h.long(uint64(len(t.Data)))
		sum.Write(h.b)
		sum.Write(t.Data)
		h.b = h.b[:0]
	}
	return [32]byte(sum.Sum(nil))
}

// hashed collects fields in their serialised form.
type hashed struct{ b []byte }

func (h *hashed) int(n int)     { h.b = binary.LittleEndian.AppendUint32(h.b, uint32(n)) }
func (h *hashed) long(n uint64) { h.b = binary.LittleEndian.AppendUint64(h.b, n) }
func (h *hashed) text(s string) { h.int(len(s)); h.b = append(h.b, s...) }
