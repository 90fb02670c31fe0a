// Package container frames packed blocks: what is where in a file, how damage
// is noticed, and how a reader finds the block that holds a byte.
//
// It knows a block's method as a number, a payload as bytes and a model as the
// 32 bytes of its ID. It must not know models, coding or files by name.
//
// # Members
//
// A file is one or more members, one after the other; its plain bytes are
// those of its members in order. So files may be joined with cat. Anything
// after the last member that does not begin a member is an error (no padding).
// All integers are little endian. A member has one of two forms:
//
// The stream form, for inputs of any and of unknown length:
//
//	magic       8  9E 6B 6F 6C 6D 0D 0A 1A
//	version     1  1
//	flags       1  0; all bits are reserved
//	block size  4  no block of the member has more plain bytes
//	model       8  first bytes of the model's ID; zeros: no block uses a model
//	check       4  of the 22 bytes before
//	blocks         each: block header, payload; at least one block
//	tag         1  FF, where a block's method would be
//	index          the block headers once more, byte for byte
//	count       4  blocks in this member
//	plain       8  plain bytes in this member
//	check       8  of header, tag, index, count and plain
//
// with the block header
//
//	method      1  0 stored, 1 fill, 2 contexts, 3 and 4 contexts and model
//	plain       4  length of the plain bytes, 1 to the block size
//	payload     4  length of the payload, at most the plain length
//	sum         8  of the plain bytes
//	check       4  of the block's number in its member (4 bytes) and the 17 bytes before
//
// The short form, for one block of at most 64 KiB, where each byte counts (a
// message of 100 bytes pays 14 bytes, an empty file is 9 bytes):
//
//	magic       3  9E 6B 73
//	head        1  version (high four bits), method (low four bits)
//	plain       v  length of the plain bytes
//	payload     v  length of the payload; only for methods 2 to 4
//	model       4  first bytes of the model's ID; only for methods 3 and 4
//	payload
//	sum         4  of the plain bytes
//
// v is a base-128 number, low group first, in the fewest bytes. The payload of
// method 0 is the plain bytes; that of method 1 is the one byte that repeats.
//
// # Reasons
//
// The magic begins with a byte that is neither ASCII nor the start of a UTF-8
// sequence, so no text is taken for a kolm file; then the name; then CR LF,
// which a transfer in text mode changes, and 1A, which ends a text where that
// still matters. The short magic shares the first two bytes.
//
// Checks and sums are the first bytes of a SHA-256: it is in every standard
// library, has no parameters to get wrong, and costs a thousandth of the coding
// it guards. A sum is over the model's whole ID (32 zeros for methods 0 to 2)
// and the plain bytes: so the file needs only enough of the ID to look the
// model up, and the wrong model with the right beginning is still noticed. 64
// bits suffice against accident in any archive; 32 in the short form, as in
// gzip and zstd. Neither is a signature.
//
// The index repeats the block headers so that one read at the end of a file
// gives all that seeking needs, and so that no block can be swapped, dropped or
// brought from another file unnoticed. Truncation exactly between two members
// can not be noticed.
//
// # Canonical form
//
// Every accepted member is the one way to write what it says: numbers in their
// fewest bytes, reserved bits zero, index equal to the blocks, and no plain bytes,
// which only the short form has, as method 0.
package container

import (
	"crypto/sha256"
	"encoding/binary"
)

// Version of the format: framing, numerics, mixer and coder together.
const Version = 1

// Limits that every reader enforces before it allocates.
const (
	MaxBlock  = 64 << 20 // plain bytes of a block
	MaxBlocks = 1 << 20  // blocks of a member; a writer then begins another
	MaxShort  = 64 << 10 // plain bytes of a member in the short form
)

// Methods, as far as framing depends on them.
const (
	Stored       = 0 // the payload is the plain bytes
	Fill         = 1 // the payload is one byte, repeated
	ModelMethod  = 3 // needs the model, as do those above; method 2 does not
	SingleMethod = 4
	maxMethod    = SingleMethod
	endTag       = 0xFF
)

const (
	headerSize = 26
	blockSize  = 21
	footerSize = 20
	sumSize    = 8 // of a block in the stream form
	shortSum   = 4 // and of one in the short form
	modelSize  = 8
	shortModel = 4
	// shortHead is the most that comes before the payload in the short form.
	shortHead = 4 + 3 + 3 + shortModel
)

var (
	streamMagic = [8]byte{0x9E, 'k', 'o', 'l', 'm', '\r', '\n', 0x1A}
	shortMagic  = [3]byte{0x9E, 'k', 's'}
)

var le = binary.LittleEndian

// Sum is the checksum of a block's plain bytes, to be cut to the form's length.
// id is the whole ID of the model if the method uses it, else nil.
func Sum(id *[32]byte, plain []byte) [8]byte {
	if id == nil {
		id = new([32]byte)
	}
	h := sha256.New()
	h.Write(id[:])
	h.Write(plain)
	return [8]byte(h.Sum(nil)[:8])
}

// check is the first bytes of the SHA-256 of its parts in order.
func check(parts ...[]byte) [8]byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return [8]byte(h.Sum(nil)[:8])
}
