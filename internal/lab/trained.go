package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"kolm"
	"kolm/internal/lm"
	"kolm/internal/lmfile"
	"kolm/internal/memory"
	"kolm/internal/modelfile"
	"kolm/internal/source"
	"kolm/internal/token"
	"kolm/internal/train"
	"kolm/internal/vocab"
)

// recipe says which transformer to train, on what, and for how long. The same
// recipe gives the same weights on machines of one kind.
type recipe struct {
	text   []byte
	vocab  int // tokens, a multiple of 32 from 288 on; 288 has one token a byte
	dim    int
	layers int
	tokens int64 // to train on, in as many passes as that takes
	seed   uint64
}

// A model learns what stands at the beginning of a document, as a packed file has
// one, only if there are many documents. The trainer wants some to measure on, which
// nobody looks at here.
const (
	documentBytes  = 300
	leastDocuments = 4
)

// documents cuts a text, where lines end if it has lines.
func documents(text []byte) (list [][]byte) {
	for len(text) > 0 {
		n := min(documentBytes, len(text))
		if i := bytes.IndexByte(text[n:], '\n'); i >= 0 && i < documentBytes {
			n += i + 1
		}
		list, text = append(list, text[:n]), text[n:]
	}
	return list
}

// trained is a transformer as all parts of kolm use one: to pack with, and to read.
type trained struct {
	exact  *modelfile.File // float32
	bytes  int             // of the model file, with weights in int8
	packer *kolm.Model
	*memory.Model
}

// train trains a transformer by the trainer of kolm, with the weights that it has
// after so many tokens.
func (c recipe) train() (*trained, error) {
	dir, err := os.MkdirTemp("", "kolm-lab-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	o := train.DefaultOptions()
	if o.Merges, err = c.merges(); err != nil {
		return nil, err
	}
	for i, doc := range documents(c.text) {
		name := filepath.Join(dir, fmt.Sprintf("%06d.txt", i))
		if err := os.WriteFile(name, doc, 0o666); err != nil {
			return nil, err
		}
		o.Corpus = append(o.Corpus, name)
	}
	o.Held, o.HeldBytes, o.Dir = o.Corpus[:min(leastDocuments, len(o.Corpus))], leastDocuments*documentBytes, filepath.Join(dir, "run")
	o.Shape = train.Shape{
		Vocab: token.FirstMerge + len(o.Merges), Dim: c.dim, Layers: c.layers, Heads: c.dim / 32, KVHeads: max(1, c.dim/64), HeadDim: 32,
		FFN: 2 * c.dim, Window: 64, RopeBase: 10000, Eps: 1e-6,
	}
	o.Recipe.Seq, o.Recipe.Batch, o.Recipe.Micro, o.Recipe.Warmup, o.Recipe.Seed = 64, 1024, 8, 10_000, c.seed
	o.Tokens, o.Threads, o.Save, o.Eval = c.tokens, 2, 0, 0
	t := &trained{}
	o.Export = func(s *train.Snapshot) error { return t.take(s) }
	return t, train.Run(context.Background(), o, func(train.Event) {})
}

// merges learns the vocabulary, or for one token a byte makes up pairs of bytes
// that no text has, because a model's tables have a multiple of 32 rows.
func (c recipe) merges() ([][2]int32, error) {
	n := c.vocab - token.FirstMerge
	if c.vocab == 288 {
		var list [][2]int32
		for i := range int32(n) {
			list = append(list, [2]int32{0xC0 + i, 0xC1})
		}
		return list, nil
	}
	list, err := token.Train(slices.Values([][]byte{c.text}), c.vocab, nil)
	if err == nil && len(list) != n {
		err = fmt.Errorf("the text has %d pairs to merge, not %d", len(list), n)
	}
	return list, err
}

// take opens what was trained.
func (t *trained) take(s *train.Snapshot) error {
	var err error
	if t.exact, err = s.File("lab", true); err != nil {
		return err
	}
	int8s, err := s.File("lab", false)
	if err != nil {
		return err
	}
	file, err := modelfile.Marshal(int8s)
	if err != nil {
		return err
	}
	t.bytes = len(file)
	if t.packer, err = kolm.ParseModel(file); err != nil {
		return err
	}
	open, err := lmfile.Parse("lab", file, lm.DefaultKeep)
	if err != nil {
		return err
	}
	tok, err := vocab.ParseGGUF(open.Keys)
	if err != nil {
		return err
	}
	t.Model, err = memory.New(open.Model, spelling{tok})
	return err
}

// alone is the length of a text under the transformer by itself, without the
// contexts that kolm mixes it with. Computed, in bits. Windows advance by half
// their length, so that all tokens but the first have that much before them. Unlike
// by the rule of kolm weigh no BOS stands before later windows: after one, a
// transformer that knows few documents by heart recites one of them.
func (t *trained) alone(text []byte) (float64, error) {
	tokens, err := t.Vocab.Encode(text)
	if err != nil {
		return 0, err
	}
	tokens = append([]int32{t.Vocab.Start()}, tokens...)
	window := t.LM.Config.Context
	var list []memory.Passage
	for from := 1; from < len(tokens); {
		begin := max(0, from-window/2)
		end := min(begin+window, len(tokens))
		list = append(list, memory.Passage{Tokens: tokens[begin:end], From: from - begin})
		from = end
	}
	return t.Length(list, nil)
}

// packed is the size of a text packed by kolm with the transformer, decoded. Level
// 5 would go without a transformer that saves little of a small file.
func (t *trained) packed(text []byte) (int, error) {
	return pack(text, kolm.WithLevel(6), kolm.WithModel(t.packer))
}

// spelling is a tokenizer as package memory wants it.
type spelling struct{ *vocab.Tokenizer }

func (v spelling) Encode(text []byte) ([]int32, error) { return v.Tokenizer.Encode(nil, text) }
func (v spelling) Bytes(t int32) []byte                { return v.Text(t) }

func (v spelling) Continue(text []byte) ([]int32, error) {
	return v.Encode(bytes.TrimPrefix(text, []byte(v.Prefix())))
}

// Start is BOS, else EOS: what stands between texts is before one too.
func (v spelling) Start() int32 {
	if v.BOS != vocab.None {
		return v.BOS
	}
	return v.EOS
}

// letters writes symbols as letters: a transformer's tokenizer parts digits.
func letters(s source.Source, x []int) []byte {
	text := s.Text(x)
	for i, b := range text {
		if b >= '0' && b <= '9' {
			text[i] = b - '0' + 'a'
		}
	}
	return text
}
