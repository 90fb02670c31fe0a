"""The errors of a kolm file.

Follows the table at the end of chapter 1 of doc/format.md.
"""

NOT_KOLM = 'not a kolm file'
UNSUPPORTED = 'unsupported version'
UNKNOWN_MODEL = 'unknown model'
HEADER_CORRUPT = 'header corrupt'
BLOCK_CORRUPT = 'block corrupt'
TRUNCATED = 'truncated'
TRAILING = 'trailing data'
LIMIT = 'limit exceeded'


class FormatError(Exception):
    """What is wrong with a file: one of the kinds above, the detail, and where."""

    def __init__(self, kind, detail):
        super().__init__(kind + ': ' + detail)
        self.at = 0  # the byte where the part of the file begins that is wrong
