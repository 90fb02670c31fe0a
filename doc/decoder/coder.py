"""The arithmetic coder, as its decoder needs it.

Follows chapter 5 of doc/format.md.
"""

ONES = (1 << 64) - 1
HALF = 1 << 31  # the probability 1/2


class Coder:
    """Tells decisions, given their probabilities, from a payload."""

    def __init__(self, payload):
        self.payload = payload
        self.at = 8  # bytes of the payload that x has taken in
        self.x1 = 0
        self.x2 = ONES
        self.x = int.from_bytes(payload[:8].ljust(8, b'\0'), 'big')

    def decide(self, p):
        """Return the next decision, whose probability of a one is p / 2^32."""
        mid = self.x1 + (((self.x2 - self.x1) * p) >> 32)
        one = self.x <= mid
        if one:
            self.x2 = mid
        else:
            self.x1 = mid + 1
        while (self.x1 ^ self.x2) >> 56 == 0:
            self._shift()
        return int(one)

    def number(self, bits):
        """Return a number of so many decisions of probability 1/2, highest bit first."""
        value = 0
        for _ in range(bits):
            value = value * 2 + self.decide(HALF)
        return value

    def _shift(self):
        """Move the interval up a byte; behind its end the payload is zeros."""
        byte = self.payload[self.at] if self.at < len(self.payload) else 0
        self.at += 1
        self.x1 = (self.x1 << 8) & ONES
        self.x2 = ((self.x2 << 8) & ONES) | 0xFF
        self.x = ((self.x << 8) & ONES) | byte
