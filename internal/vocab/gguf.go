package vocab

import (
	"bytes"
	"fmt"
	"strconv"

	"kolm/internal/modelfile"
)

// ParseGGUF reads the tokenizer of a model out of the metadata of its GGUF file.
func ParseGGUF(g *modelfile.GGUF) (*Tokenizer, error) {
	r := &ggufReader{g: g}
	s, err := r.spec()
	if err != nil {
		return nil, err
	}
	return New(s)
}

// ggufReader reads metadata. After its first error it reads nothing.
type ggufReader struct {
	g   *modelfile.GGUF
	err error
}

const ggufPrefix = "tokenizer.ggml."

func (r *ggufReader) spec() (Spec, error) {
	s := Spec{BOS: r.id("bos_token_id"), EOS: r.id("eos_token_id")}
	switch model := r.text("model"); {
	case r.err != nil:
		return s, r.err
	case model == "gpt2":
		s.Pre = r.pre()
		s.WholeWords, s.AddBOS = llama3Habits(s.Pre)
	case model == "llama":
		s.Kind, s.AddBOS, s.SpacePrefix = Scores, true, true
	case model == "":
		return s, fmt.Errorf("model file: key %q is missing", ggufPrefix+"model")
	default:
		return s, fmt.Errorf("model file: the tokenizer is of kind %.40q; kolm reads gpt2 (byte-level BPE) and llama (SentencePiece)", model)
	}
	r.flag("add_bos_token", &s.AddBOS)
	r.flag("add_eos_token", &s.AddEOS)
	r.flag("add_space_prefix", &s.SpacePrefix)
	r.pieces(&s)
	return s, r.err
}

// llama3Habits says what a pre-tokenizer's name means beside how to split, in
// llama.cpp, whose names these are.
func llama3Habits(pre string) (wholeWords, addBOS bool) {
	switch pre {
	case "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "tekken":
		return true, true
	}
	return false, false
}

// pre is the name of the pre-tokenizer. Files from before there were names have
// none.
func (r *ggufReader) pre() string {
	if pre := r.text("pre"); pre != "" {
		return pre
	}
	return "default"
}

func (r *ggufReader) fail(v modelfile.Value, format string, args ...any) {
	if r.err == nil {
		r.err = &modelfile.Error{Offset: v.Offset(), Reason: fmt.Sprintf(format, args...)}
	}
}

func (r *ggufReader) get(key string) (modelfile.Value, bool) {
	if r.err != nil {
		return modelfile.Value{}, false
	}
	return r.g.Get(ggufPrefix + key)
}

func (r *ggufReader) text(key string) string {
	v, ok := r.get(key)
	if !ok {
		return ""
	}
	s, ok := v.Text()
	if !ok {
		r.fail(v, "%s is no string", ggufPrefix+key)
	}
	return s
}

func (r *ggufReader) flag(key string, to *bool) {
	if v, ok := r.get(key); ok {
		if *to, ok = v.Bool(); !ok {
			r.fail(v, "%s is no truth value", ggufPrefix+key)
		}
	}
}

// id reads a token id, None where there is none or none that can be.
func (r *ggufReader) id(key string) int32 {
	v, ok := r.get(key)
	if !ok {
		return None
	}
	n, ok := v.Int()
	if !ok {
		r.fail(v, "%s is no integer", ggufPrefix+key)
	}
	if n < 0 || n >= maxTokens {
		return None
	}
	return int32(n)
}

// pieces reads the tokens, their types and scores or merges.
func (r *ggufReader) pieces(s *Spec) {
	v, ok := r.get("tokens")
	names, isTexts := v.Texts()
	if r.err == nil && (!ok || !isTexts) {
		r.err = fmt.Errorf("model file: key %q, an array of strings, is missing", ggufPrefix+"tokens")
	}
	s.Types = r.types(len(names))
	if s.Kind == Scores {
		v, _ := r.get("scores")
		if s.Scores, ok = v.Float32s(); !ok && r.err == nil {
			r.err = fmt.Errorf("model file: key %q, an array of float32 numbers, is missing", ggufPrefix+"scores")
		}
	}
	if r.err != nil {
		return
	}
	s.Pieces = make([][]byte, len(names))
	for i, name := range names {
		var err error
		if s.Pieces[i], s.Types[i], err = decodePiece(s.Kind, name, s.Types[i]); err != nil {
			r.fail(v, "token %d: %v", i, err)
			return
		}
	}
	if s.Kind == ByteBPE {
		r.merges(s, names)
	}
}

func (r *ggufReader) types(n int) []Type {
	list := make([]Type, n)
	v, ok := r.get("token_type")
	if !ok {
		for i := range list {
			list[i] = Normal
		}
		return list
	}
	numbers, ok := v.Int32s()
	if !ok || len(numbers) != n {
		r.fail(v, "%s is no array of %d integers, one a token", ggufPrefix+"token_type", n)
		return list
	}
	for i, k := range numbers {
		list[i] = Type(k)
	}
	return list
}

var spaceSpelled = []byte("\u2581") // SentencePiece's spelling of a space

// decodePiece turns the spelling of a token into its bytes. A normal token whose
// name is not in the spelling of its kind never occurs in a text.
func decodePiece(kind Kind, name []byte, k Type) ([]byte, Type, error) {
	switch {
	case k == Control || k == Unknown:
		return name, k, nil
	case k == Byte:
		b, ok := byteName(name)
		if !ok {
			return nil, k, fmt.Errorf("%.40q is for a byte, want a name as <0x0A>", name)
		}
		return []byte{b}, k, nil
	case kind != ByteBPE:
		return bytes.ReplaceAll(name, spaceSpelled, []byte(" ")), k, nil
	case k == UserDefined:
		return name, k, nil
	}
	if piece, ok := modelfile.Unprintable(name); ok {
		return piece, k, nil
	}
	return name, Control, nil
}

// byteName reads the names <0x00> to <0xFF>.
func byteName(name []byte) (byte, bool) {
	if len(name) != 6 || string(name[:3]) != "<0x" || name[5] != '>' {
		return 0, false
	}
	b, err := strconv.ParseUint(string(name[3:5]), 16, 8)
	return byte(b), err == nil
}

// merges reads the merges, two names with a space between.
func (r *ggufReader) merges(s *Spec, names [][]byte) {
	v, ok := r.get("merges")
	lines, isTexts := v.Texts()
	if r.err == nil && (!ok || !isTexts) {
		r.err = fmt.Errorf("model file: key %q, an array of strings, is missing", ggufPrefix+"merges")
	}
	if r.err != nil {
		return
	}
	ids := make(map[string]int32, len(names))
	for i, name := range names {
		if _, ok := ids[string(name)]; !ok {
			ids[string(name)] = int32(i)
		}
	}
	s.Merges = make([][2]int32, len(lines))
	for i, line := range lines {
		var left, right []byte
		if len(line) > 0 { // the left name may be a space itself
			at := 1 + bytes.IndexByte(line[1:], ' ')
			left, right = line[:at], line[min(at+1, len(line)):]
		}
		a, okA := ids[string(left)]
		b, okB := ids[string(right)]
		if !okA || !okB {
			r.fail(v, "merge %d is %.80q, want two tokens with a space between", i, line)
			return
		}
		s.Merges[i] = [2]int32{a, b}
	}
}
