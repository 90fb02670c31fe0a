package vocab

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// hfFile is what is read of a tokenizer.json.
type hfFile struct {
	Added []struct {
		ID      int64  `json:"id"`
		Content string `json:"content"`
		Special bool   `json:"special"`
	} `json:"added_tokens"`
	Normalizer    *hfStep `json:"normalizer"`
	PreTokenizer  *hfStep `json:"pre_tokenizer"`
	PostProcessor *hfPost `json:"post_processor"`
	Model         struct {
		Type         string           `json:"type"`
		Vocab        map[string]int64 `json:"vocab"`
		Merges       []hfMerge        `json:"merges"`
		ByteFallback bool             `json:"byte_fallback"`
		WholeWords   bool             `json:"ignore_merges"`
		Prefix       string           `json:"continuing_subword_prefix"`
		Suffix       string           `json:"end_of_word_suffix"`
	} `json:"model"`
}

// hfStep is a normaliser or pre-tokenizer: its kind and the fields of the kinds
// that are known.
type hfStep struct {
	Type       string   `json:"type"`
	Normal     []hfStep `json:"normalizers"`
	Pre        []hfStep `json:"pretokenizers"`
	Prepend    string   `json:"prepend"`
	Content    string   `json:"content"`
	Behavior   string   `json:"behavior"`
	Individual bool     `json:"individual_digits"`
	AddPrefix  *bool    `json:"add_prefix_space"`
	UseRegex   *bool    `json:"use_regex"`
	Scheme     string   `json:"prepend_scheme"`
	Split      *bool    `json:"split"`
	Pattern    struct {
		String string `json:"String"`
		Regex  string `json:"Regex"`
	} `json:"pattern"`
}

// hfPost is a post-processor, of which the template for one text counts.
type hfPost struct {
	Type       string   `json:"type"`
	Processors []hfPost `json:"processors"`
	Single     []struct {
		Special *struct {
			ID string `json:"id"`
		} `json:"SpecialToken"`
	} `json:"single"`
}

// hfMerge is a merge: "a b" in old files, ["a", "b"] in new ones.
type hfMerge [2]string

func (m *hfMerge) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[2]string)(m))
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	var ok bool
	if m[0], m[1], ok = strings.Cut(s, " "); !ok {
		return fmt.Errorf("merge %.80q is not two tokens with a space between", s)
	}
	return nil
}

// hfConfig is what is read of a tokenizer_config.json.
type hfConfig struct {
	BOS    hfName `json:"bos_token"`
	EOS    hfName `json:"eos_token"`
	AddBOS *bool  `json:"add_bos_token"`
	AddEOS *bool  `json:"add_eos_token"`
}

// hfName is the name of a token, as such or in an object.
type hfName string

func (n *hfName) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var o struct {
			Content string `json:"content"`
		}
		err := json.Unmarshal(b, &o)
		*n = hfName(o.Content)
		return err
	}
	return json.Unmarshal(b, (*string)(n))
}

// ParseHuggingFace reads a tokenizer.json and, if it is not nil, the
// tokenizer_config.json beside it, which says what BOS is. It knows byte-level BPE
// and BPE over characters, with the pre-tokenizers of package token; anything else
// is an error that names it. NFC normalisation is not done; see the package
// documentation.
func ParseHuggingFace(file, config []byte) (*Tokenizer, error) {
	f := &hfFile{}
	if err := json.Unmarshal(file, f); err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	c := &hfConfig{}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("tokenizer_config.json: %w", err)
		}
	}
	s := Spec{BOS: None, EOS: None, WholeWords: f.Model.WholeWords}
	for _, step := range []func(*Spec) error{f.kind, f.pieces, f.merges} {
		if err := step(&s); err != nil {
			return nil, fmt.Errorf("tokenizer.json: %w", err)
		}
	}
	t, err := New(s)
	if err != nil {
		return nil, err
	}
	f.ends(t, c)
	return t, nil
}

// kind finds the algorithm and what comes before it.
func (f *hfFile) kind(s *Spec) error {
	if m := f.Model.Type; m != "BPE" && (m != "" || len(f.Model.Merges) == 0) {
		return fmt.Errorf("the model is of type %.40q; kolm reads BPE", m)
	}
	if f.Model.Prefix != "" || f.Model.Suffix != "" {
		return fmt.Errorf("marks of words (%q, %q) are not supported", f.Model.Prefix, f.Model.Suffix)
	}
	s.Kind = CharBPE
	spelled, err := f.normalizer(s)
	if err == nil {
		spelled, err = f.preTokenizer(s, spelled)
	}
	switch {
	case err != nil:
		return err
	case s.Kind == ByteBPE && s.Pre == "":
		return fmt.Errorf("byte-level BPE without a pre-tokenizer's pattern is not supported")
	case s.Kind == CharBPE && s.Pre != "":
		return fmt.Errorf("a pre-tokenizer's pattern without byte-level BPE is not supported")
	case s.Kind == CharBPE && !spelled:
		return fmt.Errorf("BPE over characters whose spaces are not U+2581 is not supported")
	}
	return nil
}

// normalizer reports whether spaces are spelled as U+2581.
func (f *hfFile) normalizer(s *Spec) (spelled bool, err error) {
	for _, n := range flat(f.Normalizer, func(s *hfStep) []hfStep { return s.Normal }) {
		switch {
		case n.Type == "NFC":
		case n.Type == "Prepend" && n.Prepend == string(spaceSpelled):
			s.SpacePrefix = true
		case n.Type == "Replace" && n.Pattern.String == " " && n.Content == string(spaceSpelled):
			spelled = true
		default:
			return false, fmt.Errorf("the normalizer %s %q is not supported", n.Type, n.Prepend+n.Pattern.String+n.Pattern.Regex)
		}
	}
	return spelled, nil
}

// preTokenizer finds the pattern, and reports whether spaces are U+2581 after it.
func (f *hfFile) preTokenizer(s *Spec, spelled bool) (bool, error) {
	digits := false
	for _, p := range flat(f.PreTokenizer, func(s *hfStep) []hfStep { return s.Pre }) {
		switch {
		case p.Type == "ByteLevel":
			s.Kind = ByteBPE
			s.SpacePrefix = s.SpacePrefix || or(p.AddPrefix, true)
			if or(p.UseRegex, true) {
				s.Pre = "gpt-2"
			}
		case p.Type == "Metaspace":
			s.SpacePrefix = s.SpacePrefix || or(p.AddPrefix, p.Scheme != "never")
			s.SpaceWords = or(p.Split, true)
			spelled = true
		case p.Type == "Digits" && p.Individual:
			digits = true
		case p.Type == "Split" && p.Pattern.String == " " && spelled: // finds nothing any more
		case p.Type == "Split" && p.Behavior == "Isolated" && hfPatterns[p.Pattern.Regex] != "":
			s.Pre = hfPatterns[p.Pattern.Regex]
		default:
			return false, fmt.Errorf("the pre-tokenizer %s %q %s is not supported", p.Type, p.Pattern.String+p.Pattern.Regex, p.Behavior)
		}
	}
	switch {
	case digits && s.Pre == "gpt-2":
		s.Pre = "starcoder"
	case digits:
		return false, fmt.Errorf("single digits are supported with the pattern of GPT-2 only")
	}
	return spelled, nil
}

// hfPatterns are the published expressions of the patterns of package token.
var hfPatterns = map[string]string{
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`:                                                                       "gpt-2",
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`:                                   "qwen2",
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`:                              "llama-bpe",
	`(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: "llama-bpe",
	`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`: "gpt-4o",
	`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`:                                                                "tekken",
}

// flat lists the steps of a step that may be a sequence.
func flat(s *hfStep, parts func(*hfStep) []hfStep) []hfStep {
	if s == nil {
		return nil
	}
	if s.Type != "Sequence" {
		return []hfStep{*s}
	}
	return parts(s)
}

func or(p *bool, otherwise bool) bool {
	if p == nil {
		return otherwise
	}
	return *p
}

// pieces places the tokens by their ids. Ids that no token has stand for nothing.
func (f *hfFile) pieces(s *Spec) error {
	count := int64(len(f.Model.Vocab) + len(f.Added))
	top := int64(-1)
	place := func(name string, id int64) error {
		if id < 0 || id >= 2*count+1024 { // some vocabularies have gaps
			return fmt.Errorf("token %.40q has the id %d, and there are %d tokens", name, id, count)
		}
		top = max(top, id)
		return nil
	}
	for name, id := range f.Model.Vocab {
		if err := place(name, id); err != nil {
			return err
		}
	}
	for _, a := range f.Added {
		if err := place(a.Content, a.ID); err != nil {
			return err
		}
	}
	s.Pieces, s.Types = make([][]byte, top+1), make([]Type, top+1)
	for name, id := range f.Model.Vocab {
		if s.Types[id] != 0 {
			return fmt.Errorf("tokens %.40q and %.40q both have the id %d", s.Pieces[id], name, id)
		}
		kind := Normal
		if _, isByte := byteName([]byte(name)); isByte && f.Model.ByteFallback {
			kind = Byte
		}
		var err error
		if s.Pieces[id], s.Types[id], err = decodePiece(s.Kind, []byte(name), kind); err != nil {
			return err
		}
	}
	for _, a := range f.Added {
		switch {
		case a.Special:
			s.Pieces[a.ID], s.Types[a.ID] = []byte(a.Content), Control
		case s.Types[a.ID] == Normal && s.Kind == CharBPE && strings.Contains(a.Content, string(spaceSpelled)):
			// Spaces are spelled after added tokens are found: merges make this one.
		default:
			s.Pieces[a.ID], s.Types[a.ID] = []byte(a.Content), UserDefined
		}
	}
	for id, k := range s.Types {
		if k == 0 {
			s.Types[id] = Unused
		}
	}
	return nil
}

func (f *hfFile) merges(s *Spec) error {
	s.Merges = make([][2]int32, len(f.Model.Merges))
	for i, m := range f.Model.Merges {
		for j, name := range m {
			id, ok := f.Model.Vocab[name]
			if !ok {
				return fmt.Errorf("merge %d joins %.40q, which is no token", i, name)
			}
			s.Merges[i][j] = int32(id)
		}
	}
	return nil
}

// ends finds BOS and EOS and whether they are added.
func (f *hfFile) ends(t *Tokenizer, c *hfConfig) {
	before, after := f.PostProcessor.ends()
	name := func(names ...string) int32 {
		i := slices.IndexFunc(names, func(s string) bool { return s != "" })
		if i < 0 {
			return None
		}
		return t.Lookup(names[i])
	}
	t.BOS, t.EOS = name(before, string(c.BOS)), name(after, string(c.EOS))
	t.AddBOS = t.BOS != None && (before != "" || or(c.AddBOS, false))
	t.AddEOS = t.EOS != None && (after != "" || or(c.AddEOS, false))
}

// ends returns the names of the tokens that a template puts before and after a
// text.
func (p *hfPost) ends() (before, after string) {
	if p == nil {
		return "", ""
	}
	for i := range p.Processors {
		if before, after = p.Processors[i].ends(); before != "" || after != "" {
			return before, after
		}
	}
	if n := len(p.Single); n > 1 {
		if s := p.Single[0].Special; s != nil {
			before = s.ID
		}
		if s := p.Single[n-1].Special; s != nil {
			after = s.ID
		}
	}
	return before, after
}
