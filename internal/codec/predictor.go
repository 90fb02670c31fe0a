package codec

import (
	"kolm/internal/context"
	"kolm/internal/mix"
)

// Cursor is one stream's place in a block. It belongs to one Predictor.
type Cursor = context.Cursor

// Opinion is what the language model says about one decision. A nil *Opinion
// is no opinion.
type Opinion struct {
	Static, Adapted int32 // stretches of P(bit = 1) in 1/256 nat, cut at +-mix.Limit
	Confidence      int   // a quantised confidence, below Confidences
	Depth           int   // where in its token the decision is, below Depths
}

// Numbers of values of the selectors of an Opinion.
const (
	Confidences = 12
	Depths      = 16
)

// Predictor gives the probability of every decision of a block: eight for each
// byte, highest bit first, and with a language model one between bytes, whether
// a token ends there. Encoder and decoder make the same calls in the same
// order:
//
//	p.Reset(n, lm)                     // a block of n bytes
//	p.Start(&c, 0)                     // for each stream, its first position
//	p.Begin(&c)                        // for each byte
//	pr := p.P(node, opinion); ...      // code the bit with pr
//	p.Update(bit)                      // for each decision that is not forced
//	p.End(&c, b)
//	pr = p.PEnd(&c, opinion); ...      // only with a model, unless forced
//	p.UpdateEnd(bit)
//	p.Mark(&c, bit == 1)               // only with a model, forced or not
//
// The node of a decision is 1 followed by the bits of the byte before it, 1 to
// 255. Decisions whose outcome is known are left out, and their nodes passed
// over. Streams take turns as the caller likes, but a byte is coded from Begin
// to End without another between.
type Predictor struct {
	lm    bool
	model *context.Model
	mixer [2]*mix.Mixer // without and with a language model
	apm   [3]*mix.APM

	flags    *context.Flags
	flagMix  *mix.Mixer
	flagPrev uint32

	c       *Cursor
	c1, c2  uint32 // the last bytes
	stretch int32
}

// Inputs of a language model's opinion.
const opinionInputs = 4

// NewPredictor returns a predictor; call Reset before use. It keeps its memory,
// at most about 90 MB, from block to block.
func NewPredictor() *Predictor {
	return &Predictor{model: context.NewModel()}
}

// Reset prepares for a block of n bytes, with opinions of a language model or
// without.
func (p *Predictor) Reset(n int, lm bool) {
	p.lm = lm
	p.model.Reset(n, lm)
	k := 0
	if lm {
		k = 1
	}
	if p.mixer[k] == nil {
		p.mixer[k] = newMixer(lm)
	} else {
		p.mixer[k].Reset(startWeights(lm))
	}
	p.resetAPMs()
	if lm {
		p.resetFlags()
	}
}

const (
	setMatch = iota
	setNode
	setLast
	setClasses
	setOpinion
	setDepth
)

func newMixer(lm bool) *mix.Mixer {
	sizes := []int{setMatch: 4 * 6, setNode: 256, setLast: 256, setClasses: 256}
	n := context.Inputs
	if lm {
		n += opinionInputs
		sizes = append(sizes, Confidences*4*6, Depths*8)
	}
	return mix.NewMixer(n, sizes, 4*8, startWeights(lm), mix.Rate{First: 1000, Last: 130, Half: 300})
}

func startWeights(lm bool) []int32 {
	w := make([]int32, context.Inputs, context.Inputs+opinionInputs)
	for i := range w[:len(w)-1] {
		w[i] = 1 << 22 / 6
	}
	if lm {
		w = append(w, 1<<21, 1<<21, 0, 0)
	}
	return w
}

func (p *Predictor) resetAPMs() {
	for i, n := range []int{1 << 16, 1 << 16, Confidences * Depths * 4} {
		if i == 2 && !p.lm {
			break
		}
		if p.apm[i] == nil {
			p.apm[i] = mix.NewAPM(n, 6)
		} else {
			p.apm[i].Reset()
		}
	}
}

func (p *Predictor) resetFlags() {
	start := make([]int32, context.FlagInputs+opinionInputs)
	for i := range context.FlagInputs - 1 {
		start[i] = 1 << 22 / 10
	}
	copy(start[context.FlagInputs:], []int32{1 << 21, 1 << 21, 0, 0})
	if p.flags == nil {
		p.flags = context.NewFlags()
		p.flagMix = mix.NewMixer(len(start), []int{Confidences * Depths, 256}, 1, start, mix.Rate{First: 1000, Last: 130, Half: 300})
	}
	p.flags.Reset()
	p.flagMix.Reset(start)
}

// Start makes c the cursor of a stream that begins at position pos.
func (p *Predictor) Start(c *Cursor, pos int) { c.Init(pos) }

// Begin turns to the next byte of the stream of c.
func (p *Predictor) Begin(c *Cursor) {
	p.c = c
	tail := c.Tail()
	p.c1, p.c2 = uint32(tail&255), uint32(tail>>8&255)
	p.model.Begin(c)
	m := p.current()
	m.Select(setLast, int(p.c1))
	m.Select(setClasses, int(c.Classes()&255))
}

func (p *Predictor) current() *mix.Mixer {
	if p.lm {
		return p.mixer[1]
	}
	return p.mixer[0]
}

// P returns the probability / 2^32 that the decision at node is a one.
func (p *Predictor) P(node int, lm *Opinion) uint32 {
	m := p.current()
	p.model.Predict(uint32(node), m.X)
	match := p.model.Match()
	known := p.model.Known()
	m.Select(setMatch, match*6+known)
	m.Select(setNode, node)
	if p.lm {
		p.hear(m, lm, match*6+known)
	}
	m.SelectFinal(match*8 + known)
	s, pr := m.P()
	p.stretch = s
	a := p.apm[0].P(s, int(p.c1)<<8|node)
	b := p.apm[1].P(s, int((p.c1|p.c2<<8)*0x9E3779B1>>8+uint32(node)*0x2C1B3C6D>>4)&0xffff)
	sum := uint64(pr)*2 + uint64(a) + uint64(b)
	if p.lm && lm != nil {
		sum = uint64(pr)*2 + uint64(a) + uint64(p.apm[2].P(s, (lm.Confidence*Depths+lm.Depth)*4+match))
	}
	return final(sum >> 2)
}

// hear gives the mixer the language model's opinion.
func (p *Predictor) hear(m *mix.Mixer, lm *Opinion, known int) {
	x := m.X[context.Inputs:]
	if lm == nil {
		clear(x[:opinionInputs])
		m.Select(setOpinion, known)
		m.Select(setDepth, match0)
		return
	}
	hearInputs(x, lm)
	m.Select(setOpinion, lm.Confidence*24+known)
	m.Select(setDepth, lm.Depth*8+int(p.c.Classes()&7))
}

const match0 = 0

// hearInputs fills the inputs of an opinion.
func hearInputs(x []int32, lm *Opinion) {
	x[0], x[1] = lm.Static, lm.Adapted
	x[2] = int32(mix.Squash(lm.Static*256)>>21) - 1024
	x[3] = int32(mix.Squash(lm.Adapted*256)>>21) - 1024
}

// final keeps a probability away from 0 and 1.
func final(p uint64) uint32 {
	const least = 1 << 10
	return uint32(min(max(p, least), 1<<32-least))
}

// Update tells that the decision of the last P was bit.
func (p *Predictor) Update(bit int) {
	p.current().Update(bit)
	p.apm[0].Update(bit)
	p.apm[1].Update(bit)
	if p.lm {
		p.apm[2].Update(bit)
	}
	p.model.Update(bit)
}

// End tells that the next byte of the stream of c was b.
func (p *Predictor) End(c *Cursor, b byte) { p.model.End(c, b) }

// PEnd returns the probability / 2^32 that a token of the language model ends
// after the last byte of c.
func (p *Predictor) PEnd(c *Cursor, lm *Opinion) uint32 {
	m := p.flagMix
	p.flags.Predict(p.model, c, m.X)
	x := m.X[context.FlagInputs:]
	if lm == nil {
		clear(x[:opinionInputs])
		m.Select(0, 0)
	} else {
		hearInputs(x, lm)
		m.Select(0, lm.Confidence*Depths+lm.Depth)
	}
	m.Select(1, int(c.Tail()&255))
	_, pr := m.P()
	return final(uint64(pr))
}

// UpdateEnd tells that the decision of the last PEnd was bit.
func (p *Predictor) UpdateEnd(bit int) {
	p.flagMix.Update(bit)
	p.flags.Update(bit)
}

// Mark records whether a token ended after the last byte of c.
func (p *Predictor) Mark(c *Cursor, ends bool) { p.model.Mark(c, ends) }
