package modelfile

import "kolm/internal/token"

// Tokenizer returns the tokenizer of the file. It is an error if the vocabulary
// is not numbered in kolm's way: the 256 bytes, a separator, the merges.
func (f *File) Tokenizer() (*token.Tokenizer, error) {
	if err := f.checkOrder(); err != nil {
		return nil, err
	}
	return token.New(f.Merges)
}
