package vocab

import "slices"

// added finds the tokens that users defined: at every place the longest.
type added struct {
	ids     map[string]int32
	lengths [256][]int // by first byte, longest first
}

func (a *added) add(text []byte, id int32) {
	if len(text) == 0 || len(text) > maxPiece {
		return
	}
	if a.ids == nil {
		a.ids = map[string]int32{}
	}
	if _, ok := a.ids[string(text)]; ok {
		return
	}
	a.ids[string(text)] = id
	l := &a.lengths[text[0]]
	at, found := slices.BinarySearchFunc(*l, len(text), func(have, want int) int { return want - have })
	if !found {
		*l = slices.Insert(*l, at, len(text))
	}
}

// find returns the place, length and id of the first added token of text, and the
// end of the text where there is none.
func (a *added) find(text []byte) (at, n int, id int32) {
	if len(a.ids) == 0 {
		return len(text), 0, None
	}
	for at, c := range text {
		for _, n := range a.lengths[c] {
			if n > len(text)-at {
				continue
			}
			if id, ok := a.ids[string(text[at:at+n])]; ok {
				return at, n, id
			}
		}
	}
	return len(text), 0, None
}
