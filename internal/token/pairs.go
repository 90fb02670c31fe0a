package token

// noMerge is what pairTable says of a pair that does not merge.
const noMerge = 1<<32 - 1

// pairTable maps pairs of ids to the id they merge into: open addressing, at
// most half full. An entry is the pair in the high half and the id in the low
// one; 0 is an empty place, for no merge makes token 0.
type pairTable struct {
	entries []uint64
	mask    uint32
}

func newPairTable(n int) pairTable {
	size := 16
	for size < 2*n {
		size *= 2
	}
	return pairTable{make([]uint64, size), uint32(size - 1)}
}

func hashPair(key uint32) uint32 {
	h := key * 0x9e3779b1
	return h ^ h>>15
}

func (p *pairTable) put(a, b uint16, id uint32) {
	key := uint32(a)<<16 | uint32(b)
	at := hashPair(key) & p.mask
	for p.entries[at] != 0 {
		at = (at + 1) & p.mask
	}
	p.entries[at] = uint64(key)<<32 | uint64(id)
}

// get returns the id that the pair merges into, or noMerge.
func (p *pairTable) get(a, b uint16) uint32 {
	key := uint32(a)<<16 | uint32(b)
	for at := hashPair(key) & p.mask; ; at = (at + 1) & p.mask {
		e := p.entries[at]
		if uint32(e>>32) == key && e != 0 {
			return uint32(e)
		}
		if e == 0 {
			return noMerge
		}
	}
}
