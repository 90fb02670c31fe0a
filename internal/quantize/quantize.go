// Package quantize makes smaller files of a model and measures on texts what they
// cost: the bits of the model against the bits of the texts under it, the curve by
// which a person chooses. It reads GGUF files of every architecture that
// internal/lmfile knows.
//
// It must not know the command line.
package quantize

import (
	"bytes"
	"fmt"
	"math"

	"kolm/internal/lm"
	"kolm/internal/lmfile"
	"kolm/internal/modelfile"
	"kolm/internal/score"
)

// Source is a model to make smaller files of.
type Source struct {
	File  *lmfile.File // of a GGUF file
	Texts []*score.Text
	Rule  *score.Rule // by which texts are weighed

	Threads  int                          // 0: one a processor
	Progress func(bytes int)              // called with bytes of texts that were weighed; may be nil
	Step     func(what string, n, of int) // called before a file is made; may be nil
}

// As is the type that a weight is to have.
type As func(*modelfile.Tensor) modelfile.Type

// All gives every weight one type.
func All(t modelfile.Type) As { return func(*modelfile.Tensor) modelfile.Type { return t } }

// Point is a file of the model and what it costs.
type Point struct {
	Name      string
	Bytes     int     // of the file
	PerWeight float64 // bits that the file spends on a weight
	File      []byte  // nil for the model as it is

	// Of the texts, nil without any. The first model is the one as it is, the
	// second the one in this file.
	Texts []*score.Result
	Sum   score.Block
}

// Model is the length of the file in bits.
func (p *Point) Model() float64 { return 8 * float64(p.Bytes) }

// Data is the length of the texts in bits, computed.
func (p *Point) Data() float64 { return p.Sum.OtherBits }

// Make writes a file and weighs the texts with it.
func (s *Source) Make(name string, as As) (*Point, error) {
	var b bytes.Buffer
	if err := modelfile.Requantize(&b, s.File.Keys, as); err != nil {
		return nil, err
	}
	f, err := lmfile.Parse(name, b.Bytes(), lm.DefaultKeep)
	if err != nil {
		return nil, err
	}
	p := &Point{Name: name, Bytes: b.Len(), PerWeight: perWeight(f.Keys), File: b.Bytes()}
	return p, s.weigh(p, f.Model)
}

// Original is the model as it is.
func (s *Source) Original() (*Point, error) {
	p := &Point{Name: "as it is", Bytes: int(s.File.Size), PerWeight: perWeight(s.File.Keys)}
	return p, s.weigh(p, s.File.Model)
}

func (s *Source) weigh(p *Point, m *lm.Model) error {
	for _, t := range s.Texts {
		r, err := s.compare(t, m)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		p.Texts = append(p.Texts, r)
		p.Sum.Add(&r.Sum)
	}
	return nil
}

// compare weighs a text under the model as it is and under another.
func (s *Source) compare(t *score.Text, m *lm.Model) (*score.Result, error) {
	run := score.Run{Rule: s.Rule, Model: s.File.Model, Other: m, Threads: s.Threads, Progress: s.Progress}
	return run.Score(t)
}

// perWeight is how many bits a weight has, the mean over all.
func perWeight(g *modelfile.GGUF) float64 {
	n, size := 0, 0
	for i := range g.Tensors {
		if t := &g.Tensors[i]; t.Weight() {
			n, size = n+t.Numbers(), size+len(t.Data)
		}
	}
	return 8 * float64(size) / max(1, float64(n))
}

// Range is the lengths of data, in bytes, from From to less than To, for which a
// point is the shortest way to tell both the model and the data. It is empty, both
// 0, where another is always shorter.
type Range struct{ From, To float64 }

// Ranges finds for every point where it is shortest, if other data costs as many
// bits a byte as the texts did. Of equal points it is the first.
func Ranges(points []*Point) []Range {
	list := make([]Range, len(points))
	for i, p := range points {
		r := Range{0, math.Inf(1)}
		for j, o := range points {
			if i == j {
				continue
			}
			// p is shorter where more < gain * length.
			more := p.Model() - o.Model()
			gain := o.Sum.OtherBitsPerByte() - p.Sum.OtherBitsPerByte()
			switch {
			case gain > 0:
				r.From = max(r.From, more/gain)
			case gain < 0:
				r.To = min(r.To, more/gain)
			case more > 0 || more == 0 && j < i:
				r.To = 0
			}
		}
		if r.From < r.To {
			list[i] = r
		}
	}
	return list
}
