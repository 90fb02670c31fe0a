package modelfile

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"kolm/internal/dequant"
)

// TestRequantize: every weight gets the type, every number is off by half a step at
// most, norms and metadata stay, and what has the type already is copied.
func TestRequantize(t *testing.T) {
	for _, from := range []*File{toy(t), quantized(t)} {
		g, err := Parse(marshal(t, from))
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range Narrowed() {
			var b bytes.Buffer
			if err := Requantize(&b, g, func(*Tensor) Type { return to }); err != nil {
				t.Fatalf("%v: %v", to, err)
			}
			back, err := Parse(b.Bytes())
			if err != nil {
				t.Fatalf("%v: %v", to, err)
			}
			if len(back.Keys) != len(g.Keys) || len(back.Tensors) != len(g.Tensors) {
				t.Fatalf("%v: %d keys and %d tensors of %d and %d", to, len(back.Keys), len(back.Tensors), len(g.Keys), len(g.Tensors))
			}
			if v, _ := back.Get("general.file_type"); v.missing() || int(little(v.raw)) != fileTypes[to] {
				t.Errorf("%v: the file says type %v", to, v)
			}
			for i := range g.Tensors {
				a, z := &g.Tensors[i], &back.Tensors[i]
				if want := map[bool]Type{true: to, false: a.Type}[a.Weight()]; z.Type != want || z.Name != a.Name {
					t.Fatalf("%s became %s of type %v, want %v", a.Name, z.Name, z.Type, want)
				}
				if a.Type == z.Type && !bytes.Equal(a.Data, z.Data) {
					t.Errorf("%v: %s changed", to, a.Name)
				}
				near(t, a, z)
			}
		}
	}
}

// near compares numbers by the coarsest step that a type has.
func near(t *testing.T, a, z *Tensor) {
	t.Helper()
	x, err := a.Floats()
	if err != nil {
		t.Fatal(err)
	}
	y, err := z.Floats()
	if err != nil {
		t.Fatal(err)
	}
	step := map[Type]float64{dequant.Q4_0: 1. / 8, dequant.Q5_0: 1. / 16, Q8_0: .51 / 127, dequant.BF16: 1. / 256, F16: 1. / 2048}[z.Type]
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(float64(v)))
	}
	for i, v := range x {
		if math.Abs(float64(v-y[i])) > 1.001*step*most+1e-7 {
			t.Fatalf("%v: number %d of %s, %v, became %v", z.Type, i, a.Name, v, y[i])
		}
	}
}

// TestRequantizeFits: rows that are not whole blocks become F16; a type that is not
// read and a number that is none are errors with a place.
func TestRequantizeFits(t *testing.T) {
	numbers := make([]byte, 4*2*20)
	g := parse(t, encode(t, nil, []Tensor{{Name: "blk.0.ffn_down.weight", Dims: []int{20, 2}, Type: F32, Data: numbers}, {Name: "x.bias", Dims: []int{20, 2}, Type: F32, Data: numbers}}))
	var b bytes.Buffer
	if err := Requantize(&b, g, func(*Tensor) Type { return dequant.Q4_0 }); err != nil {
		t.Fatal(err)
	}
	if back := parse(t, b.Bytes()); back.Tensors[0].Type != F16 || back.Tensors[1].Type != F32 {
		t.Errorf("rows of 20 numbers have type %v, others %v", back.Tensors[0].Type, back.Tensors[1].Type)
	}
	nan := bytes.Clone(numbers)
	copy(nan[80:], []byte{0, 0, 0xc0, 0x7f})
	file := encode(t, nil, []Tensor{{Name: "w.weight", Dims: []int{20, 2}, Type: F32, Data: nan}})
	g = parse(t, file)
	err := Requantize(&b, g, func(*Tensor) Type { return dequant.BF16 })
	if e, ok := err.(*Error); !ok || e.Offset != g.Tensors[0].Offset+80 || !strings.Contains(e.Reason, "w.weight") {
		t.Errorf("a number that is none: %v", err)
	}
	g.Tensors[0].Type = 17
	if err := Requantize(&b, g, func(*Tensor) Type { return dequant.BF16 }); err == nil || !strings.Contains(err.Error(), "IQ2_XS, which is not supported") {
		t.Errorf("a type that is not read: %v", err)
	}
}

func parse(t testing.TB, b []byte) *GGUF {
	t.Helper()
	g, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
