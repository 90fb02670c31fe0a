"""Contexts: what a decision looked like before, in many ways at once.

Follows chapter 7 of doc/format.md, but for its states (states.py), memory (memory.py) and
matches (matches.py).
"""
import base64
import os
from collections import defaultdict

import mixing
from errors import BLOCK_CORRUPT, FormatError
from matches import Match, MatchTable, length_class
from memory import M1, M2, ONES, Memory
from states import DECISIONS, NEXT

FAST, PLAIN, RICH = 'fast', 'plain', 'rich'        # sets of contexts
NUMBERED = {FAST: 8, PLAIN: 12, RICH: 20}          # contexts beside orders 0 and 1
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
EVEN = 1 << 31  # the probability 1/2, with the count 0
MARKS = 10      # predictors of marks


def _start_maps():
    """Return the entries that the map of each context begins with."""
    with open(os.path.join(ROOT, 'internal', 'context', 'start.txt'), encoding='ascii') as f:
        lines = [base64.b64decode(line) for line in f]
    return [[mixing.entry(mixing.squash((v - 128) * 4096), 60) for v in line] for line in lines]


START_MAPS = _start_maps()


class Slot:
    """The states of a nibble's nodes, 1 to 15, and the check byte in a line."""

    def __init__(self):
        self.check = 0
        self.states = bytearray(16)


class Frequencies:
    """One of the three maps of the rich set."""

    def __init__(self, size):
        self.bits = min(max(size - 4, 6), 12)
        self.entries = defaultdict(lambda: EVEN)  # by row and node

    def row(self, x):
        """Return the number of the row of x."""
        return (((x + 1) * M1) & ONES) >> (64 - self.bits)


class Tables:
    """What the cursors of a block share."""

    def __init__(self, n, kind, has_model):
        size = n.bit_length()  # n is the length of the text in bytes
        self.kind = kind
        self.has_model = has_model
        self.text = bytearray(n + 1)
        self.coded = bytearray(n + 1)
        self.marked = bytearray(n + 1)  # a mark is before the byte
        self.order0 = defaultdict(Slot)
        self.order1 = defaultdict(Slot)
        self.bits = min(max(size + 1, 8), 20)
        self.lines = defaultdict(lambda: [Slot() for _ in range(4)])
        self.maps = [list(start) for start in START_MAPS[:2 + NUMBERED[kind]]]
        self.follow = defaultdict(int)
        self.matches = [MatchTable(i, size) for i in range(1 if kind == FAST else 2)]
        self.frequencies = [Frequencies(size) for _ in range(3 if kind == RICH else 0)]
        self.mark_maps = [defaultdict(lambda: EVEN) for _ in range(MARKS)]

    def slot(self, h, start):
        """Return the slot of a hash for the nibble that begins with the node start."""
        number = h >> (64 - self.bits)
        if start > 1:
            number ^= ((((h >> 24) + (start >> 1)) * M1) & ONES) >> 58
        line = self.lines[number]
        check = ((h >> 24) + 167 * start) & 0xFF
        for slot in line:
            if slot.check == check:
                return slot
        slot = min(line, key=lambda s: DECISIONS[s.states[1]])
        slot.check = check
        slot.states[:] = bytes(16)
        return slot


class Cursor:
    """One stream's place: it codes the bytes from begin to end."""

    def __init__(self, tables, begin, end):
        self.tables = tables
        self.begin = begin
        self.end = end
        self.memory = Memory(tables.text, begin)
        self.matches = [Match(table, tables.text, tables.coded) for table in tables.matches]
        self.node = 1
        self.hashes = None  # of the contexts of this byte, once computed
        self.slots = None   # of this nibble, once found

    def finished(self):
        """Say whether the stream is complete."""
        return self.memory.pos == self.end

    def inputs(self):
        """Return the inputs of a mixer for the decision at hand."""
        if self.hashes is None:
            self.hashes = self._hashes()
        if self.slots is None:
            self._find_slots()
        node = self.node
        nibble = 1 << self._made()
        self.nibble_node = nibble | (node & (nibble - 1))
        x = []
        self.states = [slot.states[self.nibble_node] for slot in self.slots]
        for state, entries in zip(self.states, self.tables.maps):
            x += mixing.inputs(entries[state])
        for match in self.matches:
            x += match.inputs(node)
        for frequencies, row in zip(self.tables.frequencies, self.rows):
            x += mixing.inputs(frequencies.entries[row, node])
        return x

    def _made(self):
        """Return the number of decisions of the nibble at hand that were made."""
        return (self.node.bit_length() - 1) & 3

    def match(self):
        """Return "match" for the decision at hand."""
        first = self.matches[0]
        if first.hit is None:
            return 0
        return 1 + (first.length >= 12) + (first.length >= 32)

    def expected(self):
        """Return "expected" for the decision at hand."""
        return 21 * self.matches[0].expectation() + self.matches[1].expectation()

    def learn(self, bit):
        """Learn the decision at hand."""
        for slot, entries, state in zip(self.slots, self.tables.maps, self.states):
            mixing.learn(entries, state, bit, 1023)
            slot.states[self.nibble_node] = NEXT[state][bit]
        for match in self.matches:
            match.learn(bit)
        for frequencies, row in zip(self.tables.frequencies, self.rows):
            mixing.learn(frequencies.entries, (row, self.node), bit, 1023)

    def push(self, bit):
        """Go on to the next decision, whether this one was predicted or known."""
        self.node = self.node * 2 + bit
        if self.node >= 256:
            self._append(self.node & 0xFF)
            self.node = 1
            self.hashes = self.slots = None
        elif self.node >> 4 == 1:
            self.slots = None

    def _append(self, byte):
        """Append a byte to the stream."""
        tables, memory = self.tables, self.memory
        if self.finished():
            raise FormatError(BLOCK_CORRUPT, 'a token is longer than what is left of its stream')
        tables.text[memory.pos] = byte
        tables.coded[memory.pos] = 1
        place = self._follow_place()
        tables.follow[place] = (tables.follow[place] << 8 | byte) & 0xFFFF
        memory.append(byte)
        for match in self.matches:
            match.append(byte, memory, self.begin)

    def _follow_place(self):
        return (((self.memory.t & 0xFFFFFF) * M1) & ONES) >> 48

    def _hashes(self):
        """Return the hashes of the numbered contexts of the next byte."""
        m, kind = self.memory, self.tables.kind
        xs = self._fast()
        if kind != FAST:
            xs += self._plain()
        if kind == RICH:
            xs += self._rich()
        self.rows = [f.row(x) for f, x in zip(self.tables.frequencies,
                                              (m.classes & 0xFFFF, m.runs & 0xFFFFFF, m.template))]
        more = M2 if self.tables.has_model and m.length == 0 else 0
        hashes = []
        for i, x in enumerate(xs):
            z = ((x + more + (i + 1) * M2) * M1) & ONES
            hashes.append(((z ^ z >> 32) * M2) & ONES)
        return hashes

    def _fast(self):
        """Return the contexts 0 to 7."""
        m = self.memory
        t, column = m.t, m.pos - m.line
        words = m.char + m.char1 * 3 if m.lead > 0x7F else m.word + m.word2 * 3
        return [t & 0xFFFF, t & 0xFFFFFF, t & 0xFFFFFFFF, t & 0xFFFFFFFFFFFF,
                m.word + m.last * M2,
                m.word + m.word1 * 3 + m.last,
                (m.first << 16) + (min(column, 255) << 8) + m.over()[0],
                words]

    def _plain(self):
        """Return the contexts 8 to 11."""
        m = self.memory
        over, after = m.over()
        follow = self.tables.follow[self._follow_place()]
        return [over + (after << 8) + (m.last << 16),
                m.t & 0xFFFF00,
                ((m.classes & 0xFFFFFFFF) << 8) + m.last,
                (follow << 8) + m.last]

    def _rich(self):
        """Return the contexts 12 to 19."""
        m = self.memory
        above, following = m.above()
        key, around = m.keys[m.depth], m.keys[(m.depth - 1) & 15]
        e, l = self.matches[0].byte()
        return [m.value * 8 + m.field,
                m.value * 3 + m.head + m.field,
                above | following << 8 | m.last << 32 | m.field << 16,
                key + around * 3 + m.value * 5 + m.last,
                key + (m.indentation << 8) + m.last,
                e + (l << 8) + (m.last << 16),
                m.classes,
                m.t & 0xFFFF0000]

    def _find_slots(self):
        """Find the slots of the nibble at hand, and how many contexts are known."""
        tables = self.tables
        start = self.node >> self._made()
        self.slots = [tables.order0[start], tables.order1[self.memory.last, start]]
        self.slots += [tables.slot(h, start) for h in self.hashes]
        self.known = sum(1 for slot in self.slots[2:6] if slot.states[1] != 0)

    def mark(self):
        """A token ends here."""
        self.tables.marked[self.memory.pos] = 1
        self.memory.mark()

    def mark_inputs(self):
        """Return the inputs of a mixer for the decision whether a token ends here."""
        self.mark_entries = [(((x + i * M2) * M1) & ONES) >> 48
                             for i, x in enumerate(self._mark_contexts())]
        x = []
        for entries, i in zip(self.tables.mark_maps, self.mark_entries):
            x += mixing.inputs(entries[i])
        return x + [256]

    def _mark_contexts(self):
        m, first = self.memory, self.matches[0]
        t, short = m.t, min(m.length, 15) << 8
        e, l = first.byte()
        mark = kind = 0
        if first.p is not None and first.length > 0:
            mark, kind = self.tables.marked[first.p], length_class(first.length)
        return [m.last + short,
                (t & 0xFFFF) + (short << 8),
                t & 0xFFFFFF,
                m.token,
                m.word + m.last,
                (mark + 2 * kind) | short,
                m.token + (e + (l << 8)) * M2,
                t & 0xFFFFFFFF,
                t & 0xFFFFFFFFFFFF,
                m.token + m.word1 * 3 + m.before * 5]

    def learn_mark(self, bit):
        """Learn whether a token ended here."""
        for entries, i in zip(self.tables.mark_maps, self.mark_entries):
            mixing.learn(entries, i, bit, 255)
