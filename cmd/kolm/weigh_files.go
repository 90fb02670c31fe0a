package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"unicode/utf8"

	"kolm/internal/score"
	"kolm/internal/vocab"
)

// create begins the files that were asked for.
func (w *weighing) create() error {
	if w.cmd.Tokens != "" {
		o, err := w.app.create(w.cmd.Tokens, "--tokens", nil, w.cmd.Force)
		if err != nil {
			return err
		}
		w.tokens = &tokenFile{output: o, buffer: bufio.NewWriterSize(o, 1<<16), tok: w.a.tok, paired: w.paired()}
	}
	if w.cmd.HTML != "" {
		var err error
		w.page, err = w.app.create(w.cmd.HTML, "--html", nil, w.cmd.Force)
		return err
	}
	return nil
}

// finish prints the figures and completes the files.
func (w *weighing) finish() error {
	if err := w.print(); err != nil {
		return err
	}
	if len(w.rows) == 0 {
		return nil
	}
	if w.tokens != nil {
		if err := w.tokens.buffer.Flush(); err != nil {
			return err
		}
		if err := w.tokens.commit(nil); err != nil {
			return err
		}
	}
	if w.page == nil {
		return nil
	}
	b := bufio.NewWriterSize(w.page, 1<<16)
	if err := score.WritePages(b, w.pages); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return w.page.commit(nil)
}

func (w *weighing) newPage(name string, data []byte) *score.Page {
	p := &score.Page{Name: label(name), Model: w.a.name, Rule: "Rule: " + w.a.ruleLine() + ".", Text: data, Tok: w.a.tok}
	if w.paired() {
		p.Other = w.b.name
	}
	return p
}

// tokenFile receives every scored token, one JSON object a line. A nil one receives
// nothing.
type tokenFile struct {
	*output
	buffer *bufio.Writer
	tok    *vocab.Tokenizer
	paired bool
}

type tokenLine struct {
	File    string  `json:"file"`
	Index   int     `json:"index"`  // among the tokens of the text
	Offset  int     `json:"offset"` // of its first byte
	Bytes   int     `json:"bytes"`
	ID      int32   `json:"id"`
	Text    *string `json:"text,omitempty"` // of whole characters
	Hex     string  `json:"hex,omitempty"`  // of other bytes
	Bits    float64 `json:"bits"`
	Rank    int     `json:"rank"`
	Entropy float64 `json:"entropy"`
	Top     int32   `json:"top_id"`

	OtherBits *float64 `json:"against_bits,omitempty"`
	OtherTop  *int32   `json:"against_top_id,omitempty"`
	KL        *float64 `json:"kl_bits,omitempty"`
}

func (f *tokenFile) write(name string, data []byte, t score.Token) error {
	if f == nil {
		return nil
	}
	l := tokenLine{File: name, Index: t.Index, Offset: t.Offset, Bytes: t.Bytes, ID: t.ID, Bits: t.Bits, Rank: t.Rank, Entropy: t.Entropy, Top: t.Top}
	if piece := data[t.Offset : t.Offset+t.Bytes]; utf8.Valid(piece) {
		l.Text = new(string(piece))
	} else {
		l.Hex = hex.EncodeToString(piece)
	}
	if f.paired {
		l.OtherBits, l.OtherTop, l.KL = &t.OtherBits, &t.OtherTop, &t.KL
	}
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = f.buffer.Write(append(b, '\n'))
	return err
}
