package modelfile

import (
	"strings"
	"testing"
)

func TestTokenizer(t *testing.T) {
	f := load(t, marshal(t, quantized(t)))
	tok, err := f.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	if tok.Vocab() != 260 || string(tok.Bytes(258)) != " ab" {
		t.Errorf("%d tokens, 258 is %q", tok.Vocab(), tok.Bytes(258))
	}
	for name, change := range map[string]func(*File){
		"bytes swapped": func(f *File) { f.Pieces['x'], f.Pieces['y'] = f.Pieces['y'], f.Pieces['x'] },
		"no separator":  func(f *File) { f.Types[separator] = typeNormal },
		"separator":     func(f *File) { f.Separator = 10 },
		"other merge":   func(f *File) { f.Merges[1] = [2]int32{' ', 'b'} },
		"later merge":   func(f *File) { f.Merges[0], f.Merges[1] = f.Merges[1], f.Merges[0] },
		"special":       func(f *File) { f.Types[259] = typeControl },
		"one more":      func(f *File) { f.Pieces = append(f.Pieces, []byte("x")) },
	} {
		f := quantized(t)
		change(f)
		if _, err := f.Tokenizer(); err == nil || !strings.HasPrefix(err.Error(), "model file: ") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
