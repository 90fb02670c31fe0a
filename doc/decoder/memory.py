"""What a cursor remembers of the bytes of its stream.

Follows "What a cursor remembers", also of structured text, in chapter 7 of doc/format.md,
whose names the attributes have. Positions are bytes from the beginning of the block.
"""

ONES = (1 << 64) - 1
M1 = 0x9E3779B97F4A7C15
M2 = 0xD6E8FEB86659FD93

LF, SPACE, QUOTE = 10, 32, 34
LOWER, UPPER, DIGIT, LEAD_BYTE, NEXT_BYTE = 1, 2, 3, 12, 13  # classes
WORD_CLASSES = (LOWER, UPPER, LEAD_BYTE, NEXT_BYTE)
FIELD_ENDS = b'\n,;\t| "'
FIELDS = 64  # whose beginnings are kept

GROUPS = ((LOWER, b'abcdefghijklmnopqrstuvwxyz'), (UPPER, b'ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
          (DIGIT, b'0123456789'), (4, b' '), (5, b'\n'), (6, b'.!?'), (7, b',;:'),
          (8, b'"\''), (9, b'([{<'), (10, b')]}>'), (11, b'-_/=+*|\\'), (14, b'\t\r'))


def _class(byte):
    """Return the class of a byte."""
    for number, group in GROUPS:
        if byte in group:
            return number
    if byte >= 0xC0:
        return LEAD_BYTE
    if byte >= 0x80:
        return NEXT_BYTE
    return 15 if byte > SPACE else 0


CLASS = [_class(byte) for byte in range(256)]


class Memory:
    """What a cursor remembers; text is that of the block, pos the place of the next byte."""

    def __init__(self, text, begin):
        self.text = text
        self.pos = begin
        self.t = self.t8 = 0
        self.classes = 0
        self.word = self.word1 = self.word2 = 0
        self.char = self.char1 = self.lead = self.left = 0
        self.line = begin        # where this line begins
        self.line_before = None  # and where the one before
        self.first = 0
        self.token = self.before = self.length = 0
        self.field = self.value = self.head = 0
        self.fields = [begin]    # where those of this line begin
        self.fields_before = []  # and where those of the line before
        self.indentation = 0
        self.runs = self.template = 0
        self.quoted = False
        self.string = self.name = 0
        self.keys = [0] * 16
        self.depth = 0

    @property
    def last(self):
        """The last byte."""
        return self.t & 0xFF

    def over(self):
        """Return "over" and "after", bytes of the line before."""
        if self.line_before is None:
            return 0, 0
        place = self.line_before + self.pos - self.line
        if place + 1 >= self.line:
            return 0, 0
        return self.text[place], self.text[place + 1]

    def above(self):
        """Return "above" and "next", bytes of the same field in the line before."""
        if self.field >= min(FIELDS, len(self.fields_before)):
            return 0, 0
        place = self.fields_before[self.field] + self.pos - self.fields[self.field]
        if place >= self.line:
            return 0, 0
        return self.text[place], self.text[place + 1]

    def mark(self):
        """A token ends here."""
        self.before = self.token
        self.token = self.length = 0

    def append(self, byte):
        """Take in the next byte of the stream."""
        column = self.pos - self.line
        kind = CLASS[byte]
        self.t8 = ((self.t8 << 8) & ONES) | self.t >> 56
        self.t = ((self.t << 8) & ONES) | byte
        self.pos += 1
        self.classes = ((self.classes << 4) & ONES) | kind
        self._word(byte, kind)
        self._character(byte)
        if column < 2:
            self.first = self.first << 8 | byte
        self.token = ((self.token + byte + 1) * M1) & ONES
        self.length += 1
        self._field(byte)
        if byte == SPACE and column == self.indentation:
            self.indentation += 1
        self._shape(byte, kind)
        self._keys(byte)
        if byte == LF:
            self._end_line()

    def _word(self, byte, kind):
        if kind in WORD_CLASSES:
            if kind == UPPER:
                byte += 32
            self.word = ((self.word + byte) * M1) & ONES
        elif self.word:
            self.word2, self.word1, self.word = self.word1, self.word, 0

    def _character(self, byte):
        if 0x80 <= byte <= 0xBF and self.left > 0:
            self.char = ((self.char + byte) * M1) & ONES
            self.left -= 1
            return
        self.char1 = self.char
        self.char = ((byte + 1) * M1) & ONES
        self.lead = byte
        self.left = (byte >= 0xC0) + (byte >= 0xE0) + (byte >= 0xF0)

    def _field(self, byte):
        if byte not in FIELD_ENDS:
            self.value = ((self.value + byte + 1) * M1) & ONES
            return
        if self.field == 0:
            self.head = self.value
        self.value = 0
        self.field += 1
        if byte != LF and self.field < FIELDS:
            self.fields.append(self.pos)

    def _shape(self, byte, kind):
        if kind != self.runs & 15:
            self.runs = ((self.runs << 4) & ONES) | kind
        if kind not in WORD_CLASSES and kind != DIGIT:
            self.template = ((self.template + byte + 1) * M1) & ONES

    def _keys(self, byte):
        if byte == QUOTE:
            if self.quoted:
                self.name = self.string
            self.quoted = not self.quoted
            self.string = 0
        elif self.quoted and byte == LF:
            self.quoted = False
        elif self.quoted:
            self.string = ((self.string + byte + 1) * M1) & ONES
        elif byte in b':=':
            self.keys[self.depth] = self.name or self.word1
        elif byte in b'([{':
            self.depth = (self.depth + 1) & 15
            self.keys[self.depth] = 0
        elif byte in b')]}':
            self.depth = (self.depth - 1) & 15

    def _end_line(self):
        self.line_before, self.line = self.line, self.pos
        self.first = 0
        self.fields_before, self.fields = self.fields, [self.pos]
        self.field = self.head = 0
        self.indentation = 0
        self.template = 0
