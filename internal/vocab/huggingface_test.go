package vocab

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kolm/internal/builtin"
	"kolm/internal/modelfile"
)

// object is a JSON object.
type object map[string]any

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// spelling is how a tokenizer.json spells a token.
func spelling(t *Tokenizer, id int) string {
	switch {
	case t.Types[id] == Byte:
		return fmt.Sprintf("<0x%02X>", t.Pieces[id][0])
	case t.Types[id] == Control || t.Types[id] == Unknown:
		return string(t.Pieces[id])
	case t.Kind == ByteBPE:
		return modelfile.Printable(t.Pieces[id])
	}
	return strings.ReplaceAll(string(t.Pieces[id]), " ", "\u2581")
}

// asJSON spells a tokenizer as the model part of a tokenizer.json.
func asJSON(t *Tokenizer, merges [][2]int32, pairs bool) object {
	vocab, list, added := map[string]int{}, []any{}, []object{}
	for id := range t.Pieces {
		vocab[spelling(t, id)] = id
		if t.Types[id] == Control {
			added = append(added, object{"id": id, "content": spelling(t, id), "special": true})
		}
	}
	for _, m := range merges {
		a, b := spelling(t, int(m[0])), spelling(t, int(m[1]))
		if pairs {
			list = append(list, []string{a, b})
		} else {
			list = append(list, a+" "+b)
		}
	}
	return object{"added_tokens": added, "model": object{"type": "BPE", "vocab": vocab, "merges": list, "byte_fallback": t.Kind != ByteBPE}}
}

// The layouts of tokenizer.json that the families use.
func TestHuggingFaceBytes(t *testing.T) {
	want := fromGGUF(t, builtin.Default.File())
	qwen := `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	byteLevel := object{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}
	for _, pairs := range []bool{false, true} {
		f := asJSON(want, want.Merges, pairs)
		f["normalizer"] = object{"type": "NFC"}
		f["pre_tokenizer"] = object{"type": "Sequence", "pretokenizers": []object{
			{"type": "Split", "pattern": object{"Regex": qwen}, "behavior": "Isolated", "invert": false}, byteLevel}}
		f["post_processor"] = byteLevel
		got, err := ParseHuggingFace(marshal(t, f), []byte(`{"bos_token": null, "eos_token": {"content": "<|endoftext|>"}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got.BOS != None || got.EOS != 256 || got.AddBOS || got.SpacePrefix || got.Pre != "qwen2" {
			t.Errorf("BOS %d, EOS %d, added %v, prefix %v, %s", got.BOS, got.EOS, got.AddBOS, got.SpacePrefix, got.Pre)
		}
		if got.Hash() != want.Hash() {
			t.Error("another hash for the same tokenizer")
		}
		sameTokens(t, got, want)

		f["pre_tokenizer"].(object)["pretokenizers"].([]object)[0]["pattern"] = object{"Regex": strings.Replace(qwen, `\p{N}|`, `\p{N}{1,3}|`, 1)}
		f["post_processor"] = object{"type": "Sequence", "processors": []object{byteLevel, {"type": "TemplateProcessing",
			"single": []object{{"SpecialToken": object{"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": object{"id": "A", "type_id": 0}}}}}}
		got, err = ParseHuggingFace(marshal(t, f), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Pre != "llama-bpe" || got.BOS != 256 || !got.AddBOS || got.AddEOS {
			t.Errorf("%s, BOS %d, added %v %v", got.Pre, got.BOS, got.AddBOS, got.AddEOS)
		}
	}
	for pre, step := range map[string]object{
		"gpt-2": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
		"starcoder": {"type": "Sequence", "pretokenizers": []object{{"type": "Digits", "individual_digits": true},
			{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}}},
	} {
		f := asJSON(want, want.Merges, false)
		f["pre_tokenizer"] = step
		got, err := ParseHuggingFace(marshal(t, f), nil)
		if err != nil || got.Pre != pre {
			t.Errorf("%s: %v", pre, err)
		}
	}
}

func sameTokens(t *testing.T, got, want *Tokenizer) {
	t.Helper()
	r := rand.New(rand.NewPCG(8, 9))
	for range 200 {
		text := someText(r, r.IntN(500))
		x, err := got.EncodeExact(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if y, _ := want.Encode(nil, text); !slices.Equal(x, y) {
			t.Fatalf("%q:\n got %v\nwant %v", text, x, y)
		}
	}
}

// TestHuggingFaceChars makes merges of SentencePiece's scores, as converters do.
func TestHuggingFaceChars(t *testing.T) {
	old := fromGGUF(t, shared(t, "models/stories260K-f32.gguf"))
	var merges [][2]int32
	for _, p := range old.scored() {
		key := p.key - 1
		merges = append(merges, [2]int32{int32(key >> 32), int32(key)})
	}
	for name, steps := range map[string]object{
		"llama": {"normalizer": object{"type": "Sequence", "normalizers": []object{{"type": "Prepend", "prepend": "\u2581"},
			{"type": "Replace", "pattern": object{"String": " "}, "content": "\u2581"}}}},
		"metaspace": {"pre_tokenizer": object{"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": false}},
		"words":     {"pre_tokenizer": object{"type": "Metaspace", "replacement": "\u2581", "add_prefix_space": true}},
		"gemma": {"normalizer": object{"type": "Replace", "pattern": object{"String": " "}, "content": "\u2581"},
			"pre_tokenizer": object{"type": "Split", "pattern": object{"String": " "}, "behavior": "MergedWithPrevious", "invert": false}},
	} {
		f := asJSON(old, merges, false)
		model := f["model"].(object)
		model["vocab"].(map[string]int)["\u2581\u2581"] = old.Vocab() // a merge that words cut
		model["merges"] = append([]any{"\u2581 \u2581"}, model["merges"].([]any)...)
		for k, v := range steps {
			f[k] = v
		}
		f["post_processor"] = object{"type": "TemplateProcessing",
			"single": []object{{"SpecialToken": object{"id": "<s>"}}, {"Sequence": object{"id": "A"}}}}
		tok, err := ParseHuggingFace(marshal(t, f), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if tok.BOS != 1 || !tok.AddBOS || tok.SpacePrefix != (name != "gemma") {
			t.Errorf("%s: BOS %d, added %v, prefix %v", name, tok.BOS, tok.AddBOS, tok.SpacePrefix)
		}
		r := rand.New(rand.NewPCG(5, 6))
		for range 300 {
			text := someText(r, r.IntN(200))
			got, err := tok.EncodeExact(text)
			if err != nil {
				t.Fatal(err)
			}
			if want := slowMerges(tok, text); !slices.Equal(got, want) {
				t.Fatalf("%s: %q:\n got %v\nwant %v", name, text, got, want)
			}
		}
	}
}

// slowMerges is BPE as it is stated: the first merge of the list that applies
// anywhere, at the leftmost place, again and again.
func slowMerges(t *Tokenizer, text []byte) []int32 {
	rank := map[[2]string]int{}
	for i, m := range t.Merges {
		k := [2]string{string(t.Text(m[0])), string(t.Text(m[1]))}
		if _, ok := rank[k]; !ok {
			rank[k] = i
		}
	}
	return slowJoin(t, text, func(a, b string) (float64, bool) {
		r, ok := rank[[2]string{a, b}]
		return float64(r), ok && !(t.SpaceWords && b[0] == ' ')
	})
}

func TestHuggingFaceRefused(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{``, "unexpected end"},
		{`{}`, `of type ""`},
		{`{"model":{"type":"Unigram","vocab":[["a",0]]}}`, "cannot unmarshal"},
		{`{"model":{"type":"WordPiece","vocab":{"a":0}}}`, "WordPiece"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]},"pre_tokenizer":{"type":"ByteLevel"}}`, `"b", which is no token`},
		{`{"model":{"type":"BPE","vocab":{"a":0},"merges":["ab"]},"pre_tokenizer":{"type":"ByteLevel"}}`, "two tokens"},
		{`{"model":{"type":"BPE","vocab":{"a":99999999}},"pre_tokenizer":{"type":"ByteLevel"}}`, "id 99999999"},
		{`{"model":{"type":"BPE","vocab":{"a":-1}},"pre_tokenizer":{"type":"ByteLevel"}}`, "id -1"},
		{`{"model":{"type":"BPE","vocab":{"a":0,"b":0}},"pre_tokenizer":{"type":"ByteLevel"}}`, "both have the id 0"},
		{`{"model":{"type":"BPE","vocab":{"a":0}}}`, "U+2581"},
		{`{"model":{"type":"BPE","vocab":{"a":0}},"normalizer":{"type":"NFKC"}}`, "NFKC"},
		{`{"model":{"type":"BPE","vocab":{"a":0}},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"x+"},"behavior":"Isolated"}}`, `"x+"`},
		{`{"model":{"type":"BPE","vocab":{"a":0}},"pre_tokenizer":{"type":"ByteLevel","use_regex":false}}`, "without a pre-tokenizer's pattern"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"end_of_word_suffix":"</w>"}}`, "</w>"},
		{`{"added_tokens":[{"id":-5,"content":"x"}],"model":{"type":"BPE","vocab":{"a":0}},"pre_tokenizer":{"type":"ByteLevel"}}`, "id -5"},
	} {
		_, err := ParseHuggingFace([]byte(c.file), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.file, err, c.want)
		}
	}
}
