package codec

// stream is one of the long pieces of a block that are coded in lockstep.
type stream struct {
	slot  int // its place in the model's state
	cur   Cursor
	from  int      // where the piece begins in the block
	bytes []byte   // the piece: read by the encoder, filled by the decoder
	done  int      // bytes coded so far
	ids   []uint16 // encoder: the piece as tokens
	next  int      // encoder: tokens coded so far
	last  int32    // the token coded last, which the model reads next

	begun int    // encoder: where the piece of text began that a gate looks at
	spent uint64 // encoder: what was spent on it, in 1/65536 nat
}

func (s *stream) finished() bool { return s.done == len(s.bytes) }

const (
	// streamBytes is the least that a stream should hold: its first few
	// hundred bytes are coded by a model that has not read anything yet. Twice
	// as many streams cost about 0.3 % of a text of 80 KB.
	streamBytes = 12 << 10
	maxStreams  = 16
	// groupStreams is where a matrix product stops gaining from more rows.
	groupStreams = 4
	maxGroups    = maxStreams / groupStreams
)

// streamCount says in how many streams a block of n bytes is coded. It is part
// of the format: a power of two, so that groups always balance.
func streamCount(n int) int {
	s := 1
	for s < maxStreams && n/(2*s) >= streamBytes {
		s *= 2
	}
	return s
}

// groupCount says in how many groups n streams take their steps: in two at
// least, so that the body of one is computed while the other is coded.
func groupCount(n int) int { return max(min(n, 2), n/groupStreams) }

// cut returns the bounds of stream i of s in a block of n bytes: the first
// n%s streams are one byte longer than the others.
func cut(n, s, i int) (from, to int) {
	size, long := n/s, n%s
	from = i*size + min(i, long)
	to = from + size
	if i < long {
		to++
	}
	return from, to
}
