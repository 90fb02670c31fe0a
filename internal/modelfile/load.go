package modelfile

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"kolm/internal/half"
	"kolm/internal/model"
)

const (
	architecture = "qwen3"
	preTokenizer = "qwen2"
)

// File is a model as a file holds it. It has copies of everything.
type File struct {
	Name    string
	Config  model.Config
	Weights *model.Weights

	Pieces    [][]byte   // by token: its bytes; for tokens that are no text, their name
	Types     []int32    // by token, as in GGUF: 1 text, 3 control
	Merges    [][2]int32 // pairs of tokens, first merge first
	Separator int        // the token before every document

	ID          [32]byte // set by Load and LoadKnown; see the package documentation
	Requantized int      // rows whose Q8_0 blocks had different scales; see Load
}

// New describes a model whose vocabulary is the 256 bytes, a separator and the
// merges, as token 257 and up.
func New(name string, c model.Config, w *model.Weights, merges [][2]int32) (*File, error) {
	f := &File{Name: name, Config: c, Weights: w}
	if err := f.setMerges(merges); err != nil {
		return nil, err
	}
	return f, f.check()
}

// check reports what a model file cannot be: sizes and weights that do not fit
// each other or the vocabulary.
func (f *File) check() error {
	if err := f.Weights.Validate(f.Config); err != nil {
		return err
	}
	if len(f.Pieces) != f.Config.Vocab {
		return fmt.Errorf("model file: %d tokens, the input table has %d rows", len(f.Pieces), f.Config.Vocab)
	}
	return nil
}

// Load reads a model from a GGUF file of the Qwen3 architecture with a byte
// level BPE vocabulary. It refuses keys and tensors that would change the
// arithmetic in ways that kolm does not know.
//
// Tensors of type F32 and F16 become float32. A Q8_0 row whose blocks share one
// scale is taken as it is; any other is widened to float32 and rounded to int8
// with one scale by model.Quantize, and counted in Requantized.
func Load(data []byte) (*File, error) {
	l, err := read(data)
	if err != nil {
		return nil, err
	}
	l.f.ID = l.id()
	return l.f, nil
}

// LoadKnown is Load of a file whose ID is known: hashing is half the work.
func LoadKnown(data []byte, id [32]byte) (*File, error) {
	l, err := read(data)
	if err != nil {
		return nil, err
	}
	l.f.ID = id
	return l.f, nil
}

func read(data []byte) (*loader, error) {
	g, err := Parse(data)
	if err != nil {
		return nil, err
	}
	l := &loader{f: &File{Weights: &model.Weights{}}, keys: make(map[string]Value), tensors: make(map[string]*Tensor)}
	for _, kv := range g.Keys {
		l.keys[kv.Key] = kv.Value
	}
	for i := range g.Tensors {
		l.tensors[g.Tensors[i].Name] = &g.Tensors[i]
	}
	for _, step := range []func() error{l.config, l.vocabulary, l.sizes, l.weights, l.f.check} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// sizes refuses what no model has before anything is multiplied or allocated by it.
func (l *loader) sizes() error { return l.f.Config.Validate() }

// loader turns a parsed file into a File.
type loader struct {
	f       *File
	keys    map[string]Value
	tensors map[string]*Tensor
}

// weights reads every tensor of the model, and refuses others.
func (l *loader) weights() error {
	f := l.f
	if len(l.tensors) < f.Config.Layers { // before allocating for a number from the file
		return fmt.Errorf("model file: %d tensors cannot make %d layers", len(l.tensors), f.Config.Layers)
	}
	f.Weights.Layers = make([]model.Layer, f.Config.Layers)
	read := 0
	for _, p := range parts(f.Config, f.Weights) {
		t := l.tensors[p.Name]
		if t == nil {
			if p.Matrix == &f.Weights.Output { // tied to the input table
				f.Weights.Output = f.Weights.Embed
				continue
			}
			return fmt.Errorf("model file: tensor %q is missing", p.Name)
		}
		if err := l.tensor(p, t); err != nil {
			return err
		}
		read++
	}
	if read == len(l.tensors) {
		return nil
	}
	known := make(map[string]bool)
	for _, p := range parts(f.Config, f.Weights) {
		known[p.Name] = true
	}
	var extra *Tensor
	for name, t := range l.tensors {
		if !known[name] && (extra == nil || t.at < extra.at) {
			extra = t
		}
	}
	return errorAt(extra.at, "tensor %q has no place in the architecture %s", extra.Name, architecture)
}

func (l *loader) tensor(p Part, t *Tensor) error {
	numbers := 1
	for _, d := range t.Dims {
		numbers *= d // cannot overflow: the data is there
	}
	if t.Dims[0] != p.Cols || numbers != p.Rows*p.Cols {
		return errorAt(t.at, "tensor %q has dimensions %v, want %d rows of %d", t.Name, t.Dims, p.Rows, p.Cols)
	}
	if t.Type != F32 && t.Type != F16 && (t.Type != Q8_0 || p.Vector != nil) {
		return errorAt(t.at, "tensor %q has type %v, which is not supported here: want F32, F16 or, for a matrix, Q8_0", t.Name, t.Type)
	}
	if p.Vector != nil {
		x, err := t.Floats()
		*p.Vector = x
		return err
	}
	*p.Matrix = model.Matrix{Rows: p.Rows, Cols: p.Cols}
	if t.Type != Q8_0 {
		x, err := t.Floats()
		p.Matrix.F = x
		return err
	}
	for at := 0; at < len(t.Data); at += q8Bytes {
		if binary.LittleEndian.Uint16(t.Data[at:])&0x7c00 == 0x7c00 {
			return errorAt(t.at, "tensor %q: scale of block %d is not finite", t.Name, at/q8Bytes)
		}
	}
	n, err := unpackQ8(p.Matrix, t)
	l.f.Requantized += n
	return err
}

// unpackQ8 fills an int8 matrix from Q8_0 blocks and returns the number of rows
// that had more than one scale.
func unpackQ8(m *model.Matrix, t *Tensor) (requantized int, err error) {
	m.Q, m.Scale = make([]int8, m.Rows*m.Cols), make([]float32, m.Rows)
	q := asBytes(m.Q)
	stride := m.Cols / q8Block * q8Bytes
	for r := range m.Rows {
		blocks := t.Data[r*stride:][:stride]
		if !oneScale(blocks) {
			w := make([]float32, m.Cols)
			if err := t.Widen(w, r*m.Cols); err != nil {
				return 0, err
			}
			rq, scale := model.Quantize(1, m.Cols, w)
			copy(m.Q[r*m.Cols:], rq)
			m.Scale[r] = scale[0]
			requantized++
			continue
		}
		m.Scale[r] = half.ToFloat(binary.LittleEndian.Uint16(blocks))
		for row := q[r*m.Cols:]; len(blocks) >= q8Bytes; row, blocks = row[q8Block:], blocks[q8Bytes:] {
			*(*[q8Block]byte)(row) = [q8Block]byte(blocks[2:]) // one move, not a call
		}
	}
	return requantized, nil
}

// asBytes is the same memory as bytes.
func asBytes(q []int8) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(q))), len(q))
}

func oneScale(blocks []byte) bool {
	first := binary.LittleEndian.Uint16(blocks)
	for ; len(blocks) >= q8Bytes; blocks = blocks[q8Bytes:] {
		if binary.LittleEndian.Uint16(blocks) != first {
			return false
		}
	}
	return true
}
