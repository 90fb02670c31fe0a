package score

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"kolm/internal/vocab"
)

func newPage(t *testing.T, text, other string) *Page {
	t.Helper()
	tok := toyTokenizer(t, 256, vocab.None, true)
	p := &Page{Name: "a <b>.txt", Model: "one", Other: other, Rule: "the rule", Text: []byte(text), Tok: tok}
	run := Run{Rule: everyRule(t, tok, 16, 8), Model: toyModel(t, 1), Each: func(x Token) error {
		p.Tokens = append(p.Tokens, x)
		return nil
	}}
	if other != "" {
		run.Other = toyModel(t, 2)
	}
	if _, err := run.Score(encode(t, tok, text)); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPage writes a page of a text whose characters are cut by tokens, with bytes that
// are none, and what means something in HTML.
func TestPage(t *testing.T) {
	text := "你好, <b>&amp; \xff\x00\x1b[2J\r\n\"the\" 😀\u200f"
	for _, other := range []string{"", "two"} {
		var out bytes.Buffer
		if err := WritePages(&out, []*Page{newPage(t, text, other), newPage(t, "the", other)}); err != nil {
			t.Fatal(err)
		}
		html := out.String()
		if !utf8.ValidString(html) {
			t.Error("the page is not UTF-8")
		}
		for _, want := range []string{">你好<", "&lt;", `\xff`, "\u2400", "\u241b", ">\u240d<", ">😀<", "a &lt;b&gt;.txt", "the rule", "bits a byte", "tokens make this character"} {
			if !strings.Contains(html, want) {
				t.Errorf("with %q: no %q in the page", other, want)
			}
		}
		for _, bad := range []string{"http:", "https:", "src=", "url(", "<b>&", "\x00", "\x1b", "ZgotmplZ"} {
			if strings.Contains(html, bad) {
				t.Errorf("with %q: %q in the page", other, bad)
			}
		}
	}
}

// TestSpans checks that pieces are whole characters and together the text, also where
// parts of it are not scored.
func TestSpans(t *testing.T) {
	p := newPage(t, "the 你好你好 th\xe4\xbd th", "")
	whole := func() string {
		var s strings.Builder
		for _, span := range p.Spans() {
			if span.Text == "" || span.Class == "" || span.Title == "" {
				t.Errorf("span %+v", span)
			}
			s.WriteString(span.Text)
		}
		return s.String()
	}
	want := `the 你好你好 th\xe4\xbd th`
	if got := whole(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.Tokens = p.Tokens[3:9]
	if got := whole(); !strings.Contains(got, "the") || !strings.HasSuffix(got, `\xe4\xbd th`) {
		t.Errorf("with gaps: %q", got)
	}
	p.Tokens = nil
	if got := whole(); got != want {
		t.Errorf("without scores: %q", got)
	}
	if !strings.Contains(p.Figure(), "none is scored") {
		t.Error(p.Figure())
	}
	if p := newPage(t, "", ""); len(p.Spans()) != 0 || len(p.Bars()) != bars {
		t.Error("an empty text has spans")
	}
}

func TestColours(t *testing.T) {
	p := &Page{}
	for bits, want := range map[float64]string{0: "s0", 0.49: "s0", 0.5: "s1", 14: "s9", 100: "s9"} {
		if got := p.class(bits, 0); got != want {
			t.Errorf("%v bits are %s, want %s", bits, got, want)
		}
	}
	if n := len(p.Legend()); n != len(levels)+1 {
		t.Errorf("legend of %d", n)
	}
	p.Other = "two"
	for d, want := range map[float64]string{0: "s0", 0.06: "p1", 3: "p4", -0.3: "m2", -9: "m4"} {
		if got := p.class(10, 10+d); got != want {
			t.Errorf("%v more are %s, want %s", d, got, want)
		}
	}
	for i, want := range []string{"m4", "m3", "m2", "m1", "s0", "p1", "p2", "p3", "p4"} {
		if l := p.Legend(); len(l) != 9 || l[i].Class != want {
			t.Errorf("legend %v", l)
		}
	}
}
