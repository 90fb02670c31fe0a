"""Blocks: methods, line ends, sets of contexts and streams.

Follows chapter 6 of doc/format.md, but for the walk over tokens (tokens.py) and the
prediction (predictor.py).
"""
from coder import HALF, Coder
from container import CONTEXTS, FILL, MODEL, SINGLE, STORED
from contexts import FAST, PLAIN, RICH, Cursor, Tables
from errors import BLOCK_CORRUPT, FormatError
from predictor import Predictor
from tokens import decode_tokens

LEAST_STREAM = 12288  # bytes of a stream where there are several
CHANGED = 1 << 28     # the probability of changed line ends


def decode(method, payload, plain, model):
    """Return the plain bytes, of a length that is known, of a block."""
    if method == STORED:
        return payload
    if method == FILL:
        return payload * plain
    coder = Coder(payload)
    lines = read_lines(coder, plain)
    kind = read_set(coder, method)
    learns = method == SINGLE and coder.decide(HALF) == 1
    tables = Tables(plain - lines, kind, method != CONTEXTS)
    predictor = Predictor(kind, method != CONTEXTS)
    cursors = streams(tables, plain - lines, method)
    if method == CONTEXTS:
        decode_bytes(cursors[0], predictor, coder)
    else:
        decode_tokens(cursors, groups(len(cursors)), predictor, coder, model,
                      method == SINGLE, learns)
    return restore_lines(bytes(tables.text[:plain - lines]), lines)


def read_lines(coder, plain):
    """Return the number of lines whose ends were changed."""
    if not coder.decide(CHANGED):
        return 0
    most = plain // 2
    lines = coder.number(most.bit_length())
    if not 1 <= lines <= most:
        raise FormatError(BLOCK_CORRUPT, '%d changed line ends in %d bytes' % (lines, plain))
    return lines


def restore_lines(text, lines):
    """Return the block of a text from which the CR before each of its LFs was taken."""
    if lines == 0:
        return text
    if text.count(b'\n') != lines:
        raise FormatError(BLOCK_CORRUPT, 'it has %d lines, not %d' % (text.count(b'\n'), lines))
    return text.replace(b'\n', b'\r\n')


def read_set(coder, method):
    """Return the set of contexts."""
    if method == CONTEXTS and coder.decide(HALF):
        return FAST
    return RICH if coder.decide(HALF) else PLAIN


def streams(tables, n, method):
    """Return the cursors of the streams of a text of n bytes."""
    count = 1
    while method == MODEL and count < 16 and n // (2 * count) >= LEAST_STREAM:
        count *= 2
    cursors = []
    begin = 0
    for i in range(count):
        end = begin + n // count + (1 if i < n % count else 0)
        cursors.append(Cursor(tables, begin, end))
        begin = end
    return cursors


def groups(count):
    """Return the streams, by number, of each group."""
    size = 4 if count == 16 else max(1, count // 2)
    return [list(range(i, i + size)) for i in range(0, count, size)]


def decode_bytes(cursor, predictor, coder):
    """Decode a stream without a model."""
    while not cursor.finished():
        predictor.bit(cursor, coder)
