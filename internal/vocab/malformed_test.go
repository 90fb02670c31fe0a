package vocab

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"kolm/internal/modelfile"
)

// gguf makes a GGUF file of keys alone. Values are string, bool, uint32, []string,
// []int32 and []float32.
func gguf(keys map[string]any) []byte {
	le := binary.LittleEndian
	b := append([]byte("GGUF"), 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = le.AppendUint64(b, uint64(len(keys)))
	text := func(s string) { b = append(le.AppendUint64(b, uint64(len(s))), s...) }
	array := func(kind uint32, n int) { b = le.AppendUint64(le.AppendUint32(le.AppendUint32(b, 9), kind), uint64(n)) }
	for key, v := range keys {
		text("tokenizer.ggml." + key)
		switch v := v.(type) {
		case string:
			b = le.AppendUint32(b, 8)
			text(v)
		case bool:
			b = append(le.AppendUint32(b, 7), map[bool]byte{true: 1}[v])
		case uint32:
			b = le.AppendUint32(le.AppendUint32(b, 4), v)
		case []string:
			array(8, len(v))
			for _, s := range v {
				text(s)
			}
		case []int32:
			array(5, len(v))
			for _, x := range v {
				b = le.AppendUint32(b, uint32(x))
			}
		case []float32:
			array(6, len(v))
			for _, x := range v {
				b = le.AppendUint32(b, math.Float32bits(x))
			}
		}
	}
	return b
}

func parseKeys(keys map[string]any) (*Tokenizer, error) {
	g, err := modelfile.Parse(gguf(keys))
	if err != nil {
		return nil, err
	}
	return ParseGGUF(g)
}

// bpe and spm are small vocabularies; more changes their keys, nil deletes one.
func bpe(more map[string]any) (*Tokenizer, error) {
	return parseKeys(with(map[string]any{"model": "gpt2", "pre": "gpt-2", "tokens": []string{"a", "b", "c", "ab", "abc", "<s>", "{x}"},
		"token_type": []int32{1, 1, 1, 1, 1, 3, 4}, "merges": []string{"a b", "ab c"}}, more))
}

func spm(more map[string]any) (*Tokenizer, error) {
	return parseKeys(with(map[string]any{"model": "llama", "tokens": []string{"<unk>", "<s>", "<0x41>", "\u2581", "a", "\u2581a", "aa"},
		"token_type": []int32{2, 3, 6, 1, 1, 1, 1}, "scores": []float32{0, 0, 0, -1, -2, -3, -4}, "bos_token_id": uint32(1)}, more))
}

func with(keys, more map[string]any) map[string]any {
	for k, v := range more {
		if keys[k] = v; v == nil {
			delete(keys, k)
		}
	}
	return keys
}

func TestMalformed(t *testing.T) {
	for _, c := range []struct {
		make func(map[string]any) (*Tokenizer, error)
		more map[string]any
		want string // "" if it is accepted
	}{
		{bpe, nil, ""},
		{spm, nil, ""},
		{bpe, map[string]any{"model": nil}, `"tokenizer.ggml.model" is missing`},
		{bpe, map[string]any{"model": "bert"}, `of kind "bert"`},
		{bpe, map[string]any{"model": uint32(1)}, "no string"},
		{bpe, map[string]any{"pre": "no-such"}, `"no-such" is not known; known are ["gpt-2`},
		{bpe, map[string]any{"pre": nil}, ""},
		{bpe, map[string]any{"tokens": nil}, "tokens\", an array of strings, is missing"},
		{bpe, map[string]any{"tokens": []string{}, "token_type": []int32{}, "merges": []string{}}, "0 tokens"},
		{bpe, map[string]any{"tokens": []string{"a", "b", "c", "ab", "ab", "<s>", "{x}"}}, `tokens 3 and 4 are both "ab"`},
		{bpe, map[string]any{"token_type": []int32{1, 1}}, "no array of 7 integers"},
		{bpe, map[string]any{"token_type": []int32{1, 1, 1, 1, 1, 3, 9}}, "type 9"},
		{bpe, map[string]any{"merges": nil}, "merges\", an array"},
		{bpe, map[string]any{"merges": []string{"ab"}}, `merge 0 is "ab"`},
		{bpe, map[string]any{"merges": []string{""}}, `merge 0 is ""`},
		{bpe, map[string]any{"merges": []string{" "}}, `merge 0 is " "`},
		{bpe, map[string]any{"merges": []string{"a q"}}, `merge 0 is "a q"`},
		{bpe, map[string]any{"merges": []string{"a <s>"}}, "of which one has no text"}, // or it would merge into itself
		{bpe, map[string]any{"merges": []string{"c c"}}, ""},                           // no such token: passed over
		{bpe, map[string]any{"bos_token_id": uint32(0xffffffff), "eos_token_id": uint32(99)}, ""},
		{bpe, map[string]any{"add_bos_token": "yes"}, "no truth value"},
		{spm, map[string]any{"scores": nil}, "scores\", an array"},
		{spm, map[string]any{"scores": []float32{1}}, "1 scores for 7 tokens"},
		{spm, map[string]any{"scores": []float32{0, 0, 0, float32(math.NaN()), 0, 0, 0}}, "score of token 3 is NaN"},
		{spm, map[string]any{"scores": []float32{0, 0, 0, float32(math.Inf(1)), 0, 0, 0}}, "score of token 3 is +Inf"},
		{spm, map[string]any{"tokens": []string{"<unk>", "<s>", "<0xg1>", "\u2581", "a", "\u2581a", "aa"}}, `"<0xg1>" is for a byte`},
		{spm, map[string]any{"token_type": []int32{2, 3, 6, 6, 1, 1, 1}}, "is for a byte"},
	} {
		tok, err := c.make(c.more)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%v: %v", c.more, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%v: %v, want %q", c.more, err, c.want)
		case err == nil && tok.EOS != None:
			t.Errorf("%v: EOS is %d", c.more, tok.EOS)
		}
	}
}

func TestLlama2CMalformed(t *testing.T) {
	good := []byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'a', 0, 0, 0, 0, 0, 0, 0, 0}
	if _, err := ParseLlama2C(good); err != nil {
		t.Error(err)
	}
	for cut := range good {
		if _, err := ParseLlama2C(good[:cut]); err == nil && cut != 13 { // 13: a file of one token
			t.Errorf("cut at %d is accepted", cut)
		}
	}
	if _, err := ParseLlama2C([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}); err == nil {
		t.Error("a token of 4 GiB is accepted")
	}
}

// TestMissing encodes what the vocabulary has no tokens for.
func TestMissing(t *testing.T) {
	b, err := bpe(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := spm(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tok  *Tokenizer
		text string
		want string // the tokens as text, or the error
	}{
		{b, "", ""},
		{b, "abcab", "abc|ab"},
		{b, "ab{x}c{x}{x", "byte 9 of the text is 0x7b"},
		{b, "ab{x}c{x}", "ab|{x}|c|{x}"},
		{b, "abd", "byte 2 of the text is 0x64"},
		{b, "<s>", "byte 0 of the text is 0x3c"},
		{s, "", ""},
		{s, "a", " a"},
		{s, "aaa", " a|aa"},
		{s, "aAa", " a|A|a"},
		{s, "a b", "byte 2 of the text is 0x62"},
		{s, "\u2581", "byte 0 of the text is 0xe2"},
	} {
		ids, err := c.tok.EncodeExact([]byte(c.text))
		var missing *MissingError
		if err != nil {
			if !errors.As(err, &missing) || c.text[missing.Offset] != missing.Byte || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: %v, want %s", c.text, err, c.want)
			}
			continue
		}
		var pieces [][]byte
		for _, id := range ids {
			pieces = append(pieces, c.tok.Text(id))
		}
		if got := string(bytes.Join(pieces, []byte("|"))); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	if _, err := b.Decode(nil, []int32{7}); err == nil {
		t.Error("an id beyond the vocabulary decodes")
	}
	if _, err := b.Decode(nil, []int32{-1}); err == nil {
		t.Error("id -1 decodes")
	}
	if b.Lookup("<s>") != 5 || b.Lookup("ab") != 3 || b.Lookup("nothing") != None {
		t.Error("names are not found")
	}
}

// justified fails where reading a file of n bytes allocates more than a multiple
// of n: what the densest parts of a vocabulary become, lists that grow included.
func justified(t *testing.T, n int, read func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(512*n+1<<20) {
		t.Errorf("%d bytes allocated for a file of %d", got, n)
	}
}

// TestAllocation reads files of 256 KiB that say much with few bytes: many
// empty merges and steps, nested lists, lying counts and ids.
func TestAllocation(t *testing.T) {
	const n = 1 << 18
	many := func(before, part, after string) []byte {
		return []byte(before + strings.Repeat(part+",", n/(len(part)+1)) + part + after)
	}
	nested := strings.Repeat("a", maxPiece)
	var grown []string // every prefix is a token: each piece splits everywhere
	for i := range maxPiece {
		grown = append(grown, nested[:i+1])
	}
	types, scores := make([]int32, len(grown)), make([]float32, len(grown))
	for i := range types {
		types[i], scores[i] = 1, float32(-i)
	}
	for name, f := range map[string][]byte{
		"merges":    many(`{"model":{"type":"BPE","merges":[`, `[]`, `]}}`),
		"steps":     many(`{"normalizer":{"type":"Sequence","normalizers":[`, `{}`, `]}}`),
		"added":     many(`{"added_tokens":[`, `{}`, `],"model":{"type":"BPE"}}`),
		"templates": many(`{"post_processor":{"single":[`, `{}`, `]}}`),
		"lists":     []byte(`{"model":` + strings.Repeat(`[`, n)),
		"processor": []byte(strings.Repeat(`{"post_processor":{"processors":[`, n/32)),
		"far id":    []byte(`{"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":16777215},"merges":["a a"]}}`),
	} {
		justified(t, len(f), func() {
			if _, err := ParseHuggingFace(f, nil); err == nil {
				t.Errorf("%s: accepted", name)
			}
		})
	}
	for name, keys := range map[string]map[string]any{
		"prefixes":    {"model": "llama", "tokens": grown, "token_type": types, "scores": scores},
		"empty names": {"model": "gpt2", "tokens": make([]string, n/8), "merges": []string{}},
		"no merges":   {"model": "gpt2", "tokens": []string{"a"}, "merges": make([]string, n/8)},
	} {
		f := gguf(keys)
		justified(t, len(f), func() {
			g, err := modelfile.Parse(f)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if tok, err := ParseGGUF(g); name == "prefixes" && (err != nil || tok.Vocab() != maxPiece) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	tokens := make([]byte, 4, n) // of llama2.c: a score and no bytes
	for len(tokens) < n {
		tokens = append(tokens, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	lying := append(bytes.Clone(tokens), 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f)
	for _, f := range [][]byte{tokens, lying} {
		justified(t, len(f), func() { ParseLlama2C(f) })
	}
}

// A tokenizer of any file encodes any text to tokens that decode to it, or says
// that it cannot.
func checkAny(t *testing.T, tok *Tokenizer, err error, text []byte) {
	if err != nil {
		return
	}
	ids, err := tok.EncodeExact(text)
	var missing *MissingError
	if err != nil {
		if !errors.As(err, &missing) {
			t.Errorf("%q: %v", text, err)
		}
		return
	}
	if back, err := tok.Decode(nil, ids); err != nil || !bytes.Equal(back, text) {
		t.Errorf("%q becomes %q, %v", text, back, err)
	}
}

func FuzzGGUF(f *testing.F) {
	for _, keys := range []map[string]any{
		{"model": "gpt2", "tokens": []string{"a", "b", "ab"}, "merges": []string{"a b"}},
		{"model": "llama", "tokens": []string{"<0x41>", "\u2581", "a", "\u2581a"}, "token_type": []int32{6, 1, 1, 1}, "scores": []float32{0, 1, 2, 3}},
	} {
		f.Add(gguf(keys), []byte("ab a\xff"))
	}
	f.Fuzz(func(t *testing.T, file, text []byte) {
		g, err := modelfile.Parse(file)
		if err != nil {
			return
		}
		var tok *Tokenizer
		justified(t, len(file), func() { tok, err = ParseGGUF(g) })
		checkAny(t, tok, err, text)
	})
}

func FuzzHuggingFace(f *testing.F) {
	f.Add([]byte(`{"added_tokens":[{"id":3,"content":"x","special":false}],"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}`), []byte("abx"))
	f.Add([]byte(`{"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},"model":{"type":"BPE","byte_fallback":true,"vocab":{"a":0,"▁":1,"▁a":2,"<0x0A>":3},"merges":[["▁","a"]]}}`), []byte("a a\n"))
	f.Fuzz(func(t *testing.T, file, text []byte) {
		var tok *Tokenizer
		var err error
		justified(t, len(file), func() { tok, err = ParseHuggingFace(file, nil) })
		checkAny(t, tok, err, text)
	})
}

func FuzzLlama2C(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'a', 0, 0, 0, 0, 1, 0, 0, 0, 'b', 0, 0, 0, 0, 1, 0, 0, 0, 'c', 0, 0, 0, 0, 1, 0, 0, 0, ' '}, []byte(" c"))
	f.Fuzz(func(t *testing.T, file, text []byte) {
		var tok *Tokenizer
		var err error
		justified(t, len(file), func() { tok, err = ParseLlama2C(file) })
		checkAny(t, tok, err, text)
	})
}
