"""Numbers: the exact binary32 arithmetic of the models.

Follows chapter 2 of doc/format.md, all but its rotation angles (rotation.py). A number
of binary32 is a float, which is a binary64, that binary32 can hold; a row of them is an
array('f'), which rounds what is put into it to the nearest, ties to even.

The sum, product, quotient or root of numbers of binary32, computed in binary64 and then
rounded to binary32, is what rounding once gives, since binary64 has more than twice the
digits. A fused multiply-add is not: see fma.
"""
import functools
import math
import struct
import sys
from array import array
from itertools import repeat
from operator import mul

_BINARY32 = struct.Struct('<f')
_BINARY64 = struct.Struct('<d')
_INTEGER64 = struct.Struct('<q')

TINY = 2.0 ** -100  # rows without a larger number are quantized to zeros


def f32(x):
    """Round to binary32."""
    return _BINARY32.unpack(_BINARY32.pack(x))[0]


def row(numbers):
    """Round to a row of binary32."""
    return array('f', numbers)


def zeros(n):
    """Return a row of n zeros."""
    return row(bytes(4 * n))


def fma(a, b, c):
    """Return FMA(a, b, c), a*b+c rounded once.

    The product is exact in binary64. The sum is rounded to odd: if it is not exact, its
    last bit becomes 1, which keeps it off the middle between two numbers of binary32, so
    that rounding it again rounds the exact sum.
    """
    product = a * b
    result = product + c
    part = result - product
    error = (product - (result - part)) + (c - part)
    if error:
        bits = _INTEGER64.unpack(_BINARY64.pack(result))[0]
        if bits & 1 == 0:
            bits += 1 if (error > 0) == (result > 0) else -1
            result = _BINARY64.unpack(_INTEGER64.pack(bits))[0]
    return f32(result)


@functools.lru_cache(maxsize=None)
def _lanes(n, value):
    """Return n times a 64-bit integer, side by side in one integer."""
    return sum(value << (64 * i) for i in range(n))


def _any_middle(sums):
    """Say whether a number of an array('d') may lie in the middle of two of binary32.

    The last 29 bits of such a number are a one and zeros or, where numbers of binary32
    are subnormal, its exponent is below -126, 897 as a field. All numbers are looked at
    at once, as one long integer, in which an addition carries where that is not so.
    """
    n = len(sums)
    bits = int.from_bytes(sums.tobytes(), sys.byteorder)
    last = (bits & _lanes(n, (1 << 29) - 1)) ^ _lanes(n, 1 << 28)
    field = (bits >> 52) & _lanes(n, 0x7FF)
    carry1, carry2 = _lanes(n, 1 << 29), _lanes(n, 1 << 11)
    apart = (last + _lanes(n, (1 << 29) - 1)) & carry1 == carry1
    normal = (field + _lanes(n, 2048 - 897)) & carry2 == carry2
    return not (apart and normal)


def fma_row(a, b, c):
    """Return the row of FMA(a, b, c) for the numbers of three rows, or of repeat(number).

    Rounding twice, to binary64 and to binary32, differs from rounding once only if the
    first result lies in the middle of two numbers of binary32. Such a result has 28 zeros
    at its end; those that have are computed again.
    """
    sums = [x * y + z for x, y, z in zip(a, b, c)]
    binary64 = array('d', sums)
    if _any_middle(binary64):
        bits = array('Q', binary64.tobytes())
        for i, (n, x, y, z) in enumerate(zip(bits, a, b, c)):
            if n & 0xFFFFFFF == 0:
                sums[i] = fma(x, y, z)
    return row(sums)


def add(x, y):
    """Return x + y of two rows."""
    return row([a + b for a, b in zip(x, y)])


def multiply(x, y):
    """Return x * y, number by number, of two rows."""
    return row([a * b for a, b in zip(x, y)])


def scale(x, a):
    """Return x * a of a row and a number."""
    return row([v * a for v in x])


class Matrix:
    """Rows of int8 numbers with a scale each."""

    def __init__(self, rows, scales):
        self.rows = rows
        self.scales = scales

    @classmethod
    def quantized(cls, rows):
        """Return the matrix of QuantizeS8 of rows of binary32."""
        pairs = [quantize_s8(r) for r in rows]
        return cls([q for q, _ in pairs], [s for _, s in pairs])

    def times(self, q, s):
        """Return the byte product with a row of QuantizeU8: its numbers less 128, its scale."""
        scales = scale(self.scales, s)
        return multiply(scales, row([sum(map(mul, r, q)) for r in self.rows]))

    def wide(self):
        """Return the rows in binary32."""
        return [scale(r, s) for r, s in zip(self.rows, self.scales)]


def _fold(lanes):
    """Add up 16 lanes in their order."""
    for half in (8, 4, 2, 1):
        lanes = add(lanes[:half], lanes[half:])
    return lanes[0]


def total(x):
    """Return the sum of a row in the 16-lane order."""
    lanes = zeros(16)
    for i in range(0, len(x), 16):
        part = x[i:i + 16]
        lanes[:len(part)] = add(lanes, part)
    return _fold(lanes)


def sum_of_squares(x):
    """Return the sum of the squares of a row in the 16-lane order."""
    lanes = zeros(16)
    for i in range(0, len(x), 16):
        part = x[i:i + 16]
        lanes[:len(part)] = fma_row(part, part, lanes)
    return _fold(lanes)


LOG2E = float.fromhex('0x1.715476p+0')
ROUNDER = float.fromhex('0x1.8p+23')  # adding it rounds to an integer
LN2_HIGH = float.fromhex('-0x1.62e430p-1')
LN2_LOW = float.fromhex('0x1.05c610p-29')
EXP = [float.fromhex(c) for c in ('0x1.6a243ap-10', '0x1.1239e0p-7', '0x1.5558f2p-5',
                                  '0x1.555492p-3', '0x1.fffffcp-2', '1', '1')]


def exp(x):
    """Return exp of a row."""
    x = row([max(-87.0, min(88.0, v)) for v in x])
    z = fma_row(x, repeat(LOG2E), repeat(ROUNDER))
    n = row([v - ROUNDER for v in z])
    r = row([a * LN2_HIGH + b for a, b in zip(n, x)])  # as by FMA: exact in binary64
    r = fma_row(n, repeat(LN2_LOW), r)
    p = repeat(EXP[0])
    for c in EXP[1:]:
        p = fma_row(p, r, repeat(c))
    bits = [(a + (b << 23)) & 0xFFFFFFFF
            for a, b in zip(array('I', p.tobytes()), array('I', z.tobytes()))]
    return row(array('I', bits).tobytes())


def inverse_rms(x, eps):
    """Return InverseRMS of a row."""
    mean = f32(sum_of_squares(x) / len(x))
    return f32(1.0 / f32(math.sqrt(f32(mean + eps))))


def rms_norm(x, gain, eps):
    """Return RMSNorm of a row; gain is None without one."""
    y = scale(x, inverse_rms(x, eps))
    return y if gain is None else multiply(y, gain)


def softmax(x):
    """Return Softmax of a row."""
    m = max(x)
    e = exp(row([v - m for v in x]))
    return scale(e, f32(1.0 / total(e)))


def sigmoid(x):
    """Return 1 / (1 + exp(-x)) of a row."""
    e = row([1.0 + v for v in exp(row([-v for v in x]))])
    return row([1.0 / v for v in e])


def silu_mul(gate, up):
    """Return SiluMul of two rows."""
    return multiply(multiply(gate, sigmoid(gate)), up)


def rope(x, cos, sin):
    """Return Rope of a row: its halves turned by angles."""
    half = len(x) // 2
    a, b = x[:half], x[half:]
    minus = row([-v for v in multiply(b, sin)])
    return fma_row(a, cos, minus) + fma_row(b, cos, multiply(a, sin))


def _quantize(x, largest, top):
    """Return the integers of a row whose largest number becomes top, and their scale."""
    if largest < TINY:
        return [0] * len(x), 0.0
    return [round(v) for v in scale(x, f32(top / largest))], f32(largest / top)


def quantize_s8(x):
    """Return QuantizeS8 of a row, numbers and scale; QuantizeU8 is the same plus 128."""
    return _quantize(x, max(map(abs, x)), 127.0)


def quantize_pos(x):
    """Return QuantizePos of a row, numbers and scale."""
    return _quantize(x, max(x), 255.0)


def weights(logits):
    """Return Weights of a row of logits: positive integers whose total is about 2^31."""
    m = max(logits)
    e = exp(row([v - m for v in logits]))
    return [int(v) + 1 for v in scale(e, f32(2.0 ** 31 / total(e)))]
