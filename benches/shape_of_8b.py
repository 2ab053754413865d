#!/usr/bin/env python3
"""Writes a GGUF file without weights: the tokenizer and template of a model, and Llama-3-8B's shape. For `--load-format dummy`: the
suite then takes on a device what it would take with a model that fills it.

usage: benches/shape_of_8b.py MODEL.gguf OUT.gguf
"""

import struct
import sys

SHAPE = {
    "block_count": 32,
    "context_length": 8192,
    "embedding_length": 4096,
    "feed_forward_length": 14336,
    "attention.head_count": 32,
    "attention.head_count_kv": 8,
    "rope.dimension_count": 128,
    "attention.key_length": 128,
    "attention.value_length": 128,
}
# By GGUF's number of a type: how `struct` writes it. 8 is a string, 9 an array.
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form):
        (value,) = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return value

    def skip(self, kind):
        """Goes over a value."""
        if kind == STRING:
            length = self.number("Q")
            self.at += length
        elif kind == ARRAY:
            of, count = self.number("I"), self.number("Q")
            for _ in range(count):
                self.skip(of)
        else:
            self.number(SCALARS[kind])


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        reader = Reader(file.read())
    magic, version = reader.number("I"), reader.number("I")
    reader.number("Q")
    pairs = []
    for _ in range(reader.number("Q")):
        begin = reader.at
        length = reader.number("Q")
        key = reader.data[reader.at : reader.at + length].decode()
        reader.at += length
        kind, value_at = reader.number("I"), reader.at
        reader.skip(kind)
        wanted = SHAPE.get(key.removeprefix("llama."))
        value = reader.data[value_at : reader.at] if wanted is None else struct.pack("<" + SCALARS[kind], wanted)
        pairs.append(reader.data[begin:value_at] + value)
    head = struct.pack("<IIQQ", magic, version, 0, len(pairs)) + b"".join(pairs)
    with open(target, "wb") as file:
        file.write(head + bytes(-len(head) % 32))


main()
