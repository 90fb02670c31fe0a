package twopart

import (
	"encoding/binary"
	"math"
	"math/bits"

	"kolm/internal/coder"
	"kolm/internal/model"
	"kolm/internal/token"
)

// reader takes a file apart. After an error it gives zeros.
type reader struct {
	b   []byte
	err error
}

// bytes takes the next n bytes.
func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.err = corrupt("the file ends early")
		r.b = nil
		return make([]byte, min(n, 4))
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

// number takes a number, at most most.
func (r *reader) number(most int) int {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > uint64(most) {
		if r.err == nil {
			r.err = corrupt("a number is cut off or above %d", most)
		}
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

// section takes bytes with their number before them.
func (r *reader) section() []byte {
	n := r.number(len(r.b))
	if r.err != nil {
		return nil
	}
	return r.bytes(n)
}

// since is what was taken since the reader held before.
func (r *reader) since(before []byte) []byte { return before[:len(before)-len(r.b)] }

// readModel takes the parts of the model and opens it.
func readModel(r *reader) (*Model, error) {
	m, c, merges, err := readParts(r)
	if err != nil {
		return nil, err
	}
	return m, m.open(c, merges)
}

// readParts takes the parts of the model.
func readParts(r *reader) (m *Model, c model.Config, merges [][2]int32, err error) {
	m = &Model{}
	before := r.b
	c = r.shape()
	if r.err != nil {
		return nil, c, nil, r.err
	}
	if err := c.Validate(); err != nil {
		return nil, c, nil, corrupt("%v", err)
	}
	m.shape = r.since(before)
	before = r.b
	merges, err = readMerges(r.section(), c.Vocab-token.FirstMerge)
	if err != nil {
		return nil, c, nil, err
	}
	m.tokenizer = r.since(before)
	before = r.b
	if p := Precision(r.bytes(1)[0]); p == Coded {
		r.bytes(2 * (matrices(c) + 1))
	} else if p > Coded {
		return nil, c, nil, corrupt("precision %d is unknown", p)
	}
	if r.err != nil {
		return nil, c, nil, r.err
	}
	m.settings = r.since(before)
	before = r.b
	r.section()
	if r.err != nil {
		return nil, c, nil, r.err
	}
	m.weights = r.since(before)
	return m, c, merges, nil
}

func (r *reader) shape() (c model.Config) {
	for _, n := range []*int{&c.Vocab, &c.Dim, &c.Layers, &c.Heads, &c.KVHeads, &c.HeadDim, &c.FFN, &c.Window} {
		*n = r.number(1 << 20)
	}
	c.RopeBase = float64(math.Float32frombits(binary.LittleEndian.Uint32(r.bytes(4))))
	c.Eps = math.Float32frombits(binary.LittleEndian.Uint32(r.bytes(4)))
	return c
}

const even = 1 << 31

// appendMerges writes the merges; their number follows from the vocabulary.
func appendMerges(b []byte, merges [][2]int32) ([]byte, error) {
	e := coder.NewEncoder(b)
	for i, m := range merges {
		for _, id := range m {
			for bit := bits.Len(uint(token.FirstMerge+i-1)) - 1; bit >= 0; bit-- {
				e.Encode(int(id>>bit&1), even)
			}
		}
	}
	return e.Flush(), nil
}

func readMerges(b []byte, n int) ([][2]int32, error) {
	if n < 0 || n > token.MaxVocab-token.FirstMerge || n > 8*len(b)+64 {
		return nil, corrupt("%d merges in %d bytes", n, len(b))
	}
	d := coder.NewDecoder(b)
	merges := make([][2]int32, n)
	for i := range merges {
		for j := range 2 {
			for range bits.Len(uint(token.FirstMerge + i - 1)) {
				merges[i][j] = merges[i][j]<<1 | int32(d.Decode(even))
			}
		}
	}
	if d.Overrun() > 8 || d.Unread() > 0 {
		return nil, corrupt("the merges do not end where they should")
	}
	return merges, nil
}
