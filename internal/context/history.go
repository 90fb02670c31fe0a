package context

// history is the plain bytes of the block as far as they are coded, the same
// for encoder and decoder. The streams of a block fill it in several places.
type history struct {
	b    []byte
	mark []byte // what is known of each position; nil with a single stream
}

const (
	markKnown = 1 << iota // the byte is coded
	markToken             // a token ends after it
)

func (h *history) reset(n int, streams bool) {
	h.b = zeros(h.b, n+1)
	if streams {
		h.mark = zeros(h.mark, n+1)
	} else {
		h.mark = nil
	}
}

// zeros returns n zero bytes, in the memory of b where it is large enough.
func zeros(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	b = b[:n]
	clear(b)
	return b
}

func (h *history) put(i int, b byte) {
	h.b[i] = b
	if h.mark != nil {
		h.mark[i] |= markKnown
	}
}

// known reports whether the byte at a position is coded. In a single stream a
// match looks at no others.
func (h *history) known(i int) bool { return h.mark == nil || h.mark[i]&markKnown != 0 }

// agree returns how many bytes before p and before q agree, at most n.
func (h *history) agree(p, q, n int) int {
	n = min(n, p)
	for i := range n {
		if h.b[p-1-i] != h.b[q-1-i] {
			return i
		}
	}
	return n
}
