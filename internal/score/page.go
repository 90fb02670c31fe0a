package score

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"unicode/utf8"

	"kolm/internal/vocab"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// Page is a text for a person to read, coloured by how many bits each piece cost, or,
// with a second model, by how many more it costs that one.
type Page struct {
	Name   string // of the text
	Model  string
	Other  string // "" without a second model
	Rule   string
	Text   []byte
	Tokens []Token // in order; what they leave out of the text is shown as not scored
	Tok    *vocab.Tokenizer
}

// WritePages writes one HTML document of the texts, which needs no other file.
func WritePages(w io.Writer, pages []*Page) error {
	return pageTemplate.Execute(w, pages)
}

// Sum is what the scored tokens cost.
func (p *Page) Sum() *Block {
	var b Block
	for _, t := range p.Tokens {
		b.Add(&Block{Bytes: int64(t.Bytes), Tokens: 1, Bits: t.Bits, OtherBits: t.OtherBits})
	}
	return &b
}

// Figure is a line that sums the page up.
func (p *Page) Figure() string {
	b := p.Sum()
	if b.Bytes == 0 {
		return fmt.Sprintf("%d bytes, of which none is scored", len(p.Text))
	}
	s := fmt.Sprintf("%d bytes: %.3f bits a byte, where a plain file has 8 (computed)", b.Bytes, b.BitsPerByte())
	if p.Other != "" {
		s = fmt.Sprintf("%d bytes: %.4f bits a byte under the first model and %.4f under the second (computed)", b.Bytes, b.BitsPerByte(), b.OtherBitsPerByte())
	}
	return s
}

// Span is a piece of a page: one token, or several that share a character.
type Span struct {
	Class string
	Title string
	Text  string
}

// levels are the bits from which the next colour is used.
var levels = []float64{0.5, 1, 2, 3, 4.5, 6, 8, 10.5, 14}

// differences are the bits more or less for the same.
var differences = []float64{0.05, 0.2, 0.5, 1}

func (p *Page) class(bits, other float64) string {
	n := 0
	if p.Other == "" {
		for n < len(levels) && bits >= levels[n] {
			n++
		}
		return fmt.Sprintf("s%d", n)
	}
	d, sign := other-bits, "p"
	if d < 0 {
		d, sign = -d, "m"
	}
	for n < len(differences) && d >= differences[n] {
		n++
	}
	if n == 0 {
		return "s0"
	}
	return fmt.Sprintf("%s%d", sign, n)
}

// Legend shows the colours with what they stand for.
func (p *Page) Legend() (list []Span) {
	if p.Other == "" {
		from := 0.0
		for i, l := range levels {
			list = append(list, Span{Class: p.class(from, 0), Text: fmt.Sprintf("under %v", l)})
			if from = l; i == len(levels)-1 {
				list = append(list, Span{Class: p.class(l, 0), Text: fmt.Sprintf("%v bits and more", l)})
			}
		}
		return list
	}
	for i := len(differences) - 1; i >= 0; i-- {
		list = append(list, Span{Class: p.class(differences[i], 0), Text: fmt.Sprintf("%v less", differences[i])})
	}
	list = append(list, Span{Class: "s0", Text: "the same"})
	for _, d := range differences {
		list = append(list, Span{Class: p.class(0, d), Text: fmt.Sprintf("%v bits more", d)})
	}
	return list
}

// Spans cuts the text into pieces of whole characters.
func (p *Page) Spans() (list []Span) {
	at := 0
	for i := 0; i < len(p.Tokens); {
		first := i
		start := p.Tokens[i].Offset
		end := start + p.Tokens[i].Bytes
		for i++; i < len(p.Tokens) && p.Tokens[i].Offset == end && insideRune(p.Text, end); i++ {
			end += p.Tokens[i].Bytes
		}
		if start > at {
			list = append(list, Span{Class: "no", Title: "not scored", Text: visible(p.Text[at:start])})
		}
		if end > start {
			list = append(list, p.span(p.Tokens[first:i], p.Text[start:end]))
		}
		at = end
	}
	if at < len(p.Text) {
		list = append(list, Span{Class: "no", Title: "not scored", Text: visible(p.Text[at:])})
	}
	return list
}

// span describes tokens that are shown together.
func (p *Page) span(tokens []Token, text []byte) Span {
	var bits, other float64
	for _, t := range tokens {
		bits += t.Bits
		other += t.OtherBits
	}
	title := fmt.Sprintf("%.2f bits", bits)
	if odds := 1 / probability(bits); odds < 1e15 {
		title += fmt.Sprintf(": a chance of 1 in %s", round(odds))
	}
	if p.Other != "" {
		title += fmt.Sprintf("; %.2f bits under the second model", other)
	}
	switch t := tokens[0]; {
	case len(tokens) > 1:
		title += fmt.Sprintf("; %d tokens make this character", len(tokens))
	case t.Rank == 1:
		title += "; the model's first guess"
	case t.Top != vocab.None:
		title += fmt.Sprintf("; guess number %d, the first was %s", t.Rank, p.guess(t.Top))
	}
	return Span{Class: p.class(bits, other), Title: title, Text: visible(text)}
}

// guess shows a token that the model expected.
func (p *Page) guess(id int32) string {
	if int(id) >= p.Tok.Vocab() { // models may have more rows than tokens
		return "no token"
	}
	b := p.Tok.Text(id)
	if len(b) == 0 {
		return visible(p.Tok.Pieces[id])
	}
	return "\u201c" + strings.ReplaceAll(visible(b), "\n", "\u21b5") + "\u201d"
}

func round(x float64) string {
	if x < 10 {
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// insideRune reports whether a place is inside of a character.
func insideRune(text []byte, at int) bool {
	for back := 1; back < utf8.UTFMax && back <= at; back++ {
		if utf8.RuneStart(text[at-back]) {
			_, n := utf8.DecodeRune(text[at-back:])
			return n > back
		}
	}
	return false
}

// visible shows bytes that are no characters as \xff, and control characters by their
// pictures.
func visible(b []byte) string {
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&s, `\x%02x`, b[0])
		case r < ' ' && r != '\n' && r != '\t':
			s.WriteRune(0x2400 + r)
		case r == 0x7f:
			s.WriteRune(0x2421)
		default:
			s.WriteRune(r)
		}
		b = b[n:]
	}
	return s.String()
}

// Bar is a part of the text in the overview.
type Bar struct {
	Class string
	Title string
	High  int // per cent
}

const bars = 100

// Bars shows how the cost goes along the text.
func (p *Page) Bars() []Bar {
	parts := make([]Block, bars)
	for _, t := range p.Tokens {
		b := &parts[t.Offset*bars/max(1, len(p.Text))%bars]
		b.Add(&Block{Bytes: int64(t.Bytes), Bits: t.Bits, OtherBits: t.OtherBits})
	}
	var top float64
	for i := range parts {
		top = max(top, parts[i].BitsPerByte())
	}
	list := make([]Bar, bars)
	for i := range parts {
		b := &parts[i]
		if b.Bytes == 0 || top == 0 {
			continue
		}
		list[i] = Bar{
			Class: p.class(4*b.BitsPerByte(), 4*b.OtherBitsPerByte()), // as if of tokens of four bytes
			Title: fmt.Sprintf("from byte %d: %.2f bits a byte", i*len(p.Text)/bars, b.BitsPerByte()),
			High:  int(100 * b.BitsPerByte() / top),
		}
	}
	return list
}
