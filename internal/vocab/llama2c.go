package vocab

import (
	"encoding/binary"
	"fmt"
	"math"
)

// ParseLlama2C reads the tokenizer.bin of llama2.c: the length of the longest
// token, then of every token its score, length and bytes. Spaces are spelled as
// such. The ids 0, 1 and 2 are the unknown token, BOS and EOS; bytes have names as
// <0x0A>.
func ParseLlama2C(file []byte) (*Tokenizer, error) {
	if len(file) < 4 {
		return nil, fmt.Errorf("llama2.c tokenizer: %d bytes are no such file", len(file))
	}
	s := Spec{Kind: Scores, BOS: 1, EOS: 2, AddBOS: true, SpacePrefix: true}
	for at := 4; at < len(file); {
		if len(file)-at < 8 {
			return nil, fmt.Errorf("llama2.c tokenizer: at byte %d: token %d is cut off", at, len(s.Pieces))
		}
		score := math.Float32frombits(binary.LittleEndian.Uint32(file[at:]))
		n := binary.LittleEndian.Uint32(file[at+4:])
		at += 8
		if uint64(n) > uint64(len(file)-at) {
			return nil, fmt.Errorf("llama2.c tokenizer: at byte %d: token %d has %d bytes, %d are left", at, len(s.Pieces), n, len(file)-at)
		}
		piece, kind := file[at:at+int(n)], Normal
		at += int(n)
		b, isByte := byteName(piece)
		switch {
		case len(s.Pieces) == 0:
			kind = Unknown
		case len(s.Pieces) <= 2:
			kind = Control
		case isByte:
			piece, kind = []byte{b}, Byte
		}
		s.Pieces, s.Types, s.Scores = append(s.Pieces, piece), append(s.Types, kind), append(s.Scores, score)
	}
	return New(s)
}
