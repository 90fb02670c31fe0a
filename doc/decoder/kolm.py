#!/usr/bin/env python3
"""Unpacks kolm files: python3 kolm.py [-m MODEL.gguf]... FILE > OUT

A decoder of format 1 that follows doc/format.md, for reading along; README.md says more.
Each block is written when its checksum was found right. The exit status is 1 if a file is
damaged or not readable, after a message, and 2 if the arguments are wrong.
"""
import argparse
import glob
import os
import sys

import blocks
import container
import modelfile
from contexts import ROOT
from errors import UNKNOWN_MODEL, FormatError

BUILT_IN = os.path.join(ROOT, 'internal', 'builtin', '*.gguf')


class Models:
    """Finds models by the beginning of their IDs: those given, then the built-in ones."""

    def __init__(self, given):
        self.files = [modelfile.load(path) for path in given]
        self.others = sorted(glob.glob(BUILT_IN))

    def find(self, prefix):
        """Return the model whose ID begins so."""
        for file in self.files:
            if file.id.startswith(prefix):
                return file.model()
        if not self.others:
            raise FormatError(UNKNOWN_MODEL, 'its ID begins with ' + prefix.hex())
        self.files.append(modelfile.load(self.others.pop(0)))
        return self.find(prefix)


def unpack(data, models, write):
    """Write the plain bytes of a file's blocks, each after it was checked."""
    scanner = container.Scanner(data)
    try:
        for block in scanner.blocks():
            write(decode(block, models))
    except FormatError as err:
        err.at = scanner.part
        raise


def decode(block, models):
    """Return the checked plain bytes of a block."""
    model = None
    if block.method in (container.MODEL, container.SINGLE):
        model = models.find(block.model)
    plain = blocks.decode(block.method, block.payload, block.plain, model)
    container.verify(block, model and model.id, plain)
    return plain


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description='Unpacks a kolm file to standard output.')
    parser.add_argument('-m', metavar='MODEL.gguf', action='append', default=[],
                        help='a model that blocks may have been made with; may be repeated')
    parser.add_argument('file', metavar='FILE')
    args = parser.parse_args()
    try:
        with open(args.file, 'rb') as f:
            data = f.read()
        unpack(data, Models(args.m), sys.stdout.buffer.write)
        sys.stdout.flush()
    except FormatError as err:
        sys.exit('kolm.py: %s, at byte %d: %s' % (args.file, err.at, err))
    except (modelfile.ModelError, OSError) as err:
        sys.exit('kolm.py: %s' % err)


if __name__ == '__main__':
    main()
