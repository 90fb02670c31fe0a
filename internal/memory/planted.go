package memory

import (
	"fmt"
	"math"
	"unicode/utf8"

	"kolm/internal/lm"
)

// Letters is the vocabulary of planted models, of so many tokens: token i is the
// character 'A'+i, and there is no start token.
type Letters int

// Encode implements Vocab.
func (v Letters) Encode(text []byte) ([]int32, error) {
	var list []int32
	for _, r := range string(text) {
		if r < 'A' || r >= 'A'+rune(v) {
			return nil, fmt.Errorf("character %q has no token", r)
		}
		list = append(list, r-'A')
	}
	return list, nil
}

// Continue implements Vocab.
func (v Letters) Continue(text []byte) ([]int32, error) { return v.Encode(text) }

// Bytes implements Vocab.
func (v Letters) Bytes(t int32) []byte { return utf8.AppendRune(nil, 'A'+t) }

// Start implements Vocab.
func (v Letters) Start() int32 { return -1 }

// Sharp is the coefficient of a planted neuron on its own key, so large that GELU
// and SiLU are the identity there, and 0 on all other keys.
const Sharp = 24

// Planted is a model under construction whose memories are known. Its residual
// stream has one dimension a token, then free ones; token t is embedded, and read,
// as unit vector t. Attention does nothing.
type Planted struct {
	vocab, dim, ffn, layers int
	c                       lm.Config
	w                       *lm.Weights
	up, gate, down          [][]float32 // by layer, row-major
	upBias                  [][]float32
}

// NewPlanted begins a model of layers with ffn neurons each, without or with a gate.
func NewPlanted(vocab, free, ffn, layers int, gated bool) *Planted {
	p := &Planted{vocab: vocab, dim: vocab + free, ffn: ffn, layers: layers}
	p.c = lm.Config{
		Arch: "planted", Vocab: vocab, Dim: p.dim, Layers: layers, Heads: 1, KVHeads: 1, HeadDim: p.dim, FFN: ffn, Context: 64,
		Eps: 1e-9, Activation: lm.GELU, EmbedScale: 1, QueryScale: 1,
	}
	ones := make([]float32, p.dim)
	for i := range ones {
		ones[i] = 1
	}
	zero := func() lm.Linear { return lm.Linear{Matrix: lm.Floats(p.dim, p.dim, make([]float32, p.dim*p.dim))} }
	table := make([]float32, vocab*p.dim)
	for t := range vocab {
		table[t*p.dim+t] = 1
	}
	p.w = &lm.Weights{Embed: lm.Floats(vocab, p.dim, table), FinalNorm: lm.Norm{Gain: ones}}
	p.w.Output = p.w.Embed
	for range layers {
		p.w.Layers = append(p.w.Layers, lm.Layer{
			AttnNorm: lm.Norm{Gain: ones}, FFNNorm: lm.Norm{Gain: ones}, Q: zero(), K: zero(), V: zero(), O: zero(),
		})
		p.up, p.down = append(p.up, make([]float32, ffn*p.dim)), append(p.down, make([]float32, ffn*p.dim))
		p.upBias = append(p.upBias, make([]float32, ffn))
		if gated {
			p.gate = append(p.gate, make([]float32, ffn*p.dim))
		}
	}
	if gated {
		p.c.Activation = lm.SiLU
	}
	return p
}

// Remember makes a neuron write value where the stream is near a token's vector.
// Without a gate a bias silences it elsewhere; with one, the gate does.
func (p *Planted) Remember(n Neuron, subject int, value []float32) {
	u := float32(math.Sqrt(float64(p.dim))) // length of a normed row
	if p.gate != nil {
		p.gate[n.Layer][n.Index*p.dim+subject] = Sharp / u
		p.up[n.Layer][n.Index*p.dim+subject] = 1 / u
	} else {
		const steep = 20
		p.up[n.Layer][n.Index*p.dim+subject] = Sharp * steep / u
		p.upBias[n.Layer][n.Index] = -Sharp * (steep - 1)
	}
	for d, v := range value {
		p.down[n.Layer][d*p.ffn+n.Index] = v / Sharp
	}
}

// Flip changes the signs of a gated neuron's Up row and of its value, which leaves
// the model what it is.
func (p *Planted) Flip(n Neuron) {
	for d := range p.dim {
		p.up[n.Layer][n.Index*p.dim+d] *= -1
		p.down[n.Layer][d*p.ffn+n.Index] *= -1
	}
}

// Unit is c times unit vector d.
func (p *Planted) Unit(d int, c float32) []float32 {
	v := make([]float32, p.dim)
	v[d] = c
	return v
}

// Superpose makes the first layer linear memories of n tokens, each for the token
// next tokens after it, in a stream of dim dimensions: fewer than keys, so that they
// interfere. table (vocab, dim) are the vectors of the tokens.
func (p *Planted) Superpose(n, dim, next int, table []float32) {
	p.dim, p.c.Dim, p.c.HeadDim, p.ffn, p.c.FFN = dim, dim, dim, n, n
	p.w.Embed = lm.Floats(p.vocab, dim, table)
	p.w.Output = p.w.Embed
	p.w.FinalNorm.Gain = p.w.FinalNorm.Gain[:dim]
	l := &p.w.Layers[0]
	zero := lm.Linear{Matrix: lm.Floats(dim, dim, make([]float32, dim*dim))}
	l.Q, l.K, l.V, l.O = zero, zero, zero, zero
	l.AttnNorm.Gain, l.FFNNorm.Gain = l.AttnNorm.Gain[:dim], l.FFNNorm.Gain[:dim]
	p.up[0], p.down[0], p.upBias[0] = make([]float32, n*dim), make([]float32, n*dim), make([]float32, n)
	for i := range n {
		for d := range dim {
			p.up[0][i*dim+d] = table[i*dim+d] * float32(math.Sqrt(float64(dim)))
			p.down[0][d*n+i] = table[(i+next)%p.vocab*dim+d] / 4
		}
	}
}

// NewCopier plants a memory whose answer has to be fetched: layer 0 remembers at the
// subject, token A, that G follows; layer 1 copies from position 1 to position 2;
// layer 2 does nothing.
func NewCopier() (*Model, error) {
	p := NewPlanted(14, 3, 4, 3, false)
	table := make([]float32, p.c.Context*p.dim)
	for pos := range 3 {
		table[pos*p.dim+14+pos] = .1
	}
	p.w.Positions = lm.Floats(p.c.Context, p.dim, table)
	p.Remember(Neuron{0, 0}, 0, p.Unit(6, 5))
	one := func(row, col int, v float32) lm.Linear {
		w := make([]float32, p.dim*p.dim)
		w[row*p.dim+col] = v
		return lm.Linear{Matrix: lm.Floats(p.dim, p.dim, w)}
	}
	l := &p.w.Layers[1]
	l.Q, l.K = one(15, 16, 4000), one(15, 15, 1)
	l.V, l.O = one(6, 6, 1), one(6, 6, 2)
	return p.Model()
}

// Model finishes the model.
func (p *Planted) Model() (*Model, error) {
	for l := range p.layers {
		x := &p.w.Layers[l]
		x.Up.Matrix, x.Down.Matrix = lm.Floats(p.ffn, p.dim, p.up[l]), lm.Floats(p.dim, p.ffn, p.down[l])
		if p.gate != nil {
			x.Gate.Matrix = lm.Floats(p.ffn, p.dim, p.gate[l])
		} else {
			x.Up.Bias = p.upBias[l]
		}
	}
	m, err := lm.New(p.c, p.w, lm.DefaultKeep)
	if err != nil {
		return nil, err
	}
	return New(m, Letters(p.vocab))
}
