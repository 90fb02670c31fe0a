package score

import "math"

// Block is a run of neighbouring bytes of a text and what they cost. Tokens belong to
// the block of their first byte.
type Block struct {
	Bytes  int64 // of the scored tokens
	Tokens int64 // scored
	Bits   float64

	// With a second model:
	OtherBits float64
	KL        float64 // in bits
	Agree     int64   // tokens at which both models have one favourite
}

// Add adds another block.
func (b *Block) Add(o *Block) {
	b.Bytes += o.Bytes
	b.Tokens += o.Tokens
	b.Bits += o.Bits
	b.OtherBits += o.OtherBits
	b.KL += o.KL
	b.Agree += o.Agree
}

// Total adds blocks up, in their order.
func Total(blocks []Block) (sum Block) {
	for i := range blocks {
		sum.Add(&blocks[i])
	}
	return sum
}

// BitsPerByte is 0 where there are no bytes.
func (b *Block) BitsPerByte() float64 { return ratio(b.Bits, b.Bytes) }

// OtherBitsPerByte is BitsPerByte of the second model.
func (b *Block) OtherBitsPerByte() float64 { return ratio(b.OtherBits, b.Bytes) }

// BitsPerToken is 0 where there are no tokens.
func (b *Block) BitsPerToken() float64 { return ratio(b.Bits, b.Tokens) }

// Difference is by how many bits a byte the second model needs more.
func (b *Block) Difference() float64 { return ratio(b.OtherBits-b.Bits, b.Bytes) }

// Divergence is KL in bits a token.
func (b *Block) Divergence() float64 { return ratio(b.KL, b.Tokens) }

// Agreement is the part of the tokens at which both models have one favourite.
func (b *Block) Agreement() float64 { return ratio(float64(b.Agree), b.Tokens) }

func ratio(a float64, n int64) float64 {
	if n == 0 {
		return 0
	}
	return a / float64(n)
}

// Result is what a text costs.
type Result struct {
	Sum     Block
	Blocks  []Block // of Unit bytes, whose sum is Sum
	Unit    int
	Bytes   int64 // of the text
	Tokens  int64 // of the text
	Windows int

	Perplexity      float64   // of a token, as the rule takes the mean
	PerplexityError float64   // as llama.cpp's program states it: tokens taken as independent
	KL              []float32 // of every scored token with a second model, in bits
}

// sums collects the tokens of a text.
type sums struct {
	run    *Run
	text   *Text
	unit   int
	blocks []Block
	kl     []float32

	next   int // token that offset belongs to
	offset int // in the text with its prefix

	nats, weight    float64 // by windows, for the perplexity
	count           float64
	mean, deviation float64 // of nats a token, by Welford's method
}

func newSums(text *Text, r *Run) *sums {
	unit := unitOf(text.Bytes)
	return &sums{run: r, text: text, unit: unit, blocks: make([]Block, (text.Bytes+unit-1)/unit)}
}

// place finds where a token stands in the text.
func (s *sums) place(t *Token) {
	for ; s.next < t.Index; s.next++ {
		s.offset += len(s.text.tok.Text(s.text.IDs[s.next]))
	}
	end := s.offset + len(s.text.tok.Text(t.ID))
	t.Offset = max(0, s.offset-s.text.prefix)
	t.Bytes = max(0, end-s.text.prefix) - t.Offset
}

func (s *sums) window(w *Window, tokens []Token) error {
	var nats float64
	from := s.offset
	for i := range tokens {
		t := &tokens[i]
		s.place(t)
		b := &s.blocks[min(t.Offset/s.unit, len(s.blocks)-1)]
		b.Bytes += int64(t.Bytes)
		b.Tokens++
		b.Bits += t.Bits
		if s.run.Other != nil {
			b.OtherBits += t.OtherBits
			b.KL += t.KL
			s.kl = append(s.kl, float32(t.KL))
			if t.Top == t.OtherTop {
				b.Agree++
			}
		}
		x := t.Bits * math.Ln2
		nats += x
		s.count++
		d := x - s.mean
		s.mean += d / s.count
		s.deviation += d * (x - s.mean)
		if s.run.Each != nil {
			if err := s.run.Each(*t); err != nil {
				return err
			}
		}
	}
	s.nats += nats / float64(len(tokens)) * float64(w.Weight)
	s.weight += float64(w.Weight)
	if s.run.Progress != nil {
		s.run.Progress(s.offset - from)
	}
	return nil
}

func (s *sums) result(windows int) *Result {
	r := &Result{Sum: Total(s.blocks), Blocks: s.blocks, Unit: s.unit, Bytes: int64(s.text.Bytes), Tokens: int64(len(s.text.IDs)), Windows: windows, KL: s.kl}
	if s.weight > 0 {
		r.Perplexity = math.Exp(s.nats / s.weight)
	}
	if s.count > 1 {
		r.PerplexityError = math.Sqrt(s.deviation/s.count/(s.count-1)) * r.Perplexity
	}
	return r
}

// Perplexity is that of one of n parts of what costs so many bits.
func Perplexity(bits float64, n int64) float64 { return math.Exp2(ratio(bits, n)) }

// Mean is the mean of figures, 0 of none.
func Mean(figures []float64) float64 {
	sum := 0.0
	for _, f := range figures {
		sum += f
	}
	return ratio(sum, int64(len(figures)))
}
