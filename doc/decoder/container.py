"""Framing: the members and blocks of a file, and the checks on them.

Follows chapter 1 of doc/format.md.
"""
import hashlib
import struct
from collections import namedtuple

from errors import (BLOCK_CORRUPT, HEADER_CORRUPT, LIMIT, NOT_KOLM, TRAILING, TRUNCATED,
                    UNSUPPORTED, FormatError)

STORED, FILL, CONTEXTS, MODEL, SINGLE = range(5)  # the methods

STREAM_MAGIC = bytes.fromhex('9E6B6F6C6D0D0A1A')
SHORT_MAGIC = bytes.fromhex('9E6B73')
VERSION = 1
END_TAG = 0xFF
MAX_BLOCK = 64 << 20   # plain bytes of a block
MAX_BLOCKS = 1 << 20   # blocks of a member
MAX_SHORT = 64 << 10   # plain bytes of a member in the short form
NO_MODEL = bytes(8)

# plain is the length of the plain bytes, sum the beginning of their checksum, and model
# that of the model's ID.
Block = namedtuple('Block', 'method plain payload sum model')


def digest(*parts):
    """Return the SHA-256 of the parts, one after the other."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part)
    return sha.digest()


def verify(block, model_id, plain):
    """Compare decoded bytes with the sum of their block; model_id is None without a model."""
    if len(plain) != block.plain:
        raise FormatError(BLOCK_CORRUPT, 'it has %d bytes, not %d' % (len(plain), block.plain))
    want = digest(model_id or bytes(32), plain)
    if want[:len(block.sum)] != block.sum:
        raise FormatError(BLOCK_CORRUPT, 'its checksum differs')


class Scanner:
    """Reads a file, held in memory, from its beginning to its end."""

    def __init__(self, data):
        self.data = data
        self.at = 0
        self.part = 0  # where what is being read begins: a header, a block, an index

    def blocks(self):
        """Yield the blocks of all members in order."""
        members = 0
        while self.at < len(self.data) or members == 0:
            self.part = self.at
            rest = self.data[self.at:self.at + len(STREAM_MAGIC)]
            if rest.startswith(SHORT_MAGIC):
                yield self._short()
            elif rest == STREAM_MAGIC:
                yield from self._stream()
            elif STREAM_MAGIC.startswith(rest) or SHORT_MAGIC.startswith(rest):
                raise FormatError(TRUNCATED, 'the file ends in a magic')
            else:
                kind = TRAILING if members else NOT_KOLM
                raise FormatError(kind, 'no member begins with ' + rest.hex(' '))
            members += 1

    def _take(self, count):
        """Return the next count bytes and go behind them."""
        part = self.data[self.at:self.at + count]
        if len(part) < count:
            raise FormatError(TRUNCATED, '%d bytes are missing' % (count - len(part)))
        self.at += count
        return part

    def _number(self):
        """Read a base-128 number in its fewest bytes, at most three."""
        value = shift = 0
        while shift < 21:
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                if byte == 0 and shift > 7:
                    raise FormatError(HEADER_CORRUPT, 'a length is not in its fewest bytes')
                return value
        raise FormatError(LIMIT, 'a length is above %d' % MAX_SHORT)

    def _short(self):
        """Read a member in the short form, which is one block."""
        self._take(len(SHORT_MAGIC))
        version, method = divmod(self._take(1)[0], 16)
        need_version(version)
        plain = size = self._number()
        if method == FILL:
            size = 1
        elif method != STORED:
            size = self._number()
        model = self._take(4) if method in (MODEL, SINGLE) else None
        need_fields(method, plain, size, MAX_SHORT)
        payload = self._take(size)
        return Block(method, plain, payload, self._take(4), model)

    def _stream(self):
        """Yield the blocks of a member in the stream form, then check its end."""
        header = self._take(26)
        limit, model = read_header(header)
        index = b''
        number = total = 0
        self.part = self.at
        while self.data[self.at:self.at + 1] != bytes([END_TAG]):
            if number == MAX_BLOCKS:
                raise FormatError(LIMIT, 'more than %d blocks in a member' % MAX_BLOCKS)
            head = self._take(21)
            method, plain, size, sum8 = read_block_header(head, number, limit, model)
            index += head
            number += 1
            total += plain
            yield Block(method, plain, self._take(size), sum8, model)
            self.part = self.at
        if number == 0:
            raise FormatError(HEADER_CORRUPT, 'a member without blocks')
        tail = bytes([END_TAG]) + index + struct.pack('<IQ', number, total)
        if self._take(len(tail) + 8) != tail + digest(header, tail)[:8]:
            raise FormatError(HEADER_CORRUPT, 'the index does not agree with the blocks before it')


def read_header(header):
    """Return the block size and the beginning of the model's ID of a stream form's header."""
    version, flags, limit, model = struct.unpack('<BBI8s', header[8:22])
    need_version(version)
    if digest(header[:22])[:4] != header[22:]:
        raise FormatError(HEADER_CORRUPT, 'the check of the header differs')
    if flags:
        raise FormatError(UNSUPPORTED, 'reserved flags are set')
    if limit == 0:
        raise FormatError(HEADER_CORRUPT, 'the block size is 0')
    if limit > MAX_BLOCK:
        raise FormatError(LIMIT, 'the block size %d is above %d' % (limit, MAX_BLOCK))
    return limit, model


def read_block_header(head, number, limit, model):
    """Return method, plain length, payload length and sum of a stream form's block header."""
    if digest(struct.pack('<I', number), head[:17])[:4] != head[17:]:
        raise FormatError(HEADER_CORRUPT, 'the check of the block header differs')
    method, plain, size, sum8 = struct.unpack('<BII8s', head[:17])
    need_fields(method, plain, size, limit)
    if plain == 0:
        raise FormatError(HEADER_CORRUPT, 'an empty block')
    if method in (MODEL, SINGLE) and model == NO_MODEL:
        raise FormatError(HEADER_CORRUPT, 'the block uses a model and the header names none')
    return method, plain, size, sum8


def need_version(version):
    """Refuse versions that the document does not describe."""
    if version != VERSION:
        raise FormatError(UNSUPPORTED, 'version %d' % version)


def need_fields(method, plain, size, limit):
    """Refuse a block whose fields contradict each other; limit is that of the plain length."""
    if method > SINGLE:
        raise FormatError(UNSUPPORTED, 'method %d' % method)
    if plain > limit:
        raise FormatError(LIMIT, 'a block of %d bytes, and %d are allowed' % (plain, limit))
    fits = {STORED: size == plain, FILL: size == 1}.get(method, size <= plain)
    if not fits or (plain == 0 and method != STORED):
        detail = 'method %d, %d plain bytes and a payload of %d' % (method, plain, size)
        raise FormatError(HEADER_CORRUPT, detail)
