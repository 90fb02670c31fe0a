package context

import "encoding/binary"

// table holds the states of all contexts. A slot has the 15 states of one
// nibble in one context, at nodes 1 to 15 (the bits of the nibble so far after
// a leading one). The first slots belong to the contexts of at most one byte;
// behind them lie lines of 64 bytes, four check bytes and four slots, so that a
// lookup costs one cache line.
type table struct {
	b     []byte
	shift uint // 64 - log2(lines)
}

const (
	lineSize   = 64
	slotSize   = 15
	directSize = 257 * 17 * 16 // orders 0 and 1: 17 nibbles a byte, 16 bytes each
)

// directSlot returns the slot of a nibble in the context of order 0 (ctx 256)
// or 1 (ctx the last byte). nibble is 0 for the first, 1 and the first
// nibble's value for the second.
func directSlot(ctx, nibble uint32) uint32 { return (ctx*17 + nibble) * 16 }

// reset makes the table empty, with 2^bits lines.
func (t *table) reset(bits uint) {
	t.shift = 64 - bits
	size := directSize + lineSize<<bits
	if cap(t.b) < size {
		t.b = make([]byte, size)
		return
	}
	t.b = t.b[:size]
	clear(t.b)
}

// slot finds or makes the slot of hash h and returns the place before its
// first state: node n is at b[slot+n].
func (t *table) slot(h uint64) uint32 {
	line := uint32(directSize + h>>t.shift*lineSize)
	b := t.b[line : line+lineSize : line+lineSize]
	check := byte(h >> 24)
	for k := range uint32(4) {
		if b[k] == check {
			return line + 3 + k*slotSize
		}
	}
	return t.replace(line, check)
}

// replace gives the least valuable slot of a line to a new context.
func (t *table) replace(line uint32, check byte) uint32 {
	b := t.b[line : line+lineSize : line+lineSize]
	worst := uint32(0)
	for k := range uint32(4) {
		if priority[b[4+k*slotSize]] < priority[b[4+worst*slotSize]] {
			worst = k
		}
	}
	b[worst] = check
	s := b[4+worst*slotSize:][:slotSize]
	binary.LittleEndian.PutUint64(s, 0)
	binary.LittleEndian.PutUint64(s[7:], 0)
	return line + 3 + worst*slotSize
}
