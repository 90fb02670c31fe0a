package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// Write writes a file with the tensors in the order given. Their Offset is not
// used; Data must have the length that DType and Shape ask for.
func Write(w io.Writer, tensors []Tensor) error {
	header, err := marshal(tensors)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for i := range tensors {
		if _, err := w.Write(tensors[i].Data); err != nil {
			return err
		}
	}
	return nil
}

// marshal returns the length of the header and the header, filled with spaces so
// that the data begins at a multiple of 8.
func marshal(tensors []Tensor) ([]byte, error) {
	b := append(make([]byte, 8), `{"__metadata__":{"format":"pt"}`...)
	at := 0
	for i := range tensors {
		t := &tensors[i]
		size := dtypes[t.DType] / 8
		for _, n := range t.Shape {
			size *= n
		}
		if size != len(t.Data) {
			return nil, fmt.Errorf("safetensors: tensor %q (%s %v) has %d bytes, want %d", t.Name, t.DType, t.Shape, len(t.Data), size)
		}
		name, err := json.Marshal(t.Name)
		if err != nil {
			return nil, err
		}
		info, err := json.Marshal(struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}{t.DType, append([]int{}, t.Shape...), [2]int{at, at + size}})
		if err != nil {
			return nil, err
		}
		b = append(append(append(append(b, ','), name...), ':'), info...)
		at += size
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	return b, nil
}
