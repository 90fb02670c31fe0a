package memory

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"kolm/internal/lm"
)

// Fact is what an edit makes the model say.
type Fact struct {
	Prompt  string `json:"prompt"`  // contains the subject
	Subject string `json:"subject"` // whose memory is edited, at its last token
	Target  string `json:"target"`  // how the prompt shall go on
}

// EditOptions say how an edit is found.
type EditOptions struct {
	Layers   []int     // one for ROME; those that share the edit for MEMIT
	Steps    int       // of the search for the value
	Rate     float64   // of that search, as a share of the value's length
	Clamp    float64   // longest change of the value, as a multiple of its length
	Decay    float64   // weight of the change's squared length, in units of the value's
	Keep     float64   // weight of the divergence of what the model says of the subject
	Essence  string    // what stands after the subject there
	Ridge    float64   // added to the diagonal of the keys' second moment, as a share of its mean
	Lambda   float64   // MEMIT: weight of the keys of ordinary text
	Prefixes []string  // texts before the prompt; the key is a mean over them and none
	Ordinary []Passage // text whose keys are to keep their values
}

// DefaultEdit are the options of the papers, in units that do not depend on the
// size of a model.
func DefaultEdit() EditOptions {
	return EditOptions{Steps: 30, Rate: .1, Clamp: 4, Decay: .01, Keep: .0625, Essence: " is a", Ridge: 1e-3, Lambda: 1}
}

// Change is the difference of one layer's Down matrix.
type Change struct {
	Layer    int       `json:"layer"`
	Norm     float64   `json:"norm"`      // of the difference (Frobenius)
	Relative float64   `json:"relative"`  // over the norm of the matrix
	Largest  float64   `json:"largest"`   // change of a weight
	Changed  int       `json:"changed"`   // weights
	Weights  []float32 `json:"-"`         // the new matrix (Dim, FFN)
	Cond     float64   `json:"condition"` // of the second moment of keys that was inverted
	KeyFit   float64   `json:"key_error"` // of the difference at the keys, after rounding to float32, over what it should be
}

// Edited is an edited model, with what was changed.
type Edited struct {
	Model   *Model   `json:"-"`
	Changes []Change `json:"changes"`
	Losses  []Search `json:"search"` // by fact
}

// Search says how the value of a fact was found.
type Search struct {
	Fact   Fact    `json:"fact"`
	Before float64 `json:"bits_before"` // of the target, mean over the prefixes
	After  float64 `json:"bits_after"`  // with the value put in by hand
	Length float64 `json:"change"`      // of the value, over its length
}

// ErrNotEdited says that the edit did not change what the model answers.
var ErrNotEdited = errors.New("not edited")

// Edit writes facts into the feed-forward values of a model. One layer and one fact
// is ROME (K. Meng et al., 2022) with one key for all its terms (A. Gupta et al.,
// "Rebuilding ROME", 2024); several facts, or layers, is MEMIT (K. Meng et al.,
// "Mass-Editing Memory in a Transformer", 2023). The model itself is not changed.
func (m *Model) Edit(facts []Fact, o EditOptions, done func()) (*Edited, error) {
	if err := m.editable(facts, o); err != nil {
		return nil, err
	}
	top := o.Layers[len(o.Layers)-1]
	e := &Edited{Model: m}
	var jobs []*editJob
	for _, f := range facts {
		j, err := m.newJob(f, o, top)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", f.Prompt, err)
		}
		s, err := j.search(done)
		if err != nil {
			return nil, err
		}
		e.Losses = append(e.Losses, *s)
		jobs = append(jobs, j)
	}
	for i, l := range o.Layers {
		c, err := e.Model.writeLayer(l, jobs, o, len(o.Layers)-i)
		if err != nil {
			return nil, err
		}
		e.Changes = append(e.Changes, *c)
		if e.Model, err = e.Model.WithDown(l, c.Weights); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (m *Model) editable(facts []Fact, o EditOptions) error {
	switch {
	case len(facts) == 0:
		return errors.New("no facts to write")
	case len(o.Layers) == 0 || !slices.IsSorted(o.Layers) || o.Layers[0] < 0 || o.Layers[len(o.Layers)-1] >= m.LM.Config.Layers:
		return fmt.Errorf("layers %v: want ascending layers of 0 to %d", o.Layers, m.LM.Config.Layers-1)
	case m.LM.Weights.Layers[0].FFNPost.Gain != nil:
		return errors.New("models with a norm after the feed-forward part are not edited: it would undo the length of a new value")
	case len(o.Ordinary) == 0:
		return errors.New("no ordinary text: its keys say what an edit must leave alone")
	}
	return nil
}

// WithDown returns the model with another Down matrix (Dim, FFN) in a layer.
func (m *Model) WithDown(layer int, weights []float32) (*Model, error) {
	w := *m.LM.Weights
	w.Layers = slices.Clone(w.Layers)
	w.Layers[layer].Down.Matrix = lm.Floats(m.LM.Config.Dim, m.LM.Config.FFN, weights)
	x, err := lm.New(m.LM.Config, &w, lm.DefaultKeep)
	if err != nil {
		return nil, err
	}
	return &Model{x, m.Vocab, m.Threads}, nil
}

// editJob is a fact on its way into the model.
type editJob struct {
	m     *Model
	o     EditOptions
	fact  Fact
	layer int // where the value is searched
	texts []editText
	kept  editText  // what the subject is
	keep  []float64 // probabilities there before, by token
	delta []float64 // change of the value
	goal  []float64 // the stream that is wanted at the subject of the bare prompt
}

// editText is a text with the subject in it.
type editText struct {
	tokens  []int32
	subject int // its last token
	from    int // first token of the target
}

func (m *Model) newJob(f Fact, o EditOptions, layer int) (*editJob, error) {
	j := &editJob{m: m, o: o, fact: f, layer: layer, delta: make([]float64, m.LM.Config.Dim)}
	target, err := m.Vocab.Continue([]byte(f.Target))
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	if len(target) == 0 {
		return nil, errors.New("the target is empty")
	}
	for _, prefix := range append([]string{""}, o.Prefixes...) {
		t, err := m.editText(prefix+f.Prompt, f.Subject, target)
		if err != nil {
			return nil, err
		}
		j.texts = append(j.texts, t)
	}
	if j.kept, err = m.editText(f.Subject+o.Essence, f.Subject, nil); err != nil {
		return nil, err
	}
	r, err := m.Run(j.kept.tokens, nil)
	if err != nil {
		return nil, err
	}
	logits, err := r.Logits(len(j.kept.tokens) - 1)
	if err != nil {
		return nil, err
	}
	z, p := logSum(logits), make([]float64, len(logits))
	for i, v := range logits {
		p[i] = math.Exp(float64(v) - z)
	}
	j.keep = p
	return j, nil
}

func (m *Model) editText(text, subject string, target []int32) (editText, error) {
	tokens, err := m.Text(text)
	if err != nil {
		return editText{}, err
	}
	_, to, err := m.find(tokens, text, subject)
	if err != nil {
		return editText{}, err
	}
	return editText{append(slices.Clone(tokens), target...), to - 1, len(tokens)}, m.fits(len(tokens) + len(target))
}

// search finds the change of the value by gradient descent (Adam): the target shall
// be likely after all texts, what the subject is shall stay, the change be short.
func (j *editJob) search(done func()) (*Search, error) {
	bare, err := j.m.Run(j.texts[0].tokens, nil)
	if err != nil {
		return nil, err
	}
	length := norm(floats(bare.Row(lm.FFNOutput, j.layer, j.texts[0].subject)))
	s := &Search{Fact: j.fact}
	first, second := make([]float64, len(j.delta)), make([]float64, len(j.delta))
	for step := 1; ; step++ {
		nats, grad, err := j.gradient(length)
		if err != nil {
			return nil, err
		}
		if step == 1 {
			s.Before = nats / math.Ln2
		}
		s.After = nats / math.Ln2
		if step > j.o.Steps || nats < .02 {
			break
		}
		rate := j.o.Rate * length / math.Sqrt(float64(len(grad)))
		for i, g := range grad {
			first[i] = .9*first[i] + .1*g
			second[i] = .999*second[i] + .001*g*g
			j.delta[i] -= rate * first[i] / (1 - math.Pow(.9, float64(step))) / (math.Sqrt(second[i]/(1-math.Pow(.999, float64(step)))) + 1e-12)
		}
		if n := norm(j.delta); n > j.o.Clamp*length {
			for i := range j.delta {
				j.delta[i] *= j.o.Clamp * length / n
			}
		}
		if done != nil {
			done()
		}
	}
	s.Length = norm(j.delta) / length
	j.goal = floats(bare.Row(lm.Residual, j.layer, j.texts[0].subject))
	for i, d := range j.delta {
		j.goal[i] += d
	}
	return s, nil
}

// gradient returns the mean nats of the target under the change of the value, and
// the gradient of the whole loss by the change.
func (j *editJob) gradient(length float64) (nats float64, grad []float64, err error) {
	grad = make([]float64, len(j.delta))
	for i, d := range j.delta {
		grad[i] = 2 * j.o.Decay * d / (length * length)
	}
	add := func(t editText, targets []target, r *Record, k float64) error {
		dh, err := r.lossGradient(targets)
		if err != nil {
			return err
		}
		g, err := r.backward(dh, j.layer)
		if err != nil {
			return err
		}
		for i, v := range g.Stream[j.layer][t.subject*len(grad):][:len(grad)] {
			grad[i] += k * v
		}
		return nil
	}
	share := 1 / float64(len(j.texts))
	for _, t := range j.texts {
		r, err := j.m.Run(t.tokens, j.put(t.subject))
		if err != nil {
			return 0, nil, err
		}
		var targets []target
		for i := t.from; i < len(t.tokens); i++ {
			p, err := probability(r, i-1, t.tokens[i])
			if err != nil {
				return 0, nil, err
			}
			nats -= share * math.Log(p)
			targets = append(targets, target{pos: i - 1, weights: map[int32]float64{t.tokens[i]: -1}})
		}
		if err := add(t, targets, r, share); err != nil {
			return 0, nil, err
		}
	}
	r, err := j.m.Run(j.kept.tokens, j.put(j.kept.subject))
	if err != nil {
		return 0, nil, err
	}
	pull := make([]float64, len(j.keep))
	for i, p := range j.keep { // divergence of what was from what is
		pull[i] = -p
	}
	return nats, grad, add(j.kept, []target{{pos: len(j.kept.tokens) - 1, pull: pull}}, r, j.o.Keep)
}

// put is a tap that adds the change to the output of the feed-forward part.
func (j *editJob) put(pos int) lm.Tap {
	return func(site lm.Site, rows []float32) {
		if site.Point != lm.FFNOutput || site.Layer != j.layer {
			return
		}
		for i, at := range site.Positions {
			if at == pos {
				for d, v := range j.delta {
					rows[i*site.Width+d] += float32(v)
				}
			}
		}
	}
}

// key is the mean of a layer's coefficients at the subject over the texts.
func (j *editJob) key(m *Model, layer int) ([]float64, error) {
	k := make([]float64, m.LM.Config.FFN)
	for _, t := range j.texts {
		r, err := m.Run(t.tokens[:t.from], nil)
		if err != nil {
			return nil, err
		}
		for i, v := range r.Row(lm.Coefficients, layer, t.subject) {
			k[i] += float64(v) / float64(len(j.texts))
		}
	}
	return k, nil
}

func floats(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func norm(x []float64) float64 { return mat.Norm(mat.NewVecDense(len(x), x), 2) }
