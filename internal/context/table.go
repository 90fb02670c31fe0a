package context

import (
	"encoding/binary"
	"math/bits"
)

// table holds the states of all contexts. A slot has the 15 states of one
// nibble in one context, at nodes 1 to 15 (the bits of the nibble so far after
// a leading one). Lines of 64 bytes have four check bytes and four slots, so that
// a lookup costs one cache line; behind them lie the slots of the contexts of at
// most one byte.
type table struct {
	b      []byte
	shift  uint   // 64 - log2(lines)
	direct uint32 // where the slots of orders 0 and 1 begin
}

const (
	lineSize   = 64
	slotSize   = 15
	directSize = 257 * 17 * 16 // orders 0 and 1: 17 nibbles a byte, 16 bytes each
)

// directSlot returns the slot of a nibble in the context of order 0 (ctx 256)
// or 1 (ctx the last byte). nibble is 0 for the first, 1 and the first
// nibble's value for the second.
func (t *table) directSlot(ctx, nibble uint32) uint32 { return t.direct + (ctx*17+nibble)*16 }

// reset makes the table empty, with 2^bits lines.
func (t *table) reset(bits uint) {
	t.shift = 64 - bits
	t.direct = lineSize << bits
	size := directSize + lineSize<<bits
	if cap(t.b) >= size {
		t.b = zeros(t.b, size)
		return
	}
	t.b = make([]byte, size)
	hugePages(t.b)
}

// line returns the place of the line of hash h.
func (t *table) line(h uint64) uint32 { return uint32(h >> t.shift * lineSize) }

// slot finds or makes the slot with a check byte in a line and returns the
// place before its first state: node n is at b[slot+n].
func (t *table) slot(line uint32, check byte) uint32 {
	// Bytes of x that are zero are checks that agree; the lowest is exact.
	x := binary.LittleEndian.Uint32(t.b[line:]) ^ uint32(check)*0x01010101
	if x = (x - 0x01010101) &^ x & 0x80808080; x != 0 {
		return line + 3 + uint32(bits.TrailingZeros32(x))>>3*slotSize
	}
	return t.replace(line, check)
}

// replace gives the least valuable slot of a line to a new context.
func (t *table) replace(line uint32, check byte) uint32 {
	b := t.b[line : line+lineSize : line+lineSize]
	p := &priority
	worst := min(
		min(uint32(p[b[4]])<<2, uint32(p[b[4+slotSize]])<<2|1),
		min(uint32(p[b[4+2*slotSize]])<<2|2, uint32(p[b[4+3*slotSize]])<<2|3)) & 3
	b[worst] = check
	s := b[4+worst*slotSize:][:slotSize]
	binary.LittleEndian.PutUint64(s, 0)
	binary.LittleEndian.PutUint64(s[7:], 0)
	return line + 3 + worst*slotSize
}
