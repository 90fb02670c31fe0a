package modelfile

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Token types of GGUF.
const (
	typeNormal  = 1
	typeControl = 3
)

// kolm's own numbering of tokens: single bytes, the separator, merges.
const (
	separator     = 256
	separatorName = "<|endoftext|>"
	maxPiece      = 1 << 16
)

// byteRune is GPT-2's printable stand-in for every byte: Latin-1 characters
// that print stand for themselves, the other bytes for 256, 257, ... in order.
var byteRune = func() (table [256]rune) {
	next := rune(256)
	for b := range table {
		if b > 32 && b < 127 || b > 160 && b != 173 {
			table[b] = rune(b)
			continue
		}
		table[b] = next
		next++
	}
	return table
}()

var runeByte = func() (table [324]int16) {
	for i := range table {
		table[i] = -1
	}
	for b, r := range byteRune {
		table[r] = int16(b)
	}
	return table
}()

// Printable spells bytes in GPT-2's stand-ins.
func Printable(piece []byte) string {
	b := make([]byte, 0, 2*len(piece))
	for _, x := range piece {
		b = utf8.AppendRune(b, byteRune[x])
	}
	return string(b)
}

// Unprintable is the inverse of Printable; it reports false for other text.
func Unprintable(s []byte) ([]byte, bool) {
	out := make([]byte, 0, len(s))
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if int(r) >= len(runeByte) || runeByte[r] < 0 {
			return nil, false
		}
		out, s = append(out, byte(runeByte[r])), s[n:]
	}
	return out, true
}

// Spelling is how a token stands in files: text in GPT-2's printable stand-ins for
// bytes, other tokens verbatim.
func (f *File) Spelling(id int) string {
	if f.Types[id] != typeNormal {
		return string(f.Pieces[id])
	}
	return Printable(f.Pieces[id])
}

// setMerges fills the vocabulary in kolm's order from its merges.
func (f *File) setMerges(merges [][2]int32) error {
	f.Separator = separator
	f.Merges = merges
	f.Pieces, f.Types = make([][]byte, 0, 257+len(merges)), make([]int32, 257+len(merges))
	for b := range 256 {
		f.Pieces = append(f.Pieces, []byte{byte(b)})
	}
	f.Pieces = append(f.Pieces, []byte(separatorName))
	for i, m := range merges {
		for _, id := range m {
			if id < 0 || int(id) >= len(f.Pieces) || id == separator {
				return fmt.Errorf("model file: merge %d joins token %d, which is no earlier piece", i, id)
			}
		}
		piece := bytes.Join([][]byte{f.Pieces[m[0]], f.Pieces[m[1]]}, nil)
		if len(piece) > maxPiece {
			return fmt.Errorf("model file: merge %d is %d bytes long, at most %d", i, len(piece), maxPiece)
		}
		f.Pieces = append(f.Pieces, piece)
	}
	for id := range f.Types {
		f.Types[id] = typeNormal
	}
	f.Types[separator] = typeControl
	return nil
}

// checkOrder reports the first token that is not where kolm numbers it.
func (f *File) checkOrder() error {
	wrong := func(id int) error {
		return fmt.Errorf("model file: token %d is %q: the vocabulary is not in kolm's order (256 bytes, a separator, the merges)", id, f.Pieces[id])
	}
	if len(f.Pieces) != 257+len(f.Merges) {
		return fmt.Errorf("model file: %d tokens for %d merges, want 257 more", len(f.Pieces), len(f.Merges))
	}
	if f.Separator != separator {
		return fmt.Errorf("model file: the separator is token %d, want %d", f.Separator, separator)
	}
	for id, p := range f.Pieces {
		normal := f.Types[id] == typeNormal
		switch {
		case id < 256 && (!normal || len(p) != 1 || int(p[0]) != id), id == separator && normal:
			return wrong(id)
		case id > separator:
			m := f.Merges[id-separator-1]
			left, right := f.Pieces[m[0]], f.Pieces[m[1]]
			if !normal || max(m[0], m[1]) >= int32(id) || len(p) != len(left)+len(right) ||
				!bytes.HasPrefix(p, left) || !bytes.HasSuffix(p, right) {
				return wrong(id)
			}
		}
	}
	return nil
}
