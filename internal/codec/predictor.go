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
	Frozen          int32 // another one, where the body learns: that of the adapted head without; else 0
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
//	p.Reset(n, mode)                   // a block of n bytes
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
	mode   Mode
	lm     bool // the decisions at hand have opinions
	model  *context.Model
	mixers [modes]*mix.Mixer
	mixer  *mix.Mixer // the one in use
	byLast *mix.APM   // by the last byte and the node
	byKind *mix.APM   // by the kinds of the two bytes before it, and the node
	byLM   *mix.APM   // by the opinion's selectors and the match

	flags   *context.Flags
	flagMix *mix.Mixer

	c       *Cursor
	last    int  // the last byte
	kinds   int  // classes of the two bytes before it
	opinion bool // there was one for the decision at hand

	start map[string][][]int32 // first weights of each mixer
	learn *learner             // nil but for learning them
	_     mix.Apart
}

// Mode says what a block is predicted with.
type Mode struct {
	LM   bool // opinions of a language model
	Rich bool // the rich set of contexts, else the plain one
	Fast bool // the fast set; neither of the others
}

// modes is the number of values of a Mode.
const modes = 5

func (m Mode) number() int {
	n := 0
	if m.LM {
		n |= 1
	}
	if m.Rich {
		n |= 2
	}
	if m.Fast {
		n = 4
	}
	return n
}

// name is what the table of first weights calls the mixer of m.
func (m Mode) name() string {
	return [modes]string{"plain", "lm", "rich", "lm-rich", "fast"}[m.number()]
}

// set is the set of contexts of m.
func (m Mode) set() context.Set {
	switch {
	case m.Fast:
		return context.Fast
	case m.Rich:
		return context.Rich
	}
	return context.Plain
}

// inputs returns the number of inputs of the mixer of m.
func (m Mode) inputs() int {
	n := m.set().Inputs()
	if m.LM {
		n += opinionInputs
	}
	return n
}

// sets returns the sizes of the sets of weights of m.
func (m Mode) sets() []int {
	if m.Fast {
		return []int{fastNode: 256, fastKinds: 16 * 16 * 16}
	}
	s := []int{setMatch: matchSets, setNode: 256, setLast: 256, setKinds: 16 * 16 * 16}
	if m.LM {
		s = append(s, (Confidences+1)*matchSets, (Depths+1)*16)
	}
	if m.Rich {
		s = append(s, fields, context.Expectations)
	}
	return s
}

// finals returns the sizes of the sets of the second layer of m. The fast set
// has one alone.
func (m Mode) finals() []int {
	f := []int{finalMatch: matchSets}
	if !m.Fast {
		f = append(f, 16*16)
	}
	if m.Rich {
		f = append(f, context.Expectations)
	}
	return f
}

// Sets of the second layer.
const (
	finalMatch    = iota // length of the match, orders known
	finalKinds           // classes of the last two bytes; not with the fast contexts
	finalExpected        // what the matches expect; only with the rich ones
)

// opinionInputs is the number of inputs that an Opinion makes and that have first
// weights. One more, Frozen, follows them; its weights begin at 0.
const opinionInputs = 2

// Sets of weights, by what chooses a vector of each.
const (
	setMatch  = iota // length of the match, orders known
	setNode          // bits of the byte so far
	setLast          // last byte
	setKinds         // classes of the last three bytes
	setsPlain        // number of the sets above
)

// Sets of the fast contexts.
const (
	fastNode = iota
	fastKinds
)

// Sets that follow with a language model; those of structured text come last.
const (
	setOpinion = setsPlain + iota // confidence of the language model, match, orders known
	setDepth                      // place in the token, class of the last byte
	setsLM
)

const (
	matchSets = context.Matches * context.Orders
	fields    = 32
)

// mixRate is the learning rate of the mixer of bytes and of that of flags.
var mixRate = mix.Rate{First: 1000, Last: 60, Half: 300}

// rate returns the learning rate of the mixer of m.
func (m Mode) rate() mix.Rate {
	r := mixRate
	if m.Rich && !m.LM {
		r.Last *= 2
	}
	return r
}

// NewPredictor returns a predictor; call Reset before use. It keeps its memory,
// at most about 90 MB, from block to block.
func NewPredictor() *Predictor {
	return &Predictor{
		start:  firstWeights,
		model:  context.NewModel(),
		byLast: mix.NewAPM(1 << 16),
		byKind: mix.NewAPM(1 << 16),
	}
}

// apmRate is the rate of the APMs of m. What is left for them to correct behind a
// language model is little, and they must look longer to see it.
func (m Mode) apmRate() uint {
	if m.LM {
		return 7
	}
	return 5
}

// flagInputs and flagSets are the inputs and the sets of weights of the mixer of
// flags, by what the model says and by the last byte.
const flagInputs = context.FlagInputs + opinionInputs

var flagSets = []int{Confidences*Depths + 1, 256}

// Reset prepares for a block of n bytes.
func (p *Predictor) Reset(n int, m Mode) {
	p.mode = m
	p.model.Reset(n, m.LM, m.set())
	p.byLast.Reset(m.apmRate())
	p.byKind.Reset(m.apmRate())
	p.resetMixer(Mode{Rich: m.Rich, Fast: m.Fast})
	if m.LM {
		p.resetMixer(m)
		p.resetFlags()
	}
	p.Use(m.LM)
}

// resetMixer prepares the mixer of a mode.
func (p *Predictor) resetMixer(m Mode) {
	mixer := &p.mixers[m.number()]
	if *mixer == nil {
		n := m.inputs()
		if m.LM {
			n++ // Frozen
		}
		*mixer = mix.NewMixer(n, m.sets(), m.finals(), m.rate())
	}
	(*mixer).Reset(p.start[m.name()])
}

// resetFlags prepares what only a block with a language model needs.
func (p *Predictor) resetFlags() {
	if p.flags == nil {
		p.byLM = mix.NewAPM(Confidences * Depths * context.Matches)
		p.flags = context.NewFlags()
		p.flagMix = mix.NewMixer(flagInputs+1, flagSets, []int{1}, mixRate)
	}
	p.byLM.Reset(p.mode.apmRate())
	p.flags.Reset()
	p.flagMix.Reset(p.start[flagMixer])
}

// Use says whether the decisions to come have opinions of a language model. The
// block must have been Reset for one; without, the mixer is that of blocks that
// have none.
func (p *Predictor) Use(lm bool) {
	p.lm, p.opinion, p.mixer = lm, false, p.mixers[Mode{LM: lm, Rich: p.mode.Rich, Fast: p.mode.Fast}.number()]
}

// Start makes c the cursor of a stream that begins at position pos.
func (p *Predictor) Start(c *Cursor, pos int) { c.Init(pos) }

// Begin turns to the next byte of the stream of c.
func (p *Predictor) Begin(c *Cursor) {
	p.c = c
	p.last = int(c.Tail() & 255)
	p.kinds = int(c.Classes() >> 4 & 255)
	p.model.Begin(c)
	if p.mode.Fast {
		p.mixer.Select(fastKinds, int(c.Classes()&0xfff))
		return
	}
	p.mixer.SelectFinal(finalKinds, int(c.Classes()&0xff))
	p.mixer.Select(setLast, p.last)
	p.mixer.Select(setKinds, int(c.Classes()&0xfff))
	if p.mode.Rich {
		p.mixer.Select(p.setField(), min(c.Field(), fields-1))
	}
}

// setField is the set of weights by the number of the field in the line. Behind it
// is that by what the matches expect.
func (p *Predictor) setField() int {
	if p.lm {
		return setsLM
	}
	return setsPlain
}

// P returns the probability / 2^32 that the decision at node is a one.
func (p *Predictor) P(node int, lm *Opinion) uint32 {
	m := p.mixer
	p.byLast.Select(p.last<<8 | node)
	p.byKind.Select(p.kinds<<8 | node)
	p.model.Predict(uint32(node), m.X)
	match := p.model.Match()
	matchSet := match*context.Orders + p.model.Known()
	if p.mode.Fast {
		m.Select(fastNode, node)
	} else {
		m.Select(setMatch, matchSet)
		m.Select(setNode, node)
	}
	if p.mode.Rich {
		expected := p.model.Expectation()
		m.Select(p.setField()+1, expected)
		m.SelectFinal(finalExpected, expected)
	}
	m.SelectFinal(finalMatch, matchSet)
	if p.lm {
		p.hear(lm, matchSet)
	}
	s, pr := m.P()
	a, b := uint64(p.byLast.P(s)), uint64(p.byKind.P(s))
	sum := 2*uint64(pr) + 3*a + 3*b
	if p.opinion {
		p.byLM.Select((lm.Confidence*Depths+lm.Depth)*context.Matches + match)
		c := uint64(p.byLM.P(s))
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
	fillOpinion(p.mixer.X[p.mode.inputs()-opinionInputs:], lm)
	p.mixer.Select(setOpinion, confidence*matchSets+matchSet)
	p.mixer.Select(setDepth, depth*16+int(p.c.Classes()&15))
}

// fillOpinion makes inputs of an opinion.
func fillOpinion(x []int32, lm *Opinion) {
	if lm == nil {
		lm = &Opinion{}
	}
	x[0], x[1], x[2] = lm.Static, lm.Adapted, lm.Frozen
}

// final keeps a probability away from 0 and 1.
func final(p uint64) uint32 {
	const least = 1 << 10
	return uint32(min(max(p, least), 1<<32-least))
}

// Update tells that the decision of the last P was bit.
func (p *Predictor) Update(bit int) {
	if p.learn != nil {
		p.learn.see(p, bit)
	}
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
	fillOpinion(m.X[context.FlagInputs:], lm)
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
	if p.learn != nil {
		p.learn.weights(flagMixer, p.flagMix)
	}
	p.flagMix.Update(bit)
	p.flags.Update(bit)
}

// Mark records whether a token ended after the last byte of c.
func (p *Predictor) Mark(c *Cursor, ends bool) { p.model.Mark(c, ends) }
