package codec

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"kolm/internal/coder"
)

// Method says how the payload of a block was made. The numbers are part of the
// file format.
type Method byte

const (
	Stored   Method = iota // the plain bytes
	Fill                   // one byte value repeated; the payload is that byte
	Contexts               // adaptive contexts only
	Model                  // adaptive contexts mixed with a language model, in many streams
	Single                 // the same in one stream; the model may learn
)

func (m Method) String() string {
	switch m {
	case Stored:
		return "stored"
	case Fill:
		return "fill"
	case Contexts:
		return "contexts"
	case Model:
		return "model"
	case Single:
		return "single"
	}
	return fmt.Sprintf("method %d", byte(m))
}

// ErrCorrupt means that a payload is not one that Encode can have written.
var ErrCorrupt = errors.New("codec: payload is corrupt")

// ErrNoModel means that a block was coded with a model and none was given.
var ErrNoModel = errors.New("codec: block needs a model")

// ModelLevel is the least level that codes with the model.
const ModelLevel = 5

// Options choose the predictor of a Coder.
type Options struct {
	Level   int // 1 the fast contexts only, up to 4 more of them; from ModelLevel on with the model, from 6 on in one stream; at 9 it learns
	LM      *LM // needed from ModelLevel on, and to decode blocks coded with it
	Workers int // goroutines used inside one block; changes speed, never bits

	// Watch, if not nil, is called by Decode with the probability / 2^32 that each
	// decision had. A payload that is no arithmetic code, stored or filled, has
	// none.
	Watch func(p uint32)
}

// Coder codes blocks. It keeps its memory from block to block; one goroutine
// may use it at a time.
type Coder struct {
	o        Options
	contexts *ContextCoder
	model    *modelCoder
	single   *singleCoder
	trial    []byte
	meter    meter
}

// New returns a coder, which takes its memory when it is first used.
func New(o Options) *Coder { return &Coder{o: o} }

// Report has f called, from now on, with the number of plain bytes coded since
// its last call: now and then inside a block, and at its end. The calls for a
// block that did not fail add up to its length.
func (c *Coder) Report(f func(n int)) { c.meter.report = f }

// Encode appends the payload of plain to dst and returns it with the method
// that made it.
func (c *Coder) Encode(dst, plain []byte) (Method, []byte, error) {
	c.meter.begin(len(plain))
	m, out, err := c.smallest(dst, plain)
	if err == nil {
		c.meter.end()
	}
	return m, out, err
}

// smallest encodes by the method that should give the smallest payload.
func (c *Coder) smallest(dst, plain []byte) (Method, []byte, error) {
	if len(plain) > 0 && constant(plain) {
		return Fill, append(dst, plain[0]), nil
	}
	if Incompressible(plain) {
		return Stored, append(dst, plain...), nil
	}
	if c.o.Level >= ModelLevel && c.o.LM == nil {
		return 0, dst, ErrNoModel
	}
	m, out, err := c.encode(dst, plain)
	if err != nil {
		return 0, dst, err
	}
	if len(out)-len(dst) >= len(plain) {
		return Stored, append(dst, plain...), nil
	}
	return m, out, nil
}

// encode chooses between the methods that predict.
func (c *Coder) encode(dst, plain []byte) (Method, []byte, error) {
	if c.o.Level < ModelLevel || !c.modelPays(plain) {
		return Contexts, c.contextCoder().Encode(dst, plain), nil
	}
	if c.prose(plain) {
		m, out, _, err := c.encodeModel(dst, plain, 0)
		return m, out, err
	}
	c.meter.trial = true
	alone := c.contextCoder().Encode(dst, plain)
	c.meter.trial = false
	size := len(alone) - len(dst)
	m, trial, ok, err := c.encodeModel(c.trial[:0], plain, size)
	c.trial = trial
	if err != nil || !ok || len(trial) >= size {
		return Contexts, alone, err
	}
	return m, append(dst, trial...), nil
}

// leastSingle is the least block that is coded by Single: there is little to
// learn from in a shorter one, and Model makes one stream of it too.
const leastSingle = 1 << 10

// encodeModel encodes with the model, in many streams or one as the level is. It
// says false if it gave up, because the block without the model takes no more
// than alone bytes; it never does if that is 0.
func (c *Coder) encodeModel(dst, plain []byte, alone int) (m Method, out []byte, ok bool, err error) {
	if c.o.Level < 6 || len(plain) < leastSingle {
		out, ok = c.modelCoder().encode(dst, plain, alone)
		return Model, out, ok, nil
	}
	out, err = c.singleCoder().encode(dst, plain, c.o.Level >= 9)
	return Single, out, err == nil, err
}

// Decode fills dst, as long as the plain block, from its payload.
func (c *Coder) Decode(dst []byte, m Method, payload []byte) error {
	c.meter.begin(len(dst))
	err := c.decode(dst, m, payload)
	if err == nil {
		c.meter.end()
	}
	return err
}

func (c *Coder) decode(dst []byte, m Method, payload []byte) error {
	switch m {
	case Stored:
		if len(payload) != len(dst) {
			return fmt.Errorf("%w: %d stored bytes for %d plain ones", ErrCorrupt, len(payload), len(dst))
		}
		copy(dst, payload)
	case Fill:
		if len(payload) != 1 || len(dst) == 0 {
			return fmt.Errorf("%w: %d bytes to fill a block with", ErrCorrupt, len(payload))
		}
		for i := range dst {
			dst[i] = payload[0]
		}
	case Contexts:
		return c.contextCoder().Decode(dst, payload)
	case Model:
		if c.o.LM == nil {
			return ErrNoModel
		}
		return c.modelCoder().decode(dst, payload)
	case Single:
		if c.o.LM == nil {
			return ErrNoModel
		}
		return c.singleCoder().decode(dst, payload)
	default:
		return fmt.Errorf("%w: %v is unknown", ErrCorrupt, m)
	}
	return nil
}

func (c *Coder) contextCoder() *ContextCoder {
	if c.contexts == nil {
		c.contexts = NewContextCoder()
		c.contexts.meter = &c.meter
		c.contexts.dec.watch = c.o.Watch
		c.contexts.Fast, c.contexts.Rich = c.o.Level <= 1, c.o.Level > 1
	}
	return c.contexts
}

func (c *Coder) modelCoder() *modelCoder {
	if c.model == nil {
		c.model = newModelCoder(c.o.LM, c.o.Workers)
		c.model.meter = &c.meter
		c.model.dec.watch = c.o.Watch
	}
	return c.model
}

func (c *Coder) singleCoder() *singleCoder {
	if c.single == nil {
		c.single = newSingleCoder(c.modelCoder())
	}
	return c.single
}

// On data that is no text the model is tried against the contexts alone, on
// samples, because on data unlike any text it costs time and may gain nothing.
const (
	trialSamples = 3
	trialBytes   = 2 << 10
)

// modelPays reports whether the model should make plain smaller.
func (c *Coder) modelPays(plain []byte) bool {
	if textual(plain) {
		return true
	}
	c.meter.trial = true
	defer func() { c.meter.trial = false }()
	var with, without int
	for i := range trialSamples {
		sample := plain
		if len(plain) > trialSamples*trialBytes {
			from := (len(plain) - trialBytes) / (trialSamples - 1) * i
			sample = plain[from : from+trialBytes]
		} else if i > 0 {
			break
		}
		c.trial, _ = c.modelCoder().encode(c.trial[:0], sample, 0)
		with += len(c.trial)
		c.trial = c.contextCoder().Encode(c.trial[:0], sample)
		without += len(c.trial)
	}
	return with < without
}

// A sample from the middle of a large block tells whether it is like prose or
// program text: neither tables and logs, which the contexts soon know by heart,
// nor numbers in letters, on which no model gains. There the model pays for
// sure, and nothing else need be tried.
const (
	sampleBytes = 32 << 10
	sampleSkip  = 24 << 10 // bytes to learn from before the cost counts
)

func (c *Coder) prose(plain []byte) bool {
	if len(plain) < 2*sampleBytes || !textual(plain) {
		return false
	}
	from := (len(plain) - sampleBytes) / 2
	cost := c.contextCoder().cost(plain[from:from+sampleBytes], sampleSkip)
	const bit = ln2 * (sampleBytes - sampleSkip) // a bit a byte
	return cost > 5*bit/4 && cost < 5*bit
}

// textual reports whether b is UTF-8 text but for one byte in a hundred.
func textual(b []byte) bool {
	wrong := 0
	for i := 0; i < len(b); {
		if c := b[i]; c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\t' && c != '\r' {
				wrong++
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			wrong++
		}
		i += n
	}
	return wrong <= len(b)/100
}

func constant(b []byte) bool {
	for _, x := range b[1:] {
		if x != b[0] {
			return false
		}
	}
	return true
}

// checkEnd reports a payload that ended too early or too late.
func checkEnd(d *coder.Decoder) error {
	if n := d.Overrun(); n > 8 {
		return fmt.Errorf("%w: it ends %d bytes early", ErrCorrupt, n-8)
	}
	if n := d.Unread(); n > 0 {
		return fmt.Errorf("%w: %d bytes are left over", ErrCorrupt, n)
	}
	return nil
}
