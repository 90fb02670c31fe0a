package chart

import (
	"bytes"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	c := Chart{Name: "front", Title: "size against time", X: "seconds", Y: "bits/byte", LogX: true,
		Lines: []Line{{Name: "line 1", X: []float64{0.1, 1, 10}, Y: []float64{3, math.Inf(1), 2}}},
		Marks: []Mark{{"xz & co", 0.5, 2.5}}}
	names, err := c.Write(t.TempDir())
	if err != nil || len(names) != 2 {
		t.Fatalf("files %v, error %v", names, err)
	}
	svg, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", "size against time", "xz &amp; co", "line 1"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
	b, err := os.ReadFile(names[1])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(b)); err != nil {
		t.Error(err)
	}
}

func TestBars(t *testing.T) {
	c := Chart{Name: "bars", X: "bits", Parts: []string{"model", "data"}, Bars: []Bar{{"raw", []float64{0, 8}}, {"two-part", []float64{1, 2}}}}
	names, err := c.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"model", "data", "raw", "two-part"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]Chart{
		"y":       {Name: "a", Lines: []Line{{Name: "l", X: []float64{1}}}},
		"number":  {Name: "a", Marks: []Mark{{"m", math.NaN(), 1}}},
		"parts":   {Name: "a", Parts: []string{"a", "b"}, Bars: []Bar{{"b", []float64{1}}}},
		"no such": {Name: "missing/folder", Lines: []Line{{Name: "l", X: []float64{1, 2}, Y: []float64{1, 2}}}},
	} {
		if _, err := c.Write(t.TempDir()); err == nil {
			t.Errorf("%s: drawn all the same", name)
		}
	}
}
