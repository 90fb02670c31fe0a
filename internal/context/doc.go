// Package context holds the adaptive predictors of kolm: what followed in the
// same context before, for many kinds of context at once.
//
// A Model is the tables of one block, common to its streams; a Cursor is one
// stream's place. A byte is eight decisions, highest bit first. The node of a
// decision is 1 followed by the bits before it, 1 to 255. For every decision each
// context gives two inputs for a mixer: the stretch of its probability, and the
// probability itself, which weighs certainty less. The caller may leave out
// decisions whose outcome it knows and go on at a later node.
//
// There is a fast set of contexts, a plain one for any data, and a rich one with
// further contexts for structured text: tables, logs, program text and the like.
// The caller chooses.
//
// All arithmetic is on integers and every size follows from the length of the
// block, so that encoder and decoder agree on every machine. The package must not
// know mixers' weights, the language model or the coder.
//
// # Notation
//
// Hashes are unsigned 64-bit integers, sums and products modulo 2^64; <<, >>
// and & bind as products do, | and ^ as sums; M1 is 0x9E3779B97F4A7C15, M2
// 0xD6E8FEB86659FD93. t is the last eight bytes of the stream as a number, the
// last one lowest, 0 before its beginning; t8 is the eight before them; "last"
// is the last byte. n is the length of the block's text. All tables are empty,
// all memories 0, at the beginning of a block.
//
// # What a cursor remembers
//
// Classes: 4 bits for each of the last sixteen bytes, the last one lowest. The
// class is 1 for a-z, 2 for A-Z, 3 for digits, 4 for the space, 5 for LF, 6 for
// .!?, 7 for ,;: 8 for " and ', 9 for ([{< 10 for )]}> 11 for -_/=+*|\ 12 for
// bytes from 0xC0 on, 13 for 0x80 to 0xBF, 14 for TAB and CR, 15 for others above
// the space, and 0.
//
// Words: a byte b of class 1, 2 (with 32 added to b), 12 or 13 makes word =
// (word+b)*M1. Any other, if word is not 0, makes word2 = word1, word1 = word,
// word = 0.
//
// Characters: a byte from 0x80 to 0xBF while left > 0 makes char = (char+b)*M1
// and left one less. Any other makes char1 = char, char = (b+1)*M1, lead = b and
// left 3 for b >= 0xF0, 2 for b >= 0xE0, 1 for b >= 0xC0, else 0.
//
// Lines: where this line and the one before begin (the first line has none
// before it), and first, its first two bytes as a number, the first one
// highest, fewer while there are fewer. LF ends a line and is its last byte.
// The column is the number of bytes since the line began. "over" is the byte of
// the line before in the column of the next byte and "after" the byte behind
// it, both 0 if there is no line before or "after" would not be in it; a byte
// that is not coded yet is 0.
//
// Tokens: token is the hash of the bytes since the last mark, a byte making token
// = (token+b+1)*M1, and before the same of the bytes between the last two marks;
// length is their number.
//
// # What a cursor remembers of structured text
//
// Fields: LF, comma, semicolon, TAB, |, the space and " end a field. They are
// numbered from 0 in each line. Another byte makes value = (value+b+1)*M1; the
// end of a field makes value 0, and the end of field 0 keeps it as head until the
// line ends. The place over the next byte is as far behind the beginning of the
// field of the same number in the line before as this one is behind the beginning
// of its own; "above" is the byte there and "next" the one behind it, 0 if that
// line has no such field, the number is 64 or more, or the place is in this line.
// The beginnings are kept of the first 64 fields.
//
// Indentation: a space whose column is the indentation so far, 0 at first, makes
// it one more.
//
// Shape: runs has the classes of the last sixteen runs of bytes of one class, 4
// bits each, the last one lowest, and is 0 at first: a class other than the
// lowest in it is appended. A byte of none of the classes 1, 2, 3, 12 and 13
// makes template = (template+b+1)*M1; LF makes it 0.
//
// Keys: in quotes, which " opens and closes and LF closes, a byte makes string =
// (string+b+1)*M1; the closing " makes name = string, and every " string = 0. Out
// of quotes : or = sets the key at this depth to name, or to word1 if name is 0;
// ( [ or { adds 1 to the depth and sets the key there to 0; ) ] or } takes 1 off.
// There are sixteen keys, the depth counts modulo 16. "key" is the one at this
// depth and "around" the one at the depth before.
//
// # Contexts
//
// Orders 0 and 1 are the node, and the node with the last byte. The others are
// numbers x:
//
//	0  t & 0xffff              1  t & 0xffffff
//	2  t & 0xffffffff          3  t & 0xffffffffffff
//	4  word + last*M2          5  word + word1*3 + last
//	6  first<<16 + min(column, 255)<<8 + over
//	7  char + char1*3 if lead > 0x7f, else word + word2*3
//	8  over + after<<8 + last<<16
//	9  t & 0xffff00           10  (the last eight classes)<<8 + last
//	11 follow<<8 + last
//
// where follow is 16 bits found under (t & 0xffffff)*M1 >> 48, the two bytes that
// followed the same hash before: after each byte, under the t before it, follow =
// follow<<8 + byte. These are the plain set; the fast one is orders 0 and
// 1 and the contexts 0 to 7. The rich set has also
//
//	12 value*8 + field         13 value*3 + head + field
//	14 above | next<<8 | last<<32 | field<<16
//	15 key + around*3 + value*5 + last
//	16 key + indentation<<8 + last
//	17 e + l<<8 + last<<16     18 the sixteen classes
//	19 t & 0xffff0000
//
// with e the byte that the first match expects and l its length class plus 1,
// both 0 without one. With a language model M2 is added to x if no byte follows
// the last mark or the stream's beginning. The contexts of a byte are computed
// just before its first decision, after all that other streams coded in
// between. The hash of context i is then h = y*M2, where z = (x + (i+1)*M2)*M1
// and y = z ^ z>>32.
//
// # Slots
//
// A slot has a state, one byte, for each of the 15 nodes of a nibble: 1, and the
// bits of the nibble so far after a leading 1. Orders 0 and 1 have a slot for
// each nibble and value of the first nibble and, order 1, of the last byte. The
// others share 2^k lines, k = min(max(size+1, 8), 20), where size is the number
// of bits of n. A line has four check bytes and four slots.
//
// The line of the first nibble is h >> (64-k). That of the second is found from
// the node after three bits, 8 to 15: the line of the first, with ((h>>24 +
// node)*M1)>>58 exclusive-ored to it. The check byte is the lowest of h>>24 +
// 167*node, node being the one that the nibble begins with, 1 or 16 to 31.
//
// A nibble's slot is the first of the line whose check byte is equal. Without
// one the slot is replaced whose state at node 1 has remembered the fewest
// decisions, the first of these: its check byte is set and its states become 0.
// A line begins with check bytes and states of 0. All slots of a nibble are
// found, in the order of the contexts, before its first decision that is
// predicted. Two contexts may so get the same slot, which then moves but once
// at a decision: from the state that was there when it was predicted.
//
// "Known" is the number of contexts 0 to 3 whose slot has a state other than 0 at
// node 1, when the nibble begins.
//
// # States
//
// State 0 is no history; 2^m-1+v is the exact history of m <= 4 decisions, v
// their bits, the last one lowest. From 31 on states are counts of zeros and ones
// with the last decision, more than 4 in all, where the smaller count s is at
// most 4 and the larger at most 48, 24, 10, 6, 5 for s = 0 to 4, and the last
// decision has a count above 0. They are numbered by rising zeros, then rising
// ones, then the last decision.
//
// A decision is appended to an exact history of fewer than four. Else it adds 1
// to the count on its side, and the other count c becomes c for c <= 2, c-1 to
// 4, 4 to 7, 5 to 15, 6 to 31, and 7. While there is no state with the counts,
// the larger is lowered by one, of two equal ones that which is not the last
// decision's. Counts of 4 or fewer in all are an exact history, which is,
// oldest decision first: after a zero all ones, then all zeros; after a one all
// ones but the last, then all zeros, then that one.
//
// # Probabilities
//
// The probability of a state in a context is an entry of a map (internal/mix) of
// limit 1023. It begins with the count 60 and the squash of (v-128)/16 nat, v
// being the byte of that state in the line of that context of
// internal/context/start.txt, in base64, which is part of the format: order 0,
// order 1, and the numbered ones. With p its upper 12 bits, the inputs are
// stretch(p) and (p-2048) >> 1.
//
// # Matches
//
// There are two matches, of a least length of 6 and of 16; the fast set has the
// first alone. Each keeps, under a
// hash of as many of the last bytes, the position behind them, 0 for none: 2^k
// places, k = min(max(size, 8), 20), the hash being t<<16 * M1 and (t*M1 +
// t8)*M2, and its upper k bits the place. A match is a position p that is
// expected to be like the next one, the number of bytes before it that agree, and
// the failures among the last eight bytes.
//
// After each byte: if there is a match and the byte at p is the one coded, the
// length grows by 1, to 65535 at most; else it becomes 0 and a failure is
// noted. p grows by 1. The match is dropped if the last eight all failed or the
// byte at p is not coded yet. Then, if the stream has as many bytes as the
// least length (else nothing more is done), a match shorter than the least
// length or none is replaced by the position kept under the hash, if the byte
// there is coded and at least that many bytes before it agree, of which at most
// 48, at most the length of the stream so far and at most p (before the block
// there are none) are counted, bytes that are not coded yet being 0; it has no
// failures. Last the position of the next byte is kept.
//
// The length class of a length l is l below 16, 12 + l/4 below 32, and 14 + the
// number of its bits. While the byte at p agrees with the decisions made, the
// match expects its bit, with the probability in a map of limit 1023 by length
// class and failures, 3 or more being one, and with that in a map of limit 255
// by that byte and min(class/8, 3); each match has two maps of its own. The
// inputs are their stretches, negated if the bit is 0; without an expectation
// they are 0. Entries of the first map begin with the count 4 and 2^31 +
// floor((2^31-1) / (k+3+4*failures)) * k, where k = min(class, 16) + 1; those
// of the second with the count 0 and 3*2^30. "Match" is 0 if the first match
// has no expectation, and by its length 1 below 12, 2 below 32, or 3.
//
// The expectation of a match is 0 without one, else 1 + the bit that it expects
// + 2*min(floor(length class / 3), 9). "Expected" is 21 times that of the first
// match and that of the second.
//
// # Frequencies
//
// The rich set has three maps of limit 1023, of 2^k rows of 256 entries each, k
// = min(max(size-4, 6), 12), all at 2^31 with the count 0 at first. The entry
// of the decision at a node is that of the node in the row (x+1)*M1 >> (64-k),
// where x is the last four classes in the first map, the lowest 24 bits of runs
// in the second, and template in the third. The inputs of each are stretch(p)
// and (p-2048) >> 1, p being the upper 12 bits of the probability.
//
// The inputs are two for each context of the set, orders 0 and 1 first, two for
// each match and, in the rich set, two for each map of frequencies.
//
// # Marks
//
// A mark behind a byte says that a token of the language model ends there. Its
// predictors are ten maps of limit 255 and 2^16 entries, all at 2^31 with the
// count 0 at first. The entry of map i is ((x + i*M2)*M1) >> 48, where with m =
// min(length, 15) x is
//
//	0  last + m<<8                  1  (t & 0xffff) + m<<16
//	2  t & 0xffffff                 3  token
//	4  word + last                  5  mark + 2*class, with m<<8 or-ed to it
//	6  token + (e + l<<8)*M2        7  t & 0xffffffff
//	8  t & 0xffffffffffff           9  token + word1*3 + before*5
//
// The mark in 5 is that behind the byte before p of the first match, and class
// its length class; both are 0 without a match or if its length is 0. The inputs
// are the stretch of each probability and ((its upper 12 bits) - 2048) >> 1, and
// a last one of 256.
package context
