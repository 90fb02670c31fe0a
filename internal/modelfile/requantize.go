package modelfile

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"kolm/internal/dequant"
)

// Narrowed lists the types that weights can be rewritten in, those with the fewest
// bits first.
func Narrowed() []Type {
	return []Type{dequant.Q4_0, dequant.Q5_0, Q8_0, dequant.BF16, F16, F32}
}

// fileTypes are the values of the key general.file_type.
var fileTypes = map[Type]int{F32: 0, F16: 1, dequant.Q4_0: 2, Q8_0: 7, dequant.Q5_0: 8, dequant.BF16: 32}

// Numbers is how many numbers the tensor holds.
func (t *Tensor) Numbers() int {
	n := 1
	for _, d := range t.Dims {
		n *= d
	}
	return n
}

// Weight reports whether the tensor is one of the large ones: a matrix, or the
// matrices of all experts. Norms, biases, learned positions and the router of
// experts are few numbers on which much depends: they keep their type.
func (t *Tensor) Weight() bool {
	if len(t.Dims) < 2 || !strings.HasSuffix(t.Name, ".weight") {
		return false
	}
	for _, small := range []string{"norm", "ffn_gate_inp", "position_embd", "rope_"} {
		if strings.Contains(t.Name, small) {
			return false
		}
	}
	return true
}

// fitting is the type that rows of n numbers can have where t is wished for: F16
// where they are not whole blocks.
func fitting(t Type, n int) Type {
	if numbers, _ := t.Block(); n%numbers != 0 {
		return F16
	}
	return t
}

// Requantize writes a parsed file again, of any architecture, with its weights in
// the types that as names. A tensor that has the type already is copied; others
// are widened and rounded anew. It is an error if a number is not finite or too
// large for its type.
func Requantize(w io.Writer, g *GGUF, as func(*Tensor) Type) error {
	tensors := make([]Tensor, len(g.Tensors))
	count := map[Type]int{}
	for i := range g.Tensors {
		t := &tensors[i]
		*t = g.Tensors[i]
		if !t.Weight() {
			continue
		}
		to := fitting(as(&g.Tensors[i]), t.Dims[0])
		count[to] += t.Numbers()
		if to == t.Type {
			continue
		}
		if err := t.retype(to); err != nil {
			return err
		}
	}
	most := F32
	for t, n := range count {
		if n > count[most] {
			most = t
		}
	}
	return Encode(w, rekeyed(g.Keys, most), tensors)
}

// retype rounds the tensor to another type, some rows at a time.
func (t *Tensor) retype(to Type) error {
	from := *t
	if numbers, _ := from.Type.Block(); numbers == 0 {
		return errorAt(from.at, "tensor %q has type %v, which is not supported", from.Name, from.Type)
	}
	cols, total := from.Dims[0], from.Numbers()
	rows := max(1, (1<<18)/cols)
	var b bytes.Buffer
	buffer := make([]float32, rows*cols)
	for at := 0; at < total; at += len(buffer) {
		x := buffer[:min(len(buffer), total-at)]
		if err := from.Widen(x, at); err != nil {
			return err
		}
		part, err := dequant.Narrow(x, to)
		if err != nil {
			return fmt.Errorf("model file: tensor %q: %w", from.Name, err)
		}
		b.Write(part)
	}
	t.Type, t.Data = to, b.Bytes()
	return nil
}

// rekeyed is keys with those that tell the type of most weights.
func rekeyed(keys []KV, most Type) []KV {
	set := []KV{{"general.file_type", uint32Value(fileTypes[most])}, {"general.quantization_version", uint32Value(2)}}
	var out []KV
	for _, kv := range keys {
		for i := range set {
			if kv.Key == set[i].Key {
				kv, set = set[i], append(set[:i:i], set[i+1:]...)
				break
			}
		}
		out = append(out, kv)
	}
	return append(out, set...)
}
