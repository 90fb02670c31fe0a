// Package twopart writes files that hold a model and data coded with it: a
// two-part code that needs nothing else to be read. It must not know how a model
// is trained, nor files by name.
//
// # The file
//
// Integers are base-128 numbers, low group first (v), unless said otherwise.
//
//	header     magic 9E 6B 74, version 1; v plain bytes; at the end of the file
//	           the first 8 bytes of the SHA-256 of all bytes before and the plain bytes
//	shape      v vocabulary, width, layers, heads, key/value heads, head width,
//	           feed-forward width, window; rope base and epsilon as float32
//	tokenizer  v length; arithmetic code (internal/coder) of the merges, each two
//	           numbers of as many bits as the tokens before it need, highest first
//	settings   1 byte precision; if it is the coded one, the step of every matrix
//	           as binary16, and that of all vectors
//	weights    v length; the numbers of the tensors in GGUF's order without the
//	           input table
//	data       blocks of at most 4 MiB: 1 byte method, v plain bytes, v payload
//	           bytes, payload (internal/codec, with this model)
//
// The input table is the output table with every row divided by the root of its
// mean square plus epsilon, as internal/train has it. Weights are float32 or
// bfloat16 numbers, little endian; or rows of int8 after a binary16 scale, and
// vectors in float32; or coded: all tensors as whole numbers of steps
// (internal/weightcode), at most 127 from zero for matrices, vectors less one.
//
// The ID of the model, in internal/codec's sense, is the SHA-256 of shape,
// tokenizer, settings and weights as they are in the file.
package twopart

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"kolm/internal/codec"
	"kolm/internal/kernel"
	"kolm/internal/ledger"
	"kolm/internal/model"
	"kolm/internal/modelfile"
)

// Magic begins every file.
var Magic = []byte{0x9E, 'k', 't'}

const (
	version   = 1
	checkSize = 8
	blockSize = 4 << 20
	// A file's model must not ask for more memory than mostState bytes for the
	// keys and values of as many streams as a block is coded in.
	streams   = 16
	mostState = 1 << 30
	// MaxPlain is the most data that a file holds: it is read as a whole.
	MaxPlain = 1 << 30
)

// ErrCorrupt means that bytes are not a whole file of this kind.
var ErrCorrupt = errors.New("two-part file is damaged")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Precision is how weights are written.
type Precision byte

// The precisions. Coded has steps of its own for every matrix.
const (
	Float32 Precision = iota
	BFloat16
	Int8
	Coded
)

func (p Precision) String() string {
	return [...]string{"float32", "bf16", "int8", "coded"}[p]
}

// File is a file and what its parts cost.
type File struct {
	Bytes  []byte
	Ledger ledger.Ledger // closed: the entries are 8 times the length of Bytes
}

// Model is a model in the precision of a file.
type Model struct {
	lm                                  *codec.LM
	shape, tokenizer, settings, weights []byte // as in the file
}

// Size is the length of the model's parts in a file, in bytes.
func (m *Model) Size() int {
	return len(m.shape) + len(m.tokenizer) + len(m.settings) + len(m.weights)
}

// LM is the model as the codec uses it.
func (m *Model) LM() *codec.LM { return m.lm }

// NewModel writes the weights of f, float32 ones of a model that internal/train
// made, in a precision. steps are those of a Coded model, see Steps.
func NewModel(f *modelfile.File, p Precision, steps []float32) (*Model, error) {
	m := &Model{shape: appendShape(nil, f.Config), settings: []byte{byte(p)}}
	merges, err := appendMerges(nil, f.Merges)
	if err != nil {
		return nil, err
	}
	m.tokenizer = section(merges)
	weights, err := encodeWeights(m, f, p, steps)
	if err != nil {
		return nil, err
	}
	m.weights = section(weights)
	return m, m.open(f.Config, f.Merges)
}

// section is bytes with their number before them.
func section(b []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(b))), b...)
}

// open makes the model that the parts describe: encoder and decoder use what was
// read from the file.
func (m *Model) open(c model.Config, merges [][2]int32) error {
	if n := 4 * 2 * float64(c.Window) * float64(c.KVHeads*c.HeadDim) * float64(c.Layers) * streams; n > mostState {
		return corrupt("keys and values of %d tokens take %.0f MB", c.Window, n/1e6)
	}
	_, n := binary.Uvarint(m.weights)
	w, err := decodeWeights(c, m.settings, m.weights[n:])
	if err != nil {
		return err
	}
	f, err := modelfile.New("", c, w, merges)
	if err != nil {
		return corrupt("%v", err)
	}
	tok, err := f.Tokenizer()
	if err != nil {
		return corrupt("%v", err)
	}
	net, err := model.New(c, w)
	if err != nil {
		return corrupt("%v", err)
	}
	id := sha256.New()
	for _, part := range [][]byte{m.shape, m.tokenizer, m.settings, m.weights} {
		id.Write(part)
	}
	m.lm, err = codec.NewLM([32]byte(id.Sum(nil)), net, tok)
	return err
}

// DataBytes is how many bytes the data takes with this model. It does not decode.
func (m *Model) DataBytes(plain []byte, workers int) (int, error) {
	out, err := appendData(nil, m.lm, plain, workers)
	return len(out), err
}

// Encode writes a file and reads it back.
func Encode(m *Model, plain []byte, workers int) (*File, error) {
	if len(plain) > MaxPlain {
		return nil, fmt.Errorf("two-part: %d bytes, at most %d fit in one file", len(plain), MaxPlain)
	}
	b := append(bytes.Clone(Magic), version)
	b = binary.AppendUvarint(b, uint64(len(plain)))
	header := len(b) + checkSize
	for _, part := range [][]byte{m.shape, m.tokenizer, m.settings, m.weights} {
		b = append(b, part...)
	}
	before := len(b)
	b, err := appendData(b, m.lm, plain, workers)
	if err != nil {
		return nil, err
	}
	sum := check(b, plain)
	f := &File{Bytes: append(b, sum[:]...)}
	back, ideal, err := decode(f.Bytes, workers)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(back, plain) {
		return nil, errors.New("two-part: other bytes came back: a defect of kolm or of the machine")
	}
	l := &f.Ledger
	l.Code, l.Decoded = "two-part", true
	data := ledger.Ideal(ideal)
	l.Add(ledger.Data, "header", ledger.Bytes(int64(header)))
	l.Add(ledger.Model, "architecture", ledger.Bytes(int64(len(m.shape))))
	l.Add(ledger.Model, "tokenizer", ledger.Bytes(int64(len(m.tokenizer))))
	l.Add(ledger.Model, "settings searched", ledger.Bytes(int64(len(m.settings))))
	l.Add(ledger.Model, "weights", ledger.Bytes(int64(len(m.weights))))
	l.Add(ledger.Data, "data", data)
	l.Add(ledger.Data, "coder overhead", ledger.Bytes(int64(len(b)-before))-data)
	return f, l.Close(int64(len(f.Bytes)))
}

func check(file, plain []byte) [checkSize]byte {
	h := sha256.New()
	h.Write(file)
	h.Write(plain)
	return [checkSize]byte(h.Sum(nil)[:checkSize])
}

// appendData appends the blocks of plain.
func appendData(b []byte, lm *codec.LM, plain []byte, workers int) ([]byte, error) {
	c := codec.New(codec.Options{Level: 5, LM: lm, Workers: workers})
	var payload []byte
	for at := 0; at < len(plain); at += blockSize {
		block := plain[at:min(at+blockSize, len(plain))]
		method, out, err := c.Encode(payload[:0], block)
		if err != nil {
			return nil, err
		}
		payload = out
		b = append(b, byte(method))
		b = binary.AppendUvarint(b, uint64(len(block)))
		b = append(b, section(payload)...)
	}
	return b, nil
}

// Decode reads a file that Encode wrote.
func Decode(file []byte, workers int) ([]byte, error) {
	if err := kernel.SelfTest(); err != nil {
		return nil, err
	}
	plain, _, err := decode(file, workers)
	return plain, err
}

// Sizes says what a file consists of, in bytes: its model, the data coded with it
// and what is neither; plain is the length of the data. Nothing is decoded.
func Sizes(file []byte) (plain, model, data, rest int, err error) {
	r, plain, err := begin(file)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	m, _, _, err := readParts(r)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	return plain, m.Size(), len(r.b), len(file) - m.Size() - len(r.b), nil
}

// begin reads the header of a file and returns what follows it, without the check.
func begin(file []byte) (r *reader, plain int, err error) {
	if !bytes.HasPrefix(file, Magic) || len(file) < len(Magic)+1+checkSize {
		return nil, 0, corrupt("%d bytes, or another magic number", len(file))
	}
	if v := file[len(Magic)]; v != version {
		return nil, 0, fmt.Errorf("two-part: version %d of the format; this program reads %d", v, version)
	}
	r = &reader{b: file[len(Magic)+1 : len(file)-checkSize]}
	return r, r.number(MaxPlain), nil
}

// decode also returns the ideal length of the data in bits.
func decode(file []byte, workers int) (plain []byte, ideal float64, err error) {
	r, size, err := begin(file)
	if err != nil {
		return nil, 0, err
	}
	m, err := readModel(r)
	if err != nil {
		return nil, 0, err
	}
	c := codec.New(codec.Options{Level: 5, LM: m.lm, Workers: workers,
		Watch: func(p uint32) { ideal += 32 - math.Log2(float64(p)) }})
	for len(plain) < size {
		method := codec.Method(r.bytes(1)[0])
		n := r.number(min(blockSize, size-len(plain)))
		payload := r.section()
		if r.err != nil || n == 0 {
			return nil, 0, corrupt("the blocks end early")
		}
		at := len(plain)
		plain = append(plain, make([]byte, n)...)
		if err := c.Decode(plain[at:], method, payload); err != nil {
			return nil, 0, corrupt("%v", err)
		}
		if method == codec.Stored || method == codec.Fill {
			ideal += 8 * float64(len(payload))
		}
	}
	if len(r.b) > 0 {
		return nil, 0, corrupt("%d bytes are left over", len(r.b))
	}
	if sum := check(file[:len(file)-checkSize], plain); !bytes.Equal(sum[:], file[len(file)-checkSize:]) {
		return nil, 0, corrupt("the check does not fit")
	}
	return plain, ideal, nil
}

func appendShape(b []byte, c model.Config) []byte {
	for _, n := range []int{c.Vocab, c.Dim, c.Layers, c.Heads, c.KVHeads, c.HeadDim, c.FFN, c.Window} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(c.RopeBase)))
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(c.Eps))
}
