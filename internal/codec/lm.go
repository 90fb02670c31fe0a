package codec

import (
	"slices"

	"kolm/internal/model"
	"kolm/internal/token"
)

// LM is a loaded language model with its tokenizer. It is read only and may be
// shared by any number of coders.
type LM struct {
	ID    [32]byte // content ID of the model file
	Model *model.Model
	Tok   *token.Tokenizer
	tree  *tree
	head  *model.AdaptiveHead // rows by rank; never updated, coders take theirs from it
}

// NewLM joins a model and its tokenizer. A vocabulary that lacks a single byte
// or has two tokens of the same bytes is an error.
func NewLM(id [32]byte, m *model.Model, tok *token.Tokenizer) (*LM, error) {
	t, err := newTree(tok)
	if err != nil {
		return nil, err
	}
	// The separator is the last row: it never occurs, and a table whose rows are
	// a multiple of 16 is fastest.
	head := m.NewAdaptiveHead(append(slices.Clone(t.id), token.Separator))
	return &LM{ID: id, Model: m, Tok: tok, tree: t, head: head}, nil
}

// separator is the token that a stream begins with.
func (lm *LM) separator() int32 { return token.Separator }
