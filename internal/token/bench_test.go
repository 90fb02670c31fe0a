package token

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// sources is this package's own text, sixteen times over.
func sources(b *testing.B) (docs [][]byte, size int64) {
	b.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) == 0 {
		b.Fatalf("no Go files: %v", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		docs, size = append(docs, text), size+16*int64(len(text))
	}
	return slices.Repeat(docs, 16), size
}

func BenchmarkSplit(b *testing.B) {
	docs, size := sources(b)
	b.SetBytes(size)
	for b.Loop() {
		for _, doc := range docs {
			for len(doc) > 0 {
				doc = doc[Split(doc):]
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	docs, size := sources(b)
	tok := mustNew(b, mustTrain(b, slices.Values(docs), 2048))
	b.SetBytes(size)
	var ids []uint16
	for b.Loop() {
		for _, doc := range docs {
			ids = tok.Encode(ids[:0], doc)
		}
	}
}

// BenchmarkEncodeLong encodes one pre-token as long as they get.
func BenchmarkEncodeLong(b *testing.B) {
	docs, _ := sources(b)
	tok := mustNew(b, mustTrain(b, slices.Values(docs), 2048))
	var text []byte
	for _, doc := range docs {
		for _, c := range doc {
			if 'a' <= c && c <= 'z' && len(text) < maxWord {
				text = append(text, c)
			}
		}
	}
	b.SetBytes(int64(len(text)))
	var ids []uint16
	for b.Loop() {
		ids = tok.Encode(ids[:0], text)
	}
}

func BenchmarkTrain(b *testing.B) {
	docs, size := sources(b)
	b.SetBytes(size)
	for b.Loop() {
		mustTrain(b, slices.Values(docs), 2048)
	}
}
