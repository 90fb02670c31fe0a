package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var sample = []Tensor{
	{Name: "a.weight", DType: "F32", Shape: []int{2, 3}, Data: []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x40}},
	{Name: "b", DType: "BF16", Shape: []int{2}, Data: []byte{0x80, 0x3f, 0, 0xc0}},
	{Name: "c", DType: "F16", Shape: []int{1, 1}, Data: []byte{0, 0x3c}},
	{Name: "mask", DType: "BOOL", Shape: []int{2, 1, 2}, Data: []byte{1, 0, 1, 0}},
	{Name: "scalar", DType: "I64", Data: make([]byte, 8)},
	{Name: "nothing", DType: "F32", Shape: []int{0, 4}},
}

func file(t testing.TB, tensors []Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, tensors); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// raw is a file with a given header.
func raw(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func TestRoundTrip(t *testing.T) {
	b := file(t, sample)
	got, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(sample) {
		t.Fatalf("%d tensors", len(got))
	}
	for i, x := range got {
		want := sample[i]
		if x.Name != want.Name || x.DType != want.DType || !slices.Equal(x.Shape, want.Shape) || !bytes.Equal(x.Data, want.Data) {
			t.Errorf("got %+v, want %+v", x, want)
		}
		if !bytes.Equal(b[x.Offset:][:len(x.Data)], x.Data) || !bytes.HasPrefix(bytes.TrimLeft(b[x.Described():], ","), []byte(`"`+x.Name)) {
			t.Errorf("%s: offsets %d, %d", x.Name, x.Offset, x.Described())
		}
	}
	if !bytes.Equal(file(t, got), b) {
		t.Error("written again it differs")
	}
	for i, want := range [][]float32{{1, -2, 0, 0, 0, 3}, {1, -2}, {1}} {
		dst := make([]float32, len(want)-1)
		if err := got[i].Widen(dst, 1); err != nil || !slices.Equal(dst, want[1:]) {
			t.Errorf("%s: %v %v", got[i].Name, dst, err)
		}
	}
	if err := got[3].Widen(make([]float32, 4), 0); err == nil || !strings.Contains(err.Error(), "BOOL") {
		t.Error(err)
	}
	if err := Write(&bytes.Buffer{}, []Tensor{{Name: "x", DType: "F32", Shape: []int{3}, Data: make([]byte, 4)}}); err == nil {
		t.Error("a tensor of the wrong length was written")
	}
}

func TestNotFinite(t *testing.T) {
	x := slices.Clone(sample)
	x[0].Data = bytes.Clone(x[0].Data)
	copy(x[0].Data[8:], []byte{0, 0, 0xc0, 0x7f})
	got, err := Parse(file(t, x))
	if err != nil {
		t.Fatal(err)
	}
	var e *Error
	if err := got[0].Widen(make([]float32, 3), 0); !errors.As(err, &e) || e.Offset != got[0].Offset+8 {
		t.Errorf("error is %v, want one at byte %d", err, got[0].Offset+8)
	}
}

func TestTruncated(t *testing.T) {
	b := file(t, sample)
	for n := range b {
		_, err := Parse(b[:n])
		var e *Error
		if !errors.As(err, &e) || e.Offset > n {
			t.Fatalf("%d of %d bytes: error is %v", n, len(b), err)
		}
	}
}

func TestBad(t *testing.T) {
	for want, b := range map[string][]byte{
		"want at least 8":               {1, 2},
		"claims":                        {1, 0, 0, 0, 0, 0, 0, 0x80},
		"not a JSON object":             raw(`[]`, 0),
		"not valid JSON":                raw(`{"a":}`, 0),
		"not valid":                     raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`, 4),
		"after the header":              raw(`{} x`, 0),
		"cannot unmarshal":              raw(`{"a":[1]}`, 0),
		"unknown type":                  raw(`{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}`, 4),
		"data_offsets [4 0]":            raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, 4),
		"data_offsets [0 8]":            raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 4),
		"data_offsets []":               raw(`{"a":{"dtype":"F32","shape":[1]}}`, 4),
		"needs 4 bytes":                 raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`, 8),
		"more than the 4 bytes":         raw(`{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,4]}}`, 4),
		"has shape [99999999999]":       raw(`{"a":{"dtype":"F32","shape":[99999999999],"data_offsets":[0,4]}}`, 4),
		"number -1":                     raw(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4),
		"occurs twice":                  raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2),
		"overlap":                       raw(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2),
		`"b" begins at byte 115, but t`: raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3),
		"1 bytes after the last":        raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 2),
	} {
		if _, err := Parse(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func writeFile(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFolder(t *testing.T) {
	single, sharded := t.TempDir(), t.TempDir()
	writeFile(t, single, SingleFile, file(t, sample))
	writeFile(t, sharded, "model-1.safetensors", file(t, sample[:2]))
	writeFile(t, sharded, "model-2.safetensors", file(t, sample[2:]))
	index := func(b string) { writeFile(t, sharded, IndexFile, []byte(b)) }
	index(`{"metadata":{},"weight_map":{"a.weight":"model-1.safetensors","b":"model-1.safetensors","c":"model-2.safetensors"}}`)
	for dir, files := range map[string][]string{single: {SingleFile}, sharded: {"model-1.safetensors", "model-2.safetensors"}} {
		f, err := OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Tensors) != len(sample) || !reflect.DeepEqual(f.Files, files) {
			t.Errorf("%d tensors in %v", len(f.Tensors), f.Files)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	for want, b := range map[string]string{
		"not a file of the folder": `{"weight_map":{"a.weight":"../model-1.safetensors"}}`,
		"no weight_map":            `{}`,
		"invalid character":        `{"weight_map":x}`,
		"is missing":               `{"weight_map":{"z":"model-1.safetensors"}}`,
		"no such file":             `{"weight_map":{"z":"model-3.safetensors"}}`,
	} {
		index(b)
		if _, err := OpenFolder(sharded); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	writeFile(t, sharded, "model-3.safetensors", file(t, sample[:1]))
	index(`{"weight_map":{"a.weight":"model-1.safetensors","b":"model-3.safetensors"}}`)
	if _, err := OpenFolder(sharded); err == nil || !strings.Contains(err.Error(), "in another file too") {
		t.Error(err)
	}
	if _, err := OpenFolder(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	good := file(f, sample)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(raw(`{"a":{"dtype":"F32","shape":[2147483647,0],"data_offsets":[0,0]}}`, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		list, err := Parse(b)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > uint64(64*len(b)+1<<20) {
			t.Errorf("%d bytes allocated for a file of %d", n, len(b))
		}
		if err != nil {
			return
		}
		again, err := Parse(file(t, list))
		if err != nil || len(again) != len(list) {
			t.Errorf("written again: %v", err)
		}
	})
}
