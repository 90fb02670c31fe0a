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
	lm     bool
	model  *context.Model
	mixers [2]*mix.Mixer // without and with a language model
	mixer  *mix.Mixer    // the one in use
	byLast *mix.APM      // by the last byte and the node
	byKind *mix.APM      // by the kinds of the two bytes before it, and the node
	byLM   *mix.APM      // by the opinion's selectors and the match

	flags   *context.Flags
	flagMix *mix.Mixer

	c       *Cursor
	last    int  // the last byte
	kinds   int  // classes of the two bytes before it
	opinion bool // there was one for the decision at hand
}

// opinionInputs is the number of inputs that an Opinion makes.
const opinionInputs = 2

// Sets of weights, by what chooses a vector of each.
const (
	setMatch   = iota // length of the match, orders known
	setNode           // bits of the byte so far
	setLast           // last byte
	setKinds          // classes of the last two bytes
	setOpinion        // confidence of the language model, match, orders known
	setDepth          // place in the token, class of the last byte
)

const matchSets = context.Matches * context.Orders

var (
	plainSets = []int{setMatch: matchSets, setNode: 256, setLast: 256, setKinds: 256}
	lmSets    = []int{setMatch: matchSets, setNode: 256, setLast: 256, setKinds: 256,
		setOpinion: (Confidences + 1) * matchSets, setDepth: (Depths + 1) * 16}
)

// mixRate is the learning rate of the mixer of bytes and of that of flags.
var mixRate = mix.Rate{First: 1000, Last: 60, Half: 300}

// NewPredictor returns a predictor; call Reset before use. It keeps its memory,
// at most about 90 MB, from block to block.
func NewPredictor() *Predictor {
	return &Predictor{
		model:  context.NewModel(),
		byLast: mix.NewAPM(1<<16, apmRate),
		byKind: mix.NewAPM(1<<16, apmRate),
	}
}

const apmRate = 5

// Reset prepares for a block of n bytes, with opinions of a language model or
// without.
func (p *Predictor) Reset(n int, lm bool) {
	p.model.Reset(n, lm)
	p.byLast.Reset()
	p.byKind.Reset()
	p.resetMixer(0, context.Inputs, plainSets)
	if lm {
		p.resetMixer(1, context.Inputs+opinionInputs, lmSets)
		p.resetFlags()
	}
	p.Use(lm)
}

// resetMixer prepares the mixer without, 0, or with a language model, 1.
func (p *Predictor) resetMixer(k, inputs int, sets []int) {
	if p.mixers[k] == nil {
		p.mixers[k] = mix.NewMixer(inputs, sets, matchSets, mixRate)
	}
	p.mixers[k].Reset(startWeights(k == 1))
}

// resetFlags prepares what only a block with a language model needs.
func (p *Predictor) resetFlags() {
	if p.flags == nil {
		p.byLM = mix.NewAPM(Confidences*Depths*context.Matches, apmRate)
		p.flags = context.NewFlags()
		p.flagMix = mix.NewMixer(context.FlagInputs+opinionInputs, []int{Confidences*Depths + 1, 256}, 1, mixRate)
	}
	p.byLM.Reset()
	p.flags.Reset()
	p.flagMix.Reset(startFlagWeights())
}

// Use says whether the decisions to come have opinions of a language model. The
// block must have been Reset for one; without, the mixer is that of blocks that
// have none.
func (p *Predictor) Use(lm bool) {
	k := 0
	if lm {
		k = 1
	}
	p.lm, p.opinion, p.mixer = lm, false, p.mixers[k]
}

// Start makes c the cursor of a stream that begins at position pos.
func (p *Predictor) Start(c *Cursor, pos int) { c.Init(pos) }

// Begin turns to the next byte of the stream of c.
func (p *Predictor) Begin(c *Cursor) {
	p.c = c
	p.last = int(c.Tail() & 255)
	p.kinds = int(c.Classes() >> 4 & 255)
	p.model.Begin(c)
	p.mixer.Select(setLast, p.last)
	p.mixer.Select(setKinds, int(c.Classes()&255))
}

// P returns the probability / 2^32 that the decision at node is a one.
func (p *Predictor) P(node int, lm *Opinion) uint32 {
	m := p.mixer
	p.model.Predict(uint32(node), (*[context.Inputs]int32)(m.X))
	match := p.model.Match()
	matchSet := match*context.Orders + p.model.Known()
	m.Select(setMatch, matchSet)
	m.Select(setNode, node)
	m.SelectFinal(matchSet)
	if p.lm {
		p.hear(lm, matchSet)
	}
	s, pr := m.P()
	a, b := uint64(p.byLast.P(s, p.last<<8|node)), uint64(p.byKind.P(s, p.kinds<<8|node))
	sum := 2*uint64(pr) + 3*a + 3*b
	if p.opinion {
		c := uint64(p.byLM.P(s, (lm.Confidence*Depths+lm.Depth)*context.Matches+match))
		sum = 3*uint64(pr) + 2*a + b + 2*c
	}
	return final(sum >> 3)
}

// hear gives the mixer the language model's opinion.
func (p *Predictor) hear(lm *Opinion, matchSet int) {
	p.opinion = lm != nil
	confidence, depth := Confidences, Depths
	if p.opinion {
		confidence, depth = lm.Confidence, lm.Depth
	}
	fillOpinion((*[opinionInputs]int32)(p.mixer.X[context.Inputs:]), lm)
	p.mixer.Select(setOpinion, confidence*matchSets+matchSet)
	p.mixer.Select(setDepth, depth*16+int(p.c.Classes()&15))
}

// fillOpinion makes inputs of an opinion.
func fillOpinion(x *[opinionInputs]int32, lm *Opinion) {
	if lm == nil {
		*x = [opinionInputs]int32{}
		return
	}
	x[0], x[1] = lm.Static, lm.Adapted
}

// final keeps a probability away from 0 and 1.
func final(p uint64) uint32 {
	const least = 1 << 10
	return uint32(min(max(p, least), 1<<32-least))
}

// Update tells that the decision of the last P was bit.
func (p *Predictor) Update(bit int) {
	p.mixer.Update(bit)
	p.byLast.Update(bit)
	p.byKind.Update(bit)
	if p.opinion {
		p.byLM.Update(bit)
	}
	p.model.Update(bit)
}

// End tells that the next byte of the stream of c was b.
func (p *Predictor) End(c *Cursor, b byte) { p.model.End(c, b) }

// PEnd returns the probability / 2^32 that a token of the language model ends
// after the last byte of c.
func (p *Predictor) PEnd(c *Cursor, lm *Opinion) uint32 {
	m := p.flagMix
	p.flags.Predict(p.model, c, (*[context.FlagInputs]int32)(m.X))
	fillOpinion((*[opinionInputs]int32)(m.X[context.FlagInputs:]), lm)
	set := Confidences * Depths
	if lm != nil {
		set = lm.Confidence*Depths + lm.Depth
	}
	m.Select(0, set)
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
