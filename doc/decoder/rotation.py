"""Rotation angles of the attention, in binary64, each operation rounded once.

Follows "Rotation angles" in chapter 2 of doc/format.md. Python's floats are binary64 and
nothing is fused.
"""
import math

from arithmetic import row

LN2_HIGH = float.fromhex('0x1.62e42fefp-1')
LN2_LOW = float.fromhex('0x1.473de6af278edp-34')
ROOT_HALF = float.fromhex('0x1.6a09e667f3bcdp-1')
LOG2E = float.fromhex('0x1.71547652b82fep+0')
TWO_BY_PI = float.fromhex('0x1.45f306dc9c883p-1')
HALF_PI_HIGH = float.fromhex('0x1.921fb544p+0')
HALF_PI_LOW = float.fromhex('0x1.0b4611a626331p-34')
ROUNDER = float.fromhex('0x1.8p+52')  # adding it rounds to an integer

LN = [1.0 / k for k in range(23, 0, -2)]
EXP = [1.0 / math.factorial(k) for k in range(13, -1, -1)]
SIN = [-1.0 / math.factorial(11), 1.0 / math.factorial(9), -1.0 / math.factorial(7),
       1.0 / math.factorial(5), -1.0 / math.factorial(3)]
COS = [-1.0 / math.factorial(10), 1.0 / math.factorial(8), -1.0 / math.factorial(6),
       1.0 / math.factorial(4), -1.0 / math.factorial(2)]


def horner(coefficients, x):
    """Return a polynomial in x, its highest coefficient first."""
    p = coefficients[0]
    for c in coefficients[1:]:
        p = p * x + c
    return p


def ln(x):
    """Return ln(x)."""
    m, e = math.frexp(x)  # m is at least 1/2 and below 1
    if m < ROOT_HALF:
        m *= 2
        e -= 1
    s = (m - 1) / (m + 1)
    h = horner(LN, s * s)
    return e * LN2_HIGH + (e * LN2_LOW + 2 * (s * h))


def exp(x):
    """Return exp(x)."""
    n = (x * LOG2E + ROUNDER) - ROUNDER
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    return math.ldexp(horner(EXP, r), int(n))


def cos_sin(x):
    """Return the cosine and the sine of x."""
    n = (x * TWO_BY_PI + ROUNDER) - ROUNDER
    r = (x - n * HALF_PI_HIGH) - n * HALF_PI_LOW
    q = r * r
    s = r + (r * q) * horner(SIN, q)
    c = 1 + q * horner(COS, q)
    return ((c, s), (-s, c), (-c, -s), (s, -c))[int(n) % 4]


class RopeTable:
    """The cosines and sines of the positions of a stream."""

    def __init__(self, head_dim, base):
        self.frequencies = [exp(((-2 * j) / head_dim) * ln(base)) for j in range(head_dim // 2)]
        self.rows = {}

    def at(self, position):
        """Return two rows, the cosines and the sines at a position, one for each frequency."""
        if position not in self.rows:
            pairs = [cos_sin(position * f) for f in self.frequencies]
            self.rows[position] = row([c for c, _ in pairs]), row([s for _, s in pairs])
        return self.rows[position]
