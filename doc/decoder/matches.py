"""Matches: places in the text that went on as the text does now.

Follows "Matches" in chapter 7 of doc/format.md. Lengths are in bytes.
"""
import mixing
from memory import M1, M2, ONES

LEAST = (6, 16)    # lengths of the first match and of the second
LONGEST = 65535
COMPARED = 48      # bytes, at most, when a match is found
CLASSES = 31       # of lengths
DROPPED = 0xFF     # the last eight bytes all failed


def length_class(length):
    """Return the class of a length."""
    if length < 16:
        return length
    if length < 32:
        return 12 + length // 4
    return 14 + length.bit_length()


def _first_entry(kind, failures):
    """Return the entry that the first map begins with for a length class and failures."""
    k = min(kind, 16) + 1
    return mixing.entry((1 << 31) + ((1 << 31) - 1) // (k + 3 + 4 * failures) * k, 4)


class MatchTable:
    """What the cursors of a block share of one match: places by hash, and two maps."""

    def __init__(self, number, size):
        self.number = number  # 0 or 1
        self.least = LEAST[number]
        self.bits = min(max(size, 8), 20)
        self.places = {}
        self.by_length = [_first_entry(kind, failures)
                          for kind in range(CLASSES) for failures in range(4)]
        self.by_byte = [mixing.entry(3 << 30, 0)] * 1024

    def place(self, memory):
        """Return the place of the last bytes in the hash table."""
        if self.number == 0:
            h = (memory.t << 16) * M1
        else:
            h = (memory.t * M1 + memory.t8) * M2
        return (h & ONES) >> (64 - self.bits)


class Match:
    """One match of one cursor; p is None without one."""

    def __init__(self, table, text, coded):
        self.table = table
        self.text = text    # of the block
        self.coded = coded  # says of each of its bytes whether it is coded
        self.p = None
        self.length = 0
        self.failures = 0   # among the last eight bytes, a bit each
        self.hit = None     # entries and bit of the expectation, None without one

    def byte(self):
        """Return the byte that the match expects and its length class plus 1, or 0, 0."""
        if self.p is None:
            return 0, 0
        return self.text[self.p], length_class(self.length) + 1

    def inputs(self, node):
        """Return the two inputs of the decision at a node."""
        self.hit = None
        if self.p is None:
            return 0, 0
        byte = self.text[self.p]
        made = node.bit_length() - 1  # decisions of this byte
        if (byte | 256) >> (8 - made) != node:
            return 0, 0
        bit = (byte >> (7 - made)) & 1
        kind = length_class(self.length)
        i = kind * 4 + min(bin(self.failures).count('1'), 3)
        j = byte * 4 + min(kind // 8, 3)
        self.hit = bit, i, j
        first = mixing.STRETCH[self.table.by_length[i] >> 20]
        second = mixing.STRETCH[self.table.by_byte[j] >> 20]
        return (first, second) if bit else (-first, -second)

    def expectation(self):
        """Return the number of the expectation for the decision at hand."""
        if self.hit is None:
            return 0
        return 1 + self.hit[0] + 2 * min(length_class(self.length) // 3, 9)

    def learn(self, bit):
        """Let the maps learn whether the expectation was right."""
        if self.hit is None:
            return
        expected, i, j = self.hit
        right = int(expected == bit)
        mixing.learn(self.table.by_length, i, right, 1023)
        mixing.learn(self.table.by_byte, j, right, 255)

    def append(self, byte, memory, begin):
        """Go on behind a byte that memory has taken in; the stream began at begin."""
        if self.p is not None:
            self._advance(byte)
        streamed = memory.pos - begin
        if streamed < self.table.least:
            return
        place = self.table.place(memory)
        if self.p is None or self.length < self.table.least:
            self._find(self.table.places.get(place, 0), memory.pos, streamed)
        self.table.places[place] = memory.pos

    def _advance(self, byte):
        failed = self.text[self.p] != byte
        self.length = 0 if failed else min(self.length + 1, LONGEST)
        self.failures = (self.failures << 1 | failed) & 0xFF
        self.p += 1
        if self.failures == DROPPED or not self.coded[self.p]:
            self.p = None

    def _find(self, p, pos, streamed):
        """Begin a match at p, unless too few bytes before it agree."""
        if p == 0 or not self.coded[p]:
            return
        agree = 0
        most = min(COMPARED, streamed, p)
        while agree < most and self.text[p - 1 - agree] == self.text[pos - 1 - agree]:
            agree += 1
        if agree >= self.table.least:
            self.p, self.length, self.failures = p, agree, 0
