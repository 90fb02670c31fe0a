package memory

import (
	"fmt"
	"slices"

	"kolm/internal/lm"
)

// Record is one pass of a text through the model, with what was at every point.
type Record struct {
	Tokens []int32
	model  *Model
	rows   map[place][]float32
}

type place struct {
	point lm.Point
	layer int
}

// Rows returns the rows (len(Tokens), width) at a point; Layer is -1 at Embedding
// and Final. They belong to the record.
func (r *Record) Rows(p lm.Point, layer int) []float32 { return r.rows[place{p, layer}] }

// Row returns one position's row at a point.
func (r *Record) Row(p lm.Point, layer, pos int) []float32 {
	rows := r.Rows(p, layer)
	n := len(rows) / len(r.Tokens)
	return rows[pos*n:][:n]
}

// Stream returns the residual stream after a layer, or before the first at -1.
func (r *Record) Stream(layer, pos int) []float32 {
	if layer < 0 {
		return r.Row(lm.Embedding, -1, pos)
	}
	return r.Row(lm.Residual, layer, pos)
}

// Run sends tokens through the model and keeps what was at every point. A tap,
// unless it is nil, sees and may change the rows first.
func (m *Model) Run(tokens []int32, tap lm.Tap) (*Record, error) {
	r := &Record{Tokens: slices.Clone(tokens), model: m, rows: map[place][]float32{}}
	_, err := m.feed(tokens, func(site lm.Site, rows []float32) {
		if tap != nil {
			tap(site, rows)
		}
		at := place{site.Point, site.Layer}
		r.rows[at] = append(r.rows[at], rows...) // batches come in order
	})
	return r, err
}

// feed runs tokens with a tap and returns the output of the final norm.
func (m *Model) feed(tokens []int32, tap lm.Tap) ([]float32, error) {
	if len(tokens) == 0 {
		return nil, fmt.Errorf("no tokens to run")
	}
	if err := m.fits(len(tokens)); err != nil {
		return nil, err
	}
	s, err := m.LM.NewSession(len(tokens))
	if err != nil {
		return nil, err
	}
	s.Threads, s.Tap = m.Threads, tap
	hidden := make([]float32, len(tokens)*m.LM.Config.Dim)
	return hidden, s.Feed(tokens, hidden)
}

// Logits returns the logits (Vocab) at one position of a record.
func (r *Record) Logits(pos int) ([]float32, error) {
	out := make([]float32, r.model.LM.Config.Vocab)
	return out, r.model.LM.Logits(out, r.Row(lm.Final, -1, pos), 1, r.model.Threads)
}

// Costs returns the bits of tokens from, from+1, ..., each given those before it,
// under a tap that may be nil. from is at least 1.
func (m *Model) Costs(tokens []int32, from int, tap lm.Tap) ([]float64, error) {
	if from < 1 || from >= len(tokens) {
		return nil, fmt.Errorf("token %d of %d cannot be predicted: a token must stand before it", from, len(tokens))
	}
	hidden, err := m.feed(tokens[:len(tokens)-1], tap)
	if err != nil {
		return nil, err
	}
	c := &m.LM.Config
	const batch = 64 // rows of logits in memory
	logits, bits := make([]float32, batch*c.Vocab), make([]float64, 0, len(tokens)-from)
	for at := from; at < len(tokens); at += batch {
		n := min(batch, len(tokens)-at)
		if err := m.LM.Logits(logits, hidden[(at-1)*c.Dim:], n, m.Threads); err != nil {
			return nil, err
		}
		for i := range n {
			bits = append(bits, bitsOf(logits[i*c.Vocab:][:c.Vocab], tokens[at+i]))
		}
	}
	return bits, nil
}

func sum(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += v
	}
	return total
}

// Chain joins taps; nil ones are left out.
func Chain(taps ...lm.Tap) lm.Tap {
	taps = slices.DeleteFunc(slices.Clone(taps), func(t lm.Tap) bool { return t == nil })
	return func(site lm.Site, rows []float32) {
		for _, t := range taps {
			t(site, rows)
		}
	}
}

// Patch returns a tap that writes a row at a point, layer and position.
func Patch(p lm.Point, layer, pos int, row []float32) lm.Tap {
	return func(site lm.Site, rows []float32) {
		if site.Point != p || site.Layer != layer {
			return
		}
		for i, at := range site.Positions {
			if at == pos {
				copy(rows[i*site.Width:][:site.Width], row)
			}
		}
	}
}

// Ablate returns a tap that sets the coefficients of neurons to 0, which is the
// same as setting their values to 0.
func Ablate(neurons ...Neuron) lm.Tap {
	by := map[int][]int{}
	for _, n := range neurons {
		by[n.Layer] = append(by[n.Layer], n.Index)
	}
	return func(site lm.Site, rows []float32) {
		if site.Point != lm.Coefficients || by[site.Layer] == nil {
			return
		}
		for i := range site.Positions {
			for _, n := range by[site.Layer] {
				rows[i*site.Width+n] = 0
			}
		}
	}
}
